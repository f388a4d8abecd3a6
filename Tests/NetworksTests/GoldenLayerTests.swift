import Foundation
import HDF5
import Kernels
import Networks
import RandomNumbers
import Testing

/// Single layers against Keras: `scripts/golden/make layers` makes the numbers. A tensor may differ by 1e-5 of its
/// largest value.
private let tolerance = 1e-5

/// A layer, its weights and its songs as `scripts/golden/README.md` defines them.
private struct LayerCase: Decodable {
  struct Tensor: Decodable {
    var name: String
    var shape: [Int]
  }

  var name: String
  var layer: String
  var inputs: Int
  var units: Int
  var lengths: [Int]
  var resetAfter: Bool
  var bidirectional: Bool
  var returns: String
  var rows: Int
  var before: Int
  var after: Int
  var seed: UInt64
  var tensors: [Tensor]

  /// The layers that the case is about: a recurrence that returns mean and maximum is followed by them.
  var layers: [any Layer] {
    switch layer {
    case "dense": [DenseLayer("layer", units: units)]
    case "padding": [ZeroPaddingLayer(before: before, after: after)]
    case "mean_max": [TimeSummaryLayer()]
    default: [recurrence] + (returns == "mean_max" ? [TimeSummaryLayer()] : [])
    }
  }

  private var recurrence: any Layer {
    let (units, after) = (units, resetAfter)
    let returning: RecurrentLayer.Returning = returns == "last" ? .lastStep : .everyStep
    let make: @Sendable (String) -> any Layer = {
      after
        ? RecurrentLayer($0, units: units, returning: returning)
        : ResetBeforeRecurrentLayer($0, units: units, returning: returning)
    }
    return bidirectional ? BidirectionalLayer("layer", make) : make("layer")
  }

  var input: SignalShape {
    SignalShape(rows: max(rows, 1), columns: layer == "dense" ? nil : lengths.max()!, channels: inputs)
  }

  func words(_ first: Int) -> RandomStream { RandomStream(seed: seed, purpose: .test, first: UInt32(first)) }
}

extension RandomStream {
  fileprivate mutating func symmetric(_ bound: Double) -> Float {
    Float((2 * Double(nextWord()) * 0x1p-32 - 1) * bound)
  }
}

private var cases: [String] {
  get throws { try File.open(path).childNames(limit: 1000) }
}

private let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("Golden/layers.h5").path

@Test(arguments: try cases, [1, 2]) func aLayerAndItsGradientsEqualKeras(_ name: String, threads: Int) throws {
  let group = try File.open(path).group(name)
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  let golden = try decoder.decode(LayerCase.self, from: Data(group.textAttribute("case").utf8))
  let bench = LayerBench(golden.layers, golden.input, lengths: golden.lengths, threads: threads)
  for (number, tensor) in golden.tensors.enumerated() {
    var stream = golden.words(number)
    let bound = tensor.name.hasSuffix("bias") ? 0.5 : (6 / Double(tensor.shape.reduce(0, +))).squareRoot()
    let values = (0..<tensor.shape.reduce(1, *)).map { _ in stream.symmetric(bound) }
    #expect(bench.parameters.placement(of: "layer/" + tensor.name)?.shape == tensor.shape, "\(tensor.name)")
    bench.parameters.setValues(values, of: "layer/" + tensor.name)
  }
  var (inputs, upstream) = (golden.words(1000), golden.words(1001))
  try bench.run(input: { inputs.symmetric(1) }, upstream: { upstream.symmetric(1) })
  func stored(_ dataset: String) throws -> [Float] { try group.dataset(dataset).read(limit: 1_000_000) }
  expectEqual(bench.outputs, try stored("outputs"), tolerance: tolerance, "outputs of \(name)")
  expectEqual(
    bench.inputGradients, try stored("input_gradients"), tolerance: tolerance, "input's gradients of \(name)")
  var next = 0
  let weightGradients = try stored("weight_gradients")
  for tensor in golden.tensors {
    let found = bench.gradients.values(of: "layer/" + tensor.name)!.map { Float($0) }
    expectEqual(
      found, Array(weightGradients[next..<next + found.count]), tolerance: tolerance,
      "\(tensor.name)'s gradients of \(name)")
    next += found.count
  }
  #expect(next == weightGradients.count)
}

/// Layers alone, fed with values and gradients of a test's choice.
final class LayerBench {
  let parameters: ParameterArena
  let gradients: GradientArena
  private let passes: [any LayerPass]
  private let input: Signal
  private let batch: BatchPass

  init(_ layers: [any Layer], _ shape: SignalShape, lengths: [Int], threads: Int) {
    let total = lengths.reduce(0, +)
    let shapes = layers.reduce(into: [shape]) { $0.append($1.output(of: $0.last!)) }
    parameters = ParameterArena(zip(layers, shapes).flatMap { $0.trainableTensors(of: $1) })
    gradients = GradientArena(like: parameters)
    // A pass must write over whatever stands there.
    for placement in gradients.placements {
      gradients.setValues(Array(repeating: .nan, count: placement.count), of: placement.name)
    }
    let statistics = ParameterArena([])
    let tensors = LayerTensors(
      parameters: parameters, gradients: gradients, movingStatistics: statistics, batchStatistics: statistics)
    input = Signal(shape, maximumBatch: lengths.count, maximumColumns: total)
    passes = Network.makePasses(
      of: layers, on: input, tensors, maximumBatch: lengths.count, maximumSegments: total,
      team: ThreadTeam(threads: threads))
    batch = BatchPass(
      songs: lengths.indices.map { UInt32($0) }, labels: [], layout: BatchLayout(layers, segments: lengths),
      step: nil, statistics: nil, scratch: AlignedBuffer(count: 0))
  }

  /// A forward and a backward pass. Values come song after song, of a map row by row.
  func run(input value: () -> Float, upstream: () -> Float) throws {
    let output = passes.last!.output
    forEachValue(of: input, batch.input(0)) { input.values[$0] = value() }
    for pass in passes { try pass.forward(batch) }
    // What a backward pass has to write over.
    for i in 0..<gradients.count { gradients.storage.start[i] = 77 }
    forEachValue(of: output, batch.output(passes.count - 1)) { output.gradient[$0] = upstream() }
    for pass in passes.reversed() { try pass.backward(batch) }
  }

  var outputs: [Float] {
    var values: [Float] = []
    let output = passes.last!.output
    forEachValue(of: output, batch.output(passes.count - 1)) { values.append(output.values[$0]) }
    return values
  }

  var inputGradients: [Float] {
    var values: [Float] = []
    forEachValue(of: input, batch.input(0)) { values.append(input.gradient[$0]) }
    return values
  }

  private func forEachValue(of signal: Signal, _ spans: [SongSpan], _ body: (Int) -> Void) {
    for (song, span) in spans.enumerated() {
      let columns = signal.shape.columns == nil ? 1 : span.count
      for position in 0..<signal.shape.rows * columns {
        for channel in 0..<signal.shape.channels {
          body(signal.offset(song, span) + position * signal.channelStride + channel)
        }
      }
    }
  }
}
