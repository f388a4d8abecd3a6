import RandomNumbers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a tensor holds before the first step: Keras's defaults.
public enum InitialValue: Sendable, Equatable {
  case zeros
  case ones
  /// Uniform in ±√(6 / (fan in + fan out)); the fans of a convolution count its window (Glorot and Bengio 2010).
  case glorotUniform
  /// A wide matrix of orthonormal rows (Saxe et al. 2014).
  case orthogonal
}

extension ParameterArena {
  /// Sets every tensor to its initial value: a function of the seed and of the tensor's place in the arena alone.
  func setInitialValues(seed: UInt64) {
    for (index, placement) in placements.enumerated() {
      var stream = RandomStream(seed: seed, purpose: .initialWeights, first: UInt32(index))
      setValues(placement.declaration.initialValues(&stream), of: placement.name)
    }
  }
}

extension TensorDeclaration {
  fileprivate func initialValues(_ stream: inout RandomStream) -> [Float] {
    switch initialValue {
    case .zeros: Array(repeating: 0, count: count)
    case .ones: Array(repeating: 1, count: count)
    case .glorotUniform: glorotUniform(shape, &stream)
    case .orthogonal: orthogonalRows(shape[0], shape[1], &stream)
    }
  }
}

private func glorotUniform(_ shape: [Int], _ stream: inout RandomStream) -> [Float] {
  let window = shape.dropLast(2).reduce(1, *)
  let fans = window * (shape[shape.count - 2] + shape[shape.count - 1])
  let limit = (6 / Double(fans)).squareRoot()
  return (0..<shape.reduce(1, *)).map { _ in Float(stream.uniform(in: -limit..<limit)) }
}

/// Normal numbers, orthogonalised row by row (Gram and Schmidt, twice, which is enough for full accuracy).
private func orthogonalRows(_ rows: Int, _ columns: Int, _ stream: inout RandomStream) -> [Float] {
  var matrix = (0..<rows).map { _ in (0..<columns).map { _ in stream.normal() } }
  for row in 0..<rows {
    for _ in 0..<2 {
      for other in 0..<row {
        var projection = 0.0
        for i in 0..<columns { projection += matrix[row][i] * matrix[other][i] }
        for i in 0..<columns { matrix[row][i] -= projection * matrix[other][i] }
      }
    }
    let norm = matrix[row].reduce(0) { $0 + $1 * $1 }.squareRoot()
    for i in 0..<columns { matrix[row][i] /= norm }
  }
  return matrix.flatMap { $0.map { Float($0) } }
}
