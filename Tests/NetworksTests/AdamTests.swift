import Foundation
import Kernels
import Networks
import RandomNumbers
import Testing

/// Tensors of one kind, with gradients that a test chooses, for an optimiser alone.
struct OptimizedTensors {
  let parameters: ParameterArena
  let gradients: ParameterArena

  init(_ tensors: [TensorDeclaration]) {
    parameters = ParameterArena(tensors)
    gradients = ParameterArena(like: parameters)
  }

  func step(
    _ optimizer: any Optimizer, learningRate: Float, gradientScale: Float = 1, threads: Int = 1
  ) {
    optimizer.steps += 1
    optimizer.update(
      OptimizerStep(
        parameters: parameters, gradients: gradients, gradientScale: gradientScale, learningRate: learningRate,
        team: ThreadTeam(threads: threads)))
  }
}

@Test func adamEqualsItsFormulaInDoublePrecision() {
  let count = 41
  let tensors = OptimizedTensors([TensorDeclaration("kernel", [count])])
  let adam = Adam(for: tensors.parameters)
  var stream = RandomStream(seed: 23, purpose: .test)
  var w = (0..<count).map { _ in Double(Float(stream.uniform(in: -1..<1))) }
  tensors.parameters.setValues(w.map { Float($0) }, of: "kernel")
  var m = [Double](repeating: 0, count: count)
  var v = m
  for step in 1...5 {
    let gradient = (0..<count).map { Double(Float(stream.uniform(in: -1..<1) * pow(10, Double($0 % 9 - 8)))) }
    tensors.gradients.setValues(gradient.map { Float($0) }, of: "kernel")
    tensors.step(adam, learningRate: 1e-3)
    let rate = 1e-3 * (1 - pow(0.999, Double(step))).squareRoot() / (1 - pow(0.9, Double(step)))
    let found = tensors.parameters.values(of: "kernel")!
    for (i, g) in gradient.enumerated() {
      m[i] += (g - m[i]) * 0.1
      v[i] += (g * g - v[i]) * 0.001
      w[i] -= rate * m[i] / (v[i].squareRoot() + 1e-7)
      #expect(abs(Double(found[i]) - w[i]) < 5e-7)
    }
  }
}

@Test func theNormOfAGradientDoesNotDependOnThreads() {
  let count = 100_000
  let gradients = GradientArena([TensorDeclaration("kernel", [count])])
  gradients.setValues((0..<count).map { Double($0 % 100) / 100 }, of: "kernel")
  let expected = gradients.values(of: "kernel")!.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
  let rounded = ParameterArena(like: gradients)
  let norms = [1, 2, 3].map { rounded.round(gradients, ThreadTeam(threads: $0)) }
  #expect(abs(norms[0] - expected) < 1e-7 * expected)
  #expect(norms[0] == norms[1] && norms[0] == norms[2])
  #expect(rounded.values(of: "kernel") == gradients.values(of: "kernel")!.map { Float($0) })
  for threads in [1, 3] { #expect(rounded.norm(ThreadTeam(threads: threads)) == norms[0]) }
}
