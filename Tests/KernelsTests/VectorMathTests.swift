import Foundation
import Kernels
import Testing

private func largestRelativeError(
  _ inputs: [Float], _ function: (Vector) -> Vector, _ exact: (Double) -> Double
) -> Double {
  inputs.map { x in
    let expected = exact(Double(x))
    return abs(Double(function(Vector(repeating: x))[3]) - expected) / max(abs(expected), 1e-30)
  }.max()!
}

private let everyday: [Float] = (-4000...4000).map { Float($0) * 0.005 + 0.0001 }

@Test func vectorFunctionsStayWithinTheirStatedErrors() {
  #expect(largestRelativeError(everyday, vectorExponential, exp) < 3e-7)
  #expect(largestRelativeError(everyday, vectorSigmoid) { 1 / (1 + exp(-$0)) } < 5e-7)
  #expect(largestRelativeError(everyday, vectorHyperbolicTangent, tanh) < 1e-6)
  #expect(largestRelativeError(everyday, vectorExponentialLinear) { $0 > 0 ? $0 : expm1($0) } < 1e-6)
  let positive = (0..<2000).map { Float(pow(10, Double($0) / 50 - 30)) }
  #expect(largestRelativeError(positive, vectorRoot, sqrt) < 3e-7)
}

@Test func vectorFunctionsHoldAtTheEnds() {
  #expect(vectorExponential(Vector(repeating: 1000))[0].isFinite)
  #expect(vectorExponential(Vector(repeating: -1000))[0] < 1e-37)
  #expect(vectorSigmoid(Vector(repeating: -200))[0] < 1e-37)
  #expect(vectorSigmoid(Vector(repeating: 200))[0] == 1)
  #expect(vectorHyperbolicTangent(Vector(repeating: -50))[0] == -1)
  #expect(vectorHyperbolicTangent(.zero) == .zero)
  #expect(vectorRoot(.zero) == .zero)
}
