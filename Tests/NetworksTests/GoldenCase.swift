import Foundation
import HDF5
import Networks
import RandomNumbers
import Testing

/// A network, its weights and its batch as `scripts/golden/cases.py` defines them: by rules over a seed, so that
/// only the results need to be stored.
struct GoldenCase: Decodable, Sendable {
  struct Tensor: Decodable, Sendable {
    var name: String
    var shape: [Int]
    var count: Int { shape.reduce(1, *) }
  }

  var name: String
  var segments: Int
  var filters: [Int]
  var pooling: [[Int]]
  var recurrentUnits: Int
  var tags: Int
  /// Numbers of the batch's songs.
  var songs: [UInt32]
  /// Of features, labels and dropout.
  var seed: UInt64
  var weightSeed: UInt64
  var dropout: Bool
  /// Every value is stored; else samples and projections of the large tensors.
  var complete: Bool
  var trainable: [Tensor]
  var moving: [Tensor]
  /// Of the input; 12 rows of one channel where a case does not say. Columns of zeros before and after.
  var rows: Int?
  var channels: Int?
  var padding: [Int]?
  /// `frequency` and true where a case does not say.
  var normalized: InputAxis?
  var resetAfter: Bool?

  init(_ json: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(GoldenCase.self, from: Data(json.utf8))
  }

  var architecture: Architecture {
    var architecture = Architecture(
      rows: rows ?? 12, channels: channels ?? 1, segments: segments, filters: filters,
      pooling: pooling.map { PoolingSize(frequency: $0[0], time: $0[1]) }, recurrentUnits: recurrentUnits,
      tags: tags)
    (architecture.zerosBefore, architecture.zerosAfter) = (padding?[0] ?? 0, padding?[1] ?? 0)
    architecture.inputNormalization = normalized ?? .frequency
    architecture.resetGate = resetAfter == false ? .before : .after
    return architecture
  }

  /// A replica with the case's weights and moving statistics.
  func replica(threads: Int) throws -> Replica {
    let replica = try Replica(architecture, maximumBatch: songs.count, threads: threads)
    for (number, tensor) in (trainable + moving).enumerated() {
      let arena = number < trainable.count ? replica.parameters : replica.movingStatistics
      guard arena.placement(of: tensor.name)?.shape == tensor.shape else {
        throw Mismatch(description: "\(name): the network has no tensor \(tensor.name) of shape \(tensor.shape)")
      }
      arena.setValues(
        goldenWeights(tensor.name, tensor.shape, from: words(first: UInt32(number))), of: tensor.name)
    }
    return replica
  }

  struct Mismatch: Error, CustomStringConvertible {
    var description: String
  }

  /// Squares of uniform numbers, in thousandths, and labels of which a quarter is 1.
  func batch() -> Batch {
    var features = RandomStream(seed: seed, purpose: .test, first: 1000)
    var labels = RandomStream(seed: seed, purpose: .test, first: 1001)
    let (rows, channels) = (rows ?? 12, channels ?? 1)
    return Batch(
      songs: songs, width: rows * channels,
      features: (0..<songs.count * segments * rows * channels).map { place in
        let channel = place / rows % channels
        let thousandths = Int(features.nextWord() % 1001)
        let value = thousandths * thousandths / 1000 * (1 + channel % 4) - 500 * (channel % 3)
        return Float(Double(value) / 1000)
      },
      labels: (0..<songs.count * tags).map { _ in labels.nextWord() % 4 == 0 ? 1 : 0 })
  }

  func step(_ number: UInt32) -> StepContext {
    StepContext(seed: seed, step: number, globalSongs: songs.count, dropout: dropout)
  }

  /// Words that belong to a tensor: 0 its values, 1 its samples, 2 the signs of its projections.
  func words(first: UInt32, second: UInt32 = 0) -> RandomStream {
    RandomStream(seed: weightSeed, purpose: .test, first: first, second: second)
  }
}
