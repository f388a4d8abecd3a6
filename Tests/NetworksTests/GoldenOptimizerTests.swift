import Foundation
import HDF5
import Networks
import RandomNumbers
import Testing

/// Ten steps of every optimiser against Keras, in double precision: `scripts/golden/make optimizers` makes the numbers,
/// and `scripts/golden/README.md` says where Keras, PyTorch and papers differ and which of them is taken.
private let tolerance = 2e-6

private struct OptimizerCase: Decodable {
  struct Tensor: Decodable {
    var name: String
    var shape: [Int]
    var decays: Bool
    var zeroAtFirst: Bool
    var still: Bool
  }

  var optimizer: String
  var weightDecay: Double
  var decayInTrustRatio: Bool
  var momentum: Double
  var nesterov: Bool
  var weightSeed: UInt64
  var gradientSeed: UInt64
  var storedAfter: [Int]
  var tensors: [Tensor]

  /// Which of ours it is, and with which settings; nil for a form that we do not have: momentum without Nesterov's
  /// look ahead, a decay in SGD, and Keras's LAMB, which decays outside the ratio.
  func make(for parameters: ParameterArena) -> (any Optimizer)? {
    switch optimizer {
    case "adam" where weightDecay == 0: return Adam(for: parameters)
    case "adam": return AdamW(OptimizerSettings(weightDecay: weightDecay), for: parameters)
    case "sgd" where weightDecay == 0 && (nesterov || momentum == 0):
      return SGD(OptimizerSettings(momentum: momentum), for: parameters)
    case "lamb" where weightDecay == 0 || decayInTrustRatio:
      return LAMB(OptimizerSettings(weightDecay: weightDecay), for: parameters)
    default: return nil
    }
  }

  func initialValues(_ number: Int) -> [Float] {
    let tensor = tensors[number]
    guard !tensor.zeroAtFirst else { return Array(repeating: 0, count: tensor.shape.reduce(1, *)) }
    return goldenWeights(
      tensor.name, tensor.shape, from: RandomStream(seed: weightSeed, purpose: .test, first: UInt32(number)))
  }

  func gradient(_ number: Int, step: Int) -> [Float] {
    let tensor = tensors[number]
    let count = tensor.shape.reduce(1, *)
    guard !tensor.still else { return Array(repeating: 0, count: count) }
    var stream = RandomStream(
      seed: gradientSeed, purpose: .test, first: UInt32(1000 + number), second: UInt32(step))
    let bound = [1, 0.1, 0.01][number % 3]
    return (0..<count).map { _ in Float((2 * Double(stream.nextWord()) * 0x1p-32 - 1) * bound) }
  }
}

private let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("Golden/optimizers.h5").path

private var cases: [String] {
  get throws { try File.open(path).childNames(limit: 1000) }
}

private func read(_ group: Group) throws -> OptimizerCase {
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  return try decoder.decode(OptimizerCase.self, from: Data(group.textAttribute("case").utf8))
}

@Test(arguments: try cases, [1, 2]) func tenStepsEqualKeras(_ name: String, threads: Int) throws {
  let group = try File.open(path).group(name)
  let golden = try read(group)
  let tensors = OptimizedTensors(
    golden.tensors.map {
      TensorDeclaration($0.name, $0.shape, groups: $0.name.hasPrefix("recurrent") ? 3 : 1, decays: $0.decays)
    })
  guard let optimizer = golden.make(for: tensors.parameters) else { return }
  let rates: [Double] = try group.dataset("rates").read(limit: 100)
  let weights: [Double] = try group.dataset("weights").read(limit: 100_000)
  for number in golden.tensors.indices {
    tensors.parameters.setValues(golden.initialValues(number), of: golden.tensors[number].name)
  }
  var stored = 0
  for (index, rate) in rates.enumerated() {
    for (number, tensor) in golden.tensors.enumerated() {
      tensors.gradients.setValues(golden.gradient(number, step: index + 1), of: tensor.name)
    }
    tensors.step(optimizer, learningRate: Float(rate), threads: threads)
    guard golden.storedAfter.contains(index + 1) else { continue }
    let count = weights.count / golden.storedAfter.count
    let found = golden.tensors.flatMap { tensors.parameters.values(of: $0.name)! }
    let expected = weights[stored * count..<(stored + 1) * count]
    #expect(found.count == count)
    for (a, b) in zip(found, expected) { #expect(abs(Double(a) - b) <= tolerance, "\(name), step \(index + 1)") }
    stored += 1
  }
  #expect(stored == 3)
}

/// A form that no optimiser of ours has is left out above; what must not be left out stands here.
@Test func everyOptimizerIsHeldToGoldenNumbers() throws {
  let file = try File.open(path)
  let parameters = ParameterArena([TensorDeclaration("kernel", [1, 1])])
  let held = try cases.compactMap { try read(file.group($0)).make(for: parameters) }.map { type(of: $0).name }
  #expect(Set(held) == Set(Optimizers.all.map { $0.name }))
  #expect(held.count >= 10)
}

@Test func aClippedGradientIsScaledBeforeAnyOptimizer() {
  for type in Optimizers.all {
    let (clipped, plain) = (OptimizedTensors.small(), OptimizedTensors.small())
    clipped.step(type.init(OptimizerSettings(), for: clipped.parameters), learningRate: 0.1, gradientScale: 0.5)
    plain.gradients.setValues(plain.gradients.values(of: "kernel")!.map { $0 / 2 }, of: "kernel")
    plain.step(type.init(OptimizerSettings(), for: plain.parameters), learningRate: 0.1)
    #expect(clipped.parameters.values(of: "kernel") == plain.parameters.values(of: "kernel"), "\(type.name)")
    #expect(clipped.parameters.values(of: "kernel") != OptimizedTensors.small().parameters.values(of: "kernel"))
  }
}

extension OptimizedTensors {
  fileprivate static func small() -> OptimizedTensors {
    let tensors = OptimizedTensors([TensorDeclaration("kernel", [2, 20], decays: true)])
    tensors.parameters.setValues((0..<40).map { Float($0) / 8 - 2 }, of: "kernel")
    tensors.gradients.setValues((0..<40).map { Float($0 % 7) - 3 }, of: "kernel")
    return tensors
  }
}
