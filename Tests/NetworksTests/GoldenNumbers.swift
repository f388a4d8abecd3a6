import Foundation
import HDF5
import RandomNumbers

/// What Keras computed for a case, in double precision (`scripts/golden/network.py`).
struct GoldenNumbers {
  let definition: GoldenCase
  /// Probabilities `[song][tag]` with the moving statistics.
  let inference: [Float]
  /// The loss of each training step.
  let losses: [Double]
  /// Of the first step.
  let gradients: GoldenTensors
  /// Moving statistics after the first step.
  let moving: GoldenTensors
  /// Weights after five steps of Adam.
  let weights: GoldenTensors

  /// The file in the repository or, where `CRNN_DIST_GOLDEN_FULL` names one, a file with every value.
  static var path: String {
    ProcessInfo.processInfo.environment["CRNN_DIST_GOLDEN_FULL"]
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/networks.h5")
      .path
  }

  /// Of networks whose inputs are not 12 rows of one channel.
  private static let pathOfShapes = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden/networks-shapes.h5").path

  init(named name: String) throws {
    let shapes = try File.open(Self.pathOfShapes)
    let group = shapes.contains(name) ? try shapes.group(name) : try File.open(Self.path).group(name)
    let definition = try GoldenCase(group.textAttribute("case"))
    self.definition = definition
    let limit = 50_000_000
    inference = try group.dataset("inference").read(limit: limit)
    losses = try group.dataset("losses").read(limit: limit)
    func tensors(_ part: String, _ list: [GoldenCase.Tensor]) throws -> GoldenTensors {
      let part = try group.group(part)
      return GoldenTensors(
        definition: definition, tensors: list, values: try part.dataset("values").read(limit: limit),
        largest: try part.dataset("largest").read(limit: limit),
        projections: try part.dataset("projections").read(limit: limit))
    }
    gradients = try tensors("gradients", definition.trainable)
    moving = try tensors("moving", definition.moving)
    weights = try tensors("weights", definition.trainable)
  }
}

/// Tensors of one kind, whole where they are small or the case is complete; else a thousand entries of each and 16
/// sums of all entries with random signs.
struct GoldenTensors {
  static let completeUpTo = 4096
  static let sampleCount = 1000
  static let projectionCount = 16

  let definition: GoldenCase
  let tensors: [GoldenCase.Tensor]
  /// Tensor after tensor.
  let values: [Float]
  /// The largest absolute value of each tensor.
  let largest: [Double]
  /// `[tensor][projection]`.
  let projections: [Double]

  /// How far a tensor is from the golden one.
  struct Difference {
    var tensor: GoldenCase.Tensor
    /// The largest golden absolute value.
    var largest: Double
    /// The largest difference of the entries that are stored.
    var ofEntries: Double
    /// Root mean square of the differences of the projections, divided by the square root of the number of
    /// entries: about the root mean square of the differences of all entries. 0 for a tensor stored whole.
    var ofProjections: Double
  }

  /// Compares every tensor; `found` gives the network's values by name.
  func differences(_ found: (String) -> [Float]?) -> [Difference] {
    var next = 0
    return tensors.enumerated().map { number, tensor in
      let mine = found(tensor.name) ?? []
      let isWhole = definition.complete || tensor.count <= Self.completeUpTo
      let positions = isWhole ? Array(0..<tensor.count) : samplePositions(number, tensor.count)
      defer { next += positions.count }
      guard mine.count == tensor.count else {
        return Difference(tensor: tensor, largest: largest[number], ofEntries: .infinity, ofProjections: 0)
      }
      let ofEntries = positions.indices.reduce(0.0) { worst, i in
        let difference = abs(Double(mine[positions[i]]) - Double(values[next + i]))
        return difference.isNaN ? .infinity : max(worst, difference)
      }
      return Difference(
        tensor: tensor, largest: largest[number], ofEntries: ofEntries,
        ofProjections: isWhole ? 0 : projectionDifference(mine, number))
    }
  }

  private func samplePositions(_ number: Int, _ count: Int) -> [Int] {
    var stream = definition.words(first: UInt32(number), second: 1)
    return (0..<Self.sampleCount).map { _ in Int(stream.nextWord()) % count }
  }

  private func projectionDifference(_ mine: [Float], _ number: Int) -> Double {
    var stream = definition.words(first: UInt32(number), second: 2)
    var sums = SIMD16<Double>.zero
    let shifts = SIMD16<UInt32>((0..<16).map { $0 })
    for value in mine {
      let bits = (SIMD16(repeating: stream.nextWord()) &>> shifts) & 1
      sums += Double(value) * (1 - 2 * SIMD16<Double>(bits))
    }
    let squares = (0..<Self.projectionCount).map { projection in
      let difference = sums[projection] - projections[number * Self.projectionCount + projection]
      return difference * difference
    }
    return (squares.reduce(0, +) / Double(Self.projectionCount) / Double(mine.count)).squareRoot()
  }
}
