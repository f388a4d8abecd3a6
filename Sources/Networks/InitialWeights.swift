import RandomNumbers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keras's default initial values: Glorot uniform kernels (Glorot and Bengio 2010), orthogonal recurrent kernels
/// (Saxe et al. 2014), zero biases, ones for the scales of batch norm. A function of the seed alone.
extension ParameterArena {
  func setInitialWeights(seed: UInt64) {
    for (index, placement) in placements.enumerated() {
      var stream = RandomStream(seed: seed, purpose: .initialWeights, first: UInt32(index))
      let values: [Float]
      switch placement.name.split(separator: "/").last {
      case "kernel": values = glorotUniform(placement.shape, &stream)
      case "recurrent_kernel": values = orthogonalRows(placement.shape[0], placement.shape[1], &stream)
      case "gamma": values = Array(repeating: 1, count: placement.count)
      default: values = Array(repeating: 0, count: placement.count)
      }
      setValues(values, of: placement.name)
    }
  }

  func setInitialStatistics() {
    for placement in placements {
      let value: Float = placement.name.hasSuffix("variance") ? 1 : 0
      setValues(Array(repeating: value, count: placement.count), of: placement.name)
    }
  }
}

/// Uniform in ±√(6 / (fan in + fan out)); the fans of a convolution count its window.
private func glorotUniform(_ shape: [Int], _ stream: inout RandomStream) -> [Float] {
  let window = shape.dropLast(2).reduce(1, *)
  let fans = window * (shape[shape.count - 2] + shape[shape.count - 1])
  let limit = (6 / Double(fans)).squareRoot()
  return (0..<shape.reduce(1, *)).map { _ in Float(stream.uniform(in: -limit..<limit)) }
}

/// A wide matrix whose rows are orthonormal: normal numbers, orthogonalised row by row (Gram and Schmidt, twice,
/// which is enough for full accuracy).
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
