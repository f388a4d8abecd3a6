/// The network's input in memory: for every song the pitch classes as rows, a row of zeros above and below, and
/// zeros before the first and after the last segment: the halo of a 3×3 same convolution.
public struct InputRows: Sendable {
  public let frequencies: Int
  public let segments: Int
  /// Floats from one row to the next; segment t of a row lies at `margin + t`.
  public let rowStride: Int
  public static let margin = vectorWidth

  public init(frequencies: Int, segments: Int) {
    self.frequencies = frequencies
    self.segments = segments
    rowStride = Self.margin + padded(segments) + vectorWidth
  }

  /// Floats of a song.
  public var songStride: Int { (frequencies + 2) * rowStride }

  /// Where segment 0 of a pitch class lies.
  @inline(__always)
  func offset(frequency: Int) -> Int { (frequency + 1) * rowStride + Self.margin }

  /// Sets everything around the segments to zero: another song may have stood there.
  public func clearHalo(_ rows: UnsafeMutablePointer<Float>) {
    rows.update(repeating: 0, count: rowStride)
    (rows + (frequencies + 1) * rowStride).update(repeating: 0, count: rowStride)
    for frequency in 0..<frequencies {
      let row = rows + (frequency + 1) * rowStride
      row.update(repeating: 0, count: Self.margin)
      (row + Self.margin + segments).update(repeating: 0, count: rowStride - Self.margin - segments)
    }
  }

  /// Turns a song from `[segment][frequency]`, the order of the files, into rows.
  public func transpose(_ features: UnsafePointer<Float>, to rows: UnsafeMutablePointer<Float>) {
    for frequency in 0..<frequencies {
      let row = rows + offset(frequency: frequency)
      for segment in 0..<segments { row[segment] = features[segment * frequencies + frequency] }
    }
  }

  /// Sum of each row and sum of squares about the song's row mean.
  public func moments(
    _ rows: UnsafePointer<Float>, sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  ) {
    for frequency in 0..<frequencies {
      let row = rows + offset(frequency: frequency)
      var sum = 0.0
      for segment in 0..<segments { sum += Double(row[segment]) }
      let mean = sum / Double(segments)
      var square = 0.0
      for segment in 0..<segments {
        let distance = Double(row[segment]) - mean
        square += distance * distance
      }
      sums[frequency] = sum
      squares[frequency] = square
    }
  }

  /// `x̂ = (x − mean) · inverse deviation` of each row, in place; the halo stays zero.
  public func normalize(_ rows: UnsafeMutablePointer<Float>, mean: [Float], inverseDeviation: [Float]) {
    for frequency in 0..<frequencies {
      let row = rows + offset(frequency: frequency)
      let m = mean[frequency]
      let s = inverseDeviation[frequency]
      for segment in 0..<segments { row[segment] = (row[segment] - m) * s }
    }
  }

  /// `γ x̂ + β` of each row from one song to another; the halo of the target is not written.
  public func affine(
    _ rows: UnsafePointer<Float>, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    for frequency in 0..<frequencies {
      let offset = offset(frequency: frequency)
      let source = rows + offset
      let row = target + offset
      for segment in 0..<segments { row[segment] = source[segment] * gamma[frequency] + beta[frequency] }
    }
  }
}
