import Foundation
import Kernels
import Testing

/// The largest of all inputs; infinite where a value is not a number.
private func largestRelativeError(
  _ inputs: [Float], _ function: (Vector) -> Vector, _ exact: (Double) -> Double
) -> Double {
  inputs.map { x in
    let expected = exact(Double(x))
    let error = abs(Double(function(Vector(repeating: x))[3]) - expected) / max(abs(expected), 1e-30)
    return error.isNaN ? .infinity : error
  }.max()!
}

private let everyday: [Float] = (-4000...4000).map { Float($0) * 0.005 + 0.0001 }

@Test func vectorFunctionsStayWithinTheirStatedErrors() {
  #expect(largestRelativeError(everyday, \.exponential, exp) < 3e-7)
  #expect(largestRelativeError(everyday, \.sigmoid) { 1 / (1 + exp(-$0)) } < 5e-7)
  #expect(largestRelativeError(everyday, \.hyperbolicTangent, tanh) < 1e-6)
  #expect(largestRelativeError(everyday, \.exponentialLinear) { $0 > 0 ? $0 : expm1($0) } < 1e-6)
  let all = (-870...879).map { Float($0) / 10 }
  // Also where the difference of eˣ and 1 would cancel.
  let tiny = (0..<300).map { Float(pow(10, Double($0) / 10 - 30)) }
  for x in [everyday, all, tiny, tiny.map { -$0 }] {
    #expect(largestRelativeError(x, \.exponential, exp) < 3e-7)
    #expect(largestRelativeError(x, \.exponentialMinusOne, expm1) < 3e-7)
    #expect(largestRelativeError(x, \.hyperbolicTangent, tanh) < 1e-6)
  }
  let positive = (0..<2000).map { Float(pow(10, Double($0) / 50 - 30)) }
  #expect(largestRelativeError(positive, \.root, sqrt) < 3e-7)
}

@Test func vectorFunctionsHoldAtTheEnds() {
  #expect(Vector(repeating: 1000).exponential[0].isFinite)
  #expect(Vector(repeating: -1000).exponential[0] < 1e-37)
  #expect(Vector(repeating: -200).sigmoid[0] < 1e-37)
  #expect(Vector(repeating: 200).sigmoid[0] == 1)
  #expect(Vector(repeating: -50).hyperbolicTangent[0] == -1)
  #expect(Vector.zero.hyperbolicTangent == .zero)
  #expect(Vector.zero.root == .zero)
  #expect(Vector.zero.exponentialMinusOne == .zero)
  #expect(Vector(repeating: -1000).exponentialMinusOne[0] == -1)
  for function in [
    \Vector.exponential, \.exponentialMinusOne, \.exponentialLinear, \.sigmoid, \.hyperbolicTangent,
  ] {
    var mixed = Vector(repeating: 0.5)
    mixed[5] = .nan
    let found = mixed[keyPath: function]
    #expect(
      mixed.indices.allSatisfy { found[$0].isNaN == ($0 == 5) }, "what is no number must be seen, and it alone")
  }
}
