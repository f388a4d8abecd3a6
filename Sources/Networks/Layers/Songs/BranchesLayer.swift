import Kernels

/// Several lists of layers on the same input, each of which makes a vector of a song; the vectors stand side by side, in the
/// order of the branches.
package struct BranchesLayer: Layer {
  package let name = "branches"

  package struct Branch: Sendable {
    let layers: [any Layer]
    /// Whether it takes anything of the layer below.
    let takesInput: Bool

    /// A branch of the layer below, whose first layer leaves no columns.
    package static func ofInput(_ layers: [any Layer]) -> Branch { Branch(layers: layers, takesInput: true) }

    /// A branch of what is known of whole songs.
    package static func ofSong(_ layers: [any Layer]) -> Branch { Branch(layers: layers, takesInput: false) }

    /// The inputs of its layers, in order, and what the last one gives.
    fileprivate func shapes(_ input: SignalShape) -> [SignalShape] {
      layers.reduce(into: [input]) { shapes, layer in shapes.append(layer.output(of: shapes.last!)) }
    }
  }

  let branches: [Branch]

  package init(_ branches: [Branch]) { self.branches = branches }

  package var dropouts: Int { branches.reduce(0) { $0 + $1.layers.reduce(0) { $0 + $1.dropouts } } }

  package func output(of input: SignalShape) -> SignalShape {
    SignalShape(columns: nil, channels: branches.reduce(0) { $0 + $1.shapes(input).last!.channels })
  }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    branches.flatMap { zip($0.layers, $0.shapes(input)).flatMap { $0.trainableTensors(of: $1) } }
  }

  package func statisticTensors(of input: SignalShape) -> [TensorDeclaration] {
    branches.flatMap { zip($0.layers, $0.shapes(input)).flatMap { $0.statisticTensors(of: $1) } }
  }

  package var operations: [LayerOperation]? {
    let operations = branches.map { branch in branch.layers.map(\.operations) }
    guard operations.allSatisfy({ $0.allSatisfy { $0 != nil } }) else { return nil }
    return [
      .branches(
        zip(branches, operations).map { branch, operations in
          OperationBranch(isOfSong: !branch.takesInput, operations: operations.flatMap { $0 ?? [] })
        })
    ]
  }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    branches.flatMap { zip($0.layers, $0.shapes(input)).flatMap { $0.summary(of: $1) } }
      + [SummaryRow(name, "side by side", [output(of: input).channels])]
  }

  package func makePass(at site: LayerSite) -> any LayerPass { BranchesPass(self, site) }
}

private final class BranchesPass: LayerPass {
  let output: Signal
  private let index: Int
  private let source: Signal
  private let team: ThreadTeam
  private let branches: [Passes]

  /// The passes of a branch.
  private struct Passes {
    /// The layer below's values, with a gradient of the branch's own; nil where it takes nothing of them.
    let tap: Signal?
    let passes: [any LayerPass]

    var output: Signal { passes[passes.count - 1].output }
  }

  init(_ layer: BranchesLayer, _ site: LayerSite) {
    index = site.index
    source = site.input
    team = site.team
    var dropouts = site.firstDropout
    branches = layer.branches.map { branch in
      let tap = branch.takesInput ? Signal(sharing: site.input) : nil
      var signal = tap ?? site.input
      let passes = branch.layers.map { layer in
        let pass = layer.makePass(
          at: LayerSite(
            index: site.index, input: signal, tensors: site.tensors, maximumBatch: site.maximumBatch,
            maximumColumns: site.maximumColumns, firstDropout: dropouts, team: site.team))
        signal = pass.output
        dropouts += layer.dropouts
        return pass
      }
      return Passes(tap: tap, passes: passes)
    }
    // What a single branch gives needs no other place.
    output =
      branches.count == 1
      ? branches[0].output
      : Signal(layer.output(of: source.shape), maximumBatch: site.maximumBatch, maximumColumns: 0)
  }

  var scratchCount: Int { branches.flatMap(\.passes).reduce(0) { max($0, $1.scratchCount) } }

  func forward(_ batch: BatchPass) throws {
    for branch in branches { for pass in branch.passes { try pass.forward(batch) } }
    join(batch)
  }

  func infer(_ batch: BatchPass) throws {
    for branch in branches { for pass in branch.passes { try pass.infer(batch) } }
    join(batch)
  }

  func backward(_ batch: BatchPass) throws {
    forEachPart { part, start in
      for song in 0..<batch.count {
        (part.gradient + song * part.channelStride)
          .update(
            from: self.output.gradient + song * self.output.channelStride + start, count: part.shape.channels)
      }
    }
    for branch in branches.reversed() { for pass in branch.passes.reversed() { try pass.backward(batch) } }
    if !source.isInput { addGradients(batch) }
  }

  /// What the branches want of the layer below, added up in their order.
  private func addGradients(_ batch: BatchPass) {
    let taps = branches.compactMap(\.tap)
    team.forEach(batch.count) { song in
      let span = batch.input(self.index)[song]
      let (start, count) = (self.source.offset(song, span), span.count * self.source.columnStride)
      let target = self.source.gradient + start
      for (number, tap) in taps.enumerated() {
        let given = tap.gradient + start
        if number == 0 {
          target.update(from: given, count: count)
        } else {
          for i in 0..<count { target[i] += given[i] }
        }
      }
    }
  }

  private func join(_ batch: BatchPass) {
    forEachPart { part, start in
      for song in 0..<batch.count {
        (self.output.values + song * self.output.channelStride + start)
          .update(from: part.values + song * part.channelStride, count: part.shape.channels)
      }
    }
  }

  /// Calls the body for each branch's vector and where it begins among all, where they have to be brought together.
  private func forEachPart(_ body: (_ part: Signal, _ start: Int) -> Void) {
    if branches.count == 1 { return }
    var start = 0
    for branch in branches {
      body(branch.output, start)
      start += branch.output.shape.channels
    }
  }
}
