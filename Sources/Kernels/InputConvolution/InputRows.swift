/// The network's input in memory: for every channel of a song the pitch classes (or timbre coefficients) as rows, a
/// row of zeros above and below, and zeros before the first and after the last segment: the halo of a 3×3 same
/// convolution. Rows are counted through all channels.
///
/// Where batch norm is over each segment and not over each row, all this is turned: a segment is a row here and a pitch
/// class a column, so that what has parameters of its own is always a row.
public struct InputRows: Sendable {
  public let channels: Int
  public let frequencies: Int
  public let segments: Int
  /// Floats from one row to the next; segment t of a row lies at `margin + t`.
  public let rowStride: Int
  public static let margin = vectorWidth

  public init(channels: Int = 1, frequencies: Int, segments: Int) {
    self.channels = channels
    self.frequencies = frequencies
    self.segments = segments
    rowStride = Self.margin + padded(segments) + vectorWidth
  }

  /// Floats of one channel of a song.
  public var channelStride: Int { (frequencies + 2) * rowStride }

  /// Floats of a song.
  public var songStride: Int { channels * channelStride }

  /// Rows of all channels.
  public var count: Int { channels * frequencies }

  /// Where segment 0 of a row lies.
  @inline(__always)
  func offset(row: Int) -> Int {
    row / frequencies * channelStride + (row % frequencies + 1) * rowStride + Self.margin
  }

  /// Where a row's parameters and statistics are: those of each channel are padded to whole vectors.
  @inline(__always)
  public static func place(of row: Int, frequencies: Int) -> Int {
    row / frequencies * padded(frequencies) + row % frequencies
  }

  /// Sets everything around the segments to zero: another song may have stood there.
  public func clearHalo(_ rows: UnsafeMutablePointer<Float>) {
    for channel in 0..<channels {
      let above = rows + channel * channelStride
      above.update(repeating: 0, count: rowStride)
      (above + (frequencies + 1) * rowStride).update(repeating: 0, count: rowStride)
    }
    for row in 0..<count {
      let first = rows + offset(row: row)
      (first - Self.margin).update(repeating: 0, count: Self.margin)
      (first + segments).update(repeating: 0, count: rowStride - Self.margin - segments)
    }
  }

  /// Turns a song from `[segment][channel][frequency]` into rows.
  public func transpose(_ features: UnsafePointer<Float>, to rows: UnsafeMutablePointer<Float>) {
    let width = count
    for row in 0..<width {
      let target = rows + offset(row: row)
      for segment in 0..<segments { target[segment] = features[segment * width + row] }
    }
  }

  /// Lays out a song `[segment][channel][frequency]` turned, its segments as rows.
  public func copy(_ features: UnsafePointer<Float>, to rows: UnsafeMutablePointer<Float>) {
    for row in 0..<count {
      let (channel, segment) = (row / frequencies, row % frequencies)
      (rows + offset(row: row)).update(
        from: features + (segment * channels + channel) * segments, count: segments)
    }
  }

  /// Sum of each row and sum of squares about the song's row mean.
  public func moments(
    _ rows: UnsafePointer<Float>, sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  ) {
    for row in 0..<count {
      let values = rows + offset(row: row)
      var sum = 0.0
      for segment in 0..<segments { sum += Double(values[segment]) }
      let mean = sum / Double(segments)
      var square = 0.0
      for segment in 0..<segments {
        let distance = Double(values[segment]) - mean
        square += distance * distance
      }
      sums[row] = sum
      squares[row] = square
    }
  }

  /// `x̂ = (x − mean) · inverse deviation` of each row, in place; the halo stays zero.
  public func normalize(_ rows: UnsafeMutablePointer<Float>, mean: [Float], inverseDeviation: [Float]) {
    for row in 0..<count {
      let values = rows + offset(row: row)
      let m = mean[row]
      let s = inverseDeviation[row]
      for segment in 0..<segments { values[segment] = (values[segment] - m) * s }
    }
  }

  /// `γ x̂ + β` of each row from one song to another, γ and β where `place` says; the halo of the target is not
  /// written.
  public func affine(
    _ rows: UnsafePointer<Float>, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      let offset = offset(row: row)
      let source = rows + offset
      let target = target + offset
      let place = Self.place(of: row, frequencies: frequencies)
      for segment in 0..<segments { target[segment] = source[segment] * gamma[place] + beta[place] }
    }
  }
}
