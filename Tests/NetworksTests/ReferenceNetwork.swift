import Foundation
import Networks
import RandomNumbers

/// The network of `Architecture` once more, in double precision and plain loops, forward only and without a
/// thought for speed: what the fast kernels are held against.
struct ReferenceNetwork {
  let architecture: Architecture
  var weights: [String: [Double]]
  var moving: [String: [Double]]

  init(_ replica: Replica) {
    architecture = replica.architecture
    func values(_ arena: ParameterArena) -> [String: [Double]] {
      Dictionary(uniqueKeysWithValues: arena.names.map { ($0, arena.values(of: $0)!.map(Double.init)) })
    }
    weights = values(replica.parameters)
    moving = values(replica.movingStatistics)
  }

  /// `[channel][row][column]` of one song.
  typealias Map = [[[Double]]]

  /// Logits `[song][tag]`; batch statistics are written to `statistics` in training.
  func logits(
    _ batch: Batch, training: Bool, dropout: StepContext?, statistics: inout [String: [Double]]
  ) -> [[Double]] {
    let shape = architecture
    var first = 0
    var maps: [Map] = batch.segments.map { segments in
      defer { first += segments }
      return (0..<shape.inputChannels).map { channel in
        (0..<shape.frequencyBins).map { f in
          (0..<segments).map { t in
            Double(batch.features[((first + t) * shape.inputChannels + channel) * shape.frequencyBins + f])
          }
        }
      }
    }
    // Over each row of each channel: make them the channel axis for a moment.
    maps = maps.map { map in map.flatMap { rows in rows.map { [$0] } } }
    normalize(&maps, "input_normalization", training, &statistics)
    maps = maps.map { map in
      (0..<shape.inputChannels).map { channel in
        (0..<shape.frequencyBins).map { map[channel * shape.frequencyBins + $0][0] }
      }
    }
    for (index, window) in shape.pooling.enumerated() {
      maps = maps.map { convolve($0, outputs: shape.filters[index], number: index + 1) }
      normalize(&maps, "normalization_\(index + 1)", training, &statistics)
      maps = maps.indices.map { song in
        let pooled = pool(maps[song].map { $0.map { $0.map { $0 > 0 ? $0 : exp($0) - 1 } } }, window)
        return drop(pooled, song: batch.songs[song], layer: index, rate: shape.convolutionDropout, dropout)
      }
    }
    return maps.indices.map { song in
      let sequence = maps[song][0][0].indices.map { t in maps[song].map { $0[0][t] } }
      let last = recur(recur(sequence, "recurrent_1"), "recurrent_2").last!
      let kept = drop(
        last.map { [[$0]] }, song: batch.songs[song], layer: shape.filters.count, rate: shape.finalDropout,
        dropout)
      return (0..<shape.tags).map { tag in
        weights["tags/bias"]![tag]
          + kept.indices.reduce(0.0) { $0 + kept[$1][0][0] * weights["tags/kernel"]![$1 * shape.tags + tag] }
      }
    }
  }

  /// Mean binary cross-entropy of a training pass.
  func loss(_ batch: Batch, dropout: StepContext?) -> Double {
    var statistics: [String: [Double]] = [:]
    let logits = logits(batch, training: true, dropout: dropout, statistics: &statistics)
    var total = 0.0
    for song in logits.indices {
      for tag in logits[song].indices {
        let (l, y) = (logits[song][tag], Double(batch.labels[song * architecture.tags + tag]))
        total += max(l, 0) - l * y + log1p(exp(-abs(l)))
      }
    }
    return total / Double(batch.count * architecture.tags)
  }

  private func normalize(
    _ maps: inout [Map], _ layer: String, _ training: Bool, _ statistics: inout [String: [Double]]
  ) {
    for channel in maps[0].indices {
      var mean = moving["\(layer)/moving_mean"]![channel]
      var variance = moving["\(layer)/moving_variance"]![channel]
      if training {
        let values = maps.flatMap { $0[channel].flatMap { $0 } }
        mean = values.reduce(0, +) / Double(values.count)
        variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        statistics["\(layer)/moving_mean", default: []].append(mean)
        statistics["\(layer)/moving_variance", default: []].append(variance)
      }
      let scale = weights["\(layer)/gamma"]![channel] / (variance + 1e-3).squareRoot()
      let shift = weights["\(layer)/beta"]![channel] - scale * mean
      for song in maps.indices {
        maps[song][channel] = maps[song][channel].map { $0.map { $0 * scale + shift } }
      }
    }
  }

  private func convolve(_ map: Map, outputs: Int, number: Int) -> Map {
    let (inputs, rows) = (map.count, map[0].count)
    let kernel = weights["convolution_\(number)/kernel"]!
    let bias = weights["convolution_\(number)/bias"]!
    return (0..<outputs).map { output in
      (0..<rows).map { row in
        map[0][0].indices.map { column in
          var sum = bias[output]
          for i in 0..<3 where (0..<rows).contains(row + i - 1) {
            for j in 0..<3 where map[0][0].indices.contains(column + j - 1) {
              for input in 0..<inputs {
                sum +=
                  map[input][row + i - 1][column + j - 1]
                  * kernel[((i * 3 + j) * inputs + input) * outputs + output]
              }
            }
          }
          return sum
        }
      }
    }
  }

  private func pool(_ map: Map, _ window: PoolingSize) -> Map {
    map.map { rows in
      (0..<rows.count / window.frequency).map { row in
        (0..<rows[0].count / window.time).map { column in
          var best = -Double.infinity
          for i in 0..<window.frequency {
            for j in 0..<window.time {
              best = max(best, rows[row * window.frequency + i][column * window.time + j])
            }
          }
          return best
        }
      }
    }
  }

  /// The mask's definition, from `Philox` alone; see `DropoutMask`.
  private func drop(_ map: Map, song: UInt32, layer: Int, rate: Double, _ step: StepContext?) -> Map {
    guard let step, step.dropout, rate > 0 else { return map }
    let width = (map.count + 15) / 16 * 16
    var result = map
    for channel in map.indices {
      for row in map[channel].indices {
        for column in map[channel][row].indices {
          let e = (row * map[channel][row].count + column) * width + channel
          let words = Philox.words(
            key: (UInt32(truncatingIfNeeded: step.seed), UInt32(truncatingIfNeeded: step.seed >> 32)),
            counter: SIMD4(
              UInt32(e / 64 * 16 + e % 16), song, step.step,
              RandomPurpose.dropout.rawValue << 16 | UInt32(layer)))
          let dropped = words[e % 64 / 16] < UInt32(rate * 4_294_967_296)
          result[channel][row][column] *= dropped ? 0 : 1 / (1 - rate)
        }
      }
    }
    return result
  }

  private func recur(_ sequence: [[Double]], _ layer: String) -> [[Double]] {
    let units = architecture.recurrentUnits
    let kernel = weights["\(layer)/kernel"]!
    let recurrent = weights["\(layer)/recurrent_kernel"]!
    let bias = weights["\(layer)/bias"]!
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    var h = [Double](repeating: 0, count: units)
    return sequence.map { x in
      func term(_ values: [Double], _ matrix: [Double], _ bias: ArraySlice<Double>, _ column: Int) -> Double {
        values.indices.reduce(bias[bias.startIndex + column]) { $0 + values[$1] * matrix[$1 * 3 * units + column] }
      }
      let next = (0..<units).map { unit in
        let a = (0..<3).map { term(x, kernel, bias[..<(3 * units)], $0 * units + unit) }
        let b = (0..<3).map { term(h, recurrent, bias[(3 * units)...], $0 * units + unit) }
        let z = sigmoid(a[0] + b[0])
        let r = sigmoid(a[1] + b[1])
        return z * h[unit] + (1 - z) * tanh(a[2] + r * b[2])
      }
      h = next
      return next
    }
  }
}
