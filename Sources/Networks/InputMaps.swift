import Kernels

/// The input of several channels as maps `[song][row][segment][channel]`, after batch norm over each row of each
/// channel: a pitch class or a timbre coefficient has statistics, scale and shift of its own.
final class InputMaps: MapSource {
  /// γ x̂ + β, what the first convolution sees.
  let activated: AlignedBuffer
  let gradient: AlignedBuffer
  /// x̂
  private let normalized: AlignedBuffer
  private let rows: Int
  private let channels: Int
  private let stride: Int
  private let input: InputTensors
  private let team: ThreadTeam
  /// For each song two values a row: sums of the forward or of the backward pass.
  private var songSums: [Double]

  init(
    rows: Int, channels: Int, input: InputTensors, maximumBatch: Int, maximumColumns: Int, team: ThreadTeam
  ) {
    self.rows = rows
    self.channels = channels
    self.input = input
    self.team = team
    stride = padded(channels)
    let count = maximumColumns * rows * stride
    activated = AlignedBuffer(count: count)
    gradient = AlignedBuffer(count: count)
    normalized = AlignedBuffer(count: count)
    songSums = Array(repeating: 0, count: maximumBatch * 2 * rows * channels)
  }

  /// Rows of all channels: values of a segment, as they follow one another in the features.
  private var width: Int { rows * channels }

  /// Where a row's parameters and statistics are: those of each channel are padded to whole vectors.
  private func place(_ row: Int) -> Int { row / rows * padded(rows) + row % rows }

  func load(_ batch: Batch, _ shape: BatchShape, statistics: (any BatchStatisticsReduction)?) throws {
    try team.measure("input and its batch norm") {
      let (mean, inverse) = try batchMoments(batch, shape, statistics)
      normalize(batch, shape, mean: mean, inverse: inverse)
    }
  }

  func loadForInference(_ batch: Batch, _ shape: BatchShape) {
    let places = (0..<width).map(place)
    normalize(
      batch, shape, mean: places.map { input.movingMean[$0] },
      inverse: places.map {
        Float(1 / (Double(input.movingVariance[$0]) + ChannelNormalization.epsilon).squareRoot())
      })
  }

  /// Gradients for γ and β from that for the maps.
  func backward(_ shape: BatchShape) {
    let (rows, stride, width) = (rows, stride, width)
    let (gradient, normalized) = (gradient.start, normalized.start)
    songSums.withUnsafeMutableBufferPointer { sums in
      let sums = sums.baseAddress!
      team.forEach(shape.songs) { song in
        let span = shape.inputs[0][song]
        for row in 0..<width {
          let first = (span.first * rows + row % rows * span.count) * stride + row / rows
          var total = 0.0
          var product = 0.0
          for column in 0..<span.count {
            let g = Double(gradient[first + column * stride])
            total += g
            product += g * Double(normalized[first + column * stride])
          }
          sums[song * 2 * width + row] = product
          sums[(song * 2 + 1) * width + row] = total
        }
      }
    }
    for row in 0..<width {
      var product = 0.0
      var total = 0.0
      for song in 0..<shape.songs {
        product += songSums[song * 2 * width + row]
        total += songSums[(song * 2 + 1) * width + row]
      }
      input.gammaGradient[place(row)] = .init(product)
      input.betaGradient[place(row)] = .init(total)
    }
  }

  /// Means and inverse deviations of each row over songs and segments, of all replicas that share them.
  private func batchMoments(
    _ batch: Batch, _ shape: BatchShape, _ statistics: (any BatchStatisticsReduction)?
  ) throws -> (mean: [Float], inverse: [Float]) {
    measure(batch, shape)
    var values = [Double](repeating: 0, count: 2 * width + 1)
    for song in 0..<shape.songs {
      let segments = Double(batch.segments[song])
      values[2 * width] += segments
      for row in 0..<width {
        let sum = songSums[song * 2 * width + row]
        values[row] += sum
        values[width + row] += songSums[(song * 2 + 1) * width + row] + sum * sum / segments
      }
    }
    if let statistics { try values.withUnsafeMutableBufferPointer { try statistics.sum($0) } }
    var means: [Float] = []
    var inverses: [Float] = []
    for row in 0..<width {
      let mean = values[row] / values[2 * width]
      let variance = max(0, values[width + row] / values[2 * width] - mean * mean)
      means.append(Float(mean))
      inverses.append(Float(1 / (variance + ChannelNormalization.epsilon).squareRoot()))
      input.batchMean[place(row)] = Float(mean)
      input.batchVariance[place(row)] = Float(variance)
    }
    return (means, inverses)
  }

  /// Each song's sum of every row, and its sum of squares about the song's mean.
  private func measure(_ batch: Batch, _ shape: BatchShape) {
    let width = width
    batch.features.withUnsafeBufferPointer { features in
      songSums.withUnsafeMutableBufferPointer { sums in
        guard let features = features.baseAddress, let sums = sums.baseAddress else { return }
        team.forEach(shape.songs) { song in
          let span = shape.inputs[0][song]
          for row in 0..<width {
            let values = features + span.first * width + row
            var sum = 0.0
            for segment in 0..<span.count { sum += Double(values[segment * width]) }
            let mean = sum / Double(span.count)
            var squares = 0.0
            for segment in 0..<span.count {
              let distance = Double(values[segment * width]) - mean
              squares += distance * distance
            }
            sums[song * 2 * width + row] = sum
            sums[(song * 2 + 1) * width + row] = squares
          }
        }
      }
    }
  }

  private func normalize(_ batch: Batch, _ shape: BatchShape, mean: [Float], inverse: [Float]) {
    let (rows, stride, width) = (rows, stride, width)
    let (normalized, activated) = (normalized.start, activated.start)
    batch.features.withUnsafeBufferPointer { features in
      guard let features = features.baseAddress else { return }
      team.forEach(shape.songs) { song in
        let span = shape.inputs[0][song]
        for row in 0..<width {
          let values = features + span.first * width + row
          let target = (span.first * rows + row % rows * span.count) * stride + row / rows
          let (gamma, beta) = (self.input.gamma[self.place(row)], self.input.beta[self.place(row)])
          for segment in 0..<span.count {
            let value = (values[segment * width] - mean[row]) * inverse[row]
            normalized[target + segment * stride] = value
            activated[target + segment * stride] = value * gamma + beta
          }
        }
      }
    }
  }
}
