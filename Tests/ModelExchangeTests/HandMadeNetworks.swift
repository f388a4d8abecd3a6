import Diagnosis
import Foundation
import Kernels
import ModelExchange
import Networks
import RandomNumbers
import Segments

/// Networks of layers that no configuration asks for yet, with weights at random, and songs to try them with.
struct HandMadeNetwork: CustomStringConvertible, Sendable {
  let description: String
  let network: Network
  let inputs: [PortableModel.Input]

  static let all = [paddedAndBidirectional, resetBefore, paddedWithin, normalizedInTime]

  private static let tags = ["rock", "jazz", "a tag of \"signs\" – ä"]
  private static let scale = Standardization(
    mean: (0..<12).map { Float($0) * 3 - 10 }, deviation: (0..<12).map { 1 + Float($0) / 7 })

  private init(_ description: String, channels: Int, _ layers: [any Layer]) {
    self.description = description
    network = Network(
      input: SignalShape(rows: 12, columns: 31, channels: channels), layers,
      TagsLayer(tags: Self.tags.count, dropout: 0.3))
    inputs = [.init(name: "pitches"), .init(name: "timbre", standardization: Self.scale)].suffix(channels)
  }

  private static func block(_ number: Int, _ filters: Int, rows: Int, columns: Int) -> ConvolutionDescription {
    ConvolutionDescription(
      number: number, filters: filters, pooling: PoolingSize(frequency: rows, time: columns), dropout: 0.1)
  }

  /// Zeros before the inputs' batch norm, both directions with all steps, mean and maximum over time, a dense layer.
  static let paddedAndBidirectional = HandMadeNetwork(
    "padded", channels: 1,
    [
      ZeroPaddingLayer(before: 3, after: 6), InputConvolutionLayer(block(1, 5, rows: 4, columns: 2)),
      HiddenConvolutionLayer(block(2, 7, rows: 3, columns: 2)),
      BidirectionalLayer("recurrent_1") { RecurrentLayer($0, units: 4, returning: .everyStep) },
      TimeSummaryLayer(), DenseLayer("dense_1", units: 6),
    ])

  /// Two features, units that reset before the product, both directions with their last steps.
  static let resetBefore = HandMadeNetwork(
    "reset-before", channels: 2,
    [
      InputConvolutionLayer(block(1, 5, rows: 12, columns: 2)),
      ResetBeforeRecurrentLayer("recurrent_1", units: 4, returning: .everyStep),
      BidirectionalLayer("recurrent_2") { ResetBeforeRecurrentLayer($0, units: 3, returning: .lastStep) },
      DenseLayer("dense_1", units: 6), DenseLayer("dense_2", units: 5),
    ])

  /// Zeros between two convolutions, and a unit that resets after the product, backwards too.
  static let paddedWithin = HandMadeNetwork(
    "padded-within", channels: 1,
    [
      InputConvolutionLayer(block(1, 5, rows: 4, columns: 2)), ZeroPaddingLayer(before: 1, after: 2),
      HiddenConvolutionLayer(block(2, 6, rows: 3, columns: 3)),
      BidirectionalLayer("recurrent_1") { RecurrentLayer($0, units: 4, returning: .lastStep) },
    ])

  /// A batch norm of each column, the zeros before and after among them.
  static let normalizedInTime = HandMadeNetwork(
    "normalized-in-time", channels: 1,
    [
      ZeroPaddingLayer(before: 2, after: 3),
      InputConvolutionLayer(block(1, 5, rows: 12, columns: 2), normalizedColumns: 36),
      ResetBeforeRecurrentLayer("recurrent_1", units: 4, returning: .lastStep),
    ])

  /// Its weights at random, songs, and what the program says of them.
  func tried(songs: Int = 5) throws -> (model: PortableModel, songs: Songs) {
    let (parameters, statistics) = (
      ParameterArena(network.trainableTensors), ParameterArena(network.statisticTensors)
    )
    var stream = RandomStream(seed: 11, purpose: .test, first: 0)
    for arena in [parameters, statistics] {
      for placement in arena.placements {
        let values = (0..<placement.count).map { _ in Self.value(of: placement.name, stream.uniform) }
        arena.setValues(values, of: placement.name)
      }
    }
    let model = try PortableModel(network, inputs: inputs, tags: Self.tags) { declaration, isStatistic in
      (isStatistic ? statistics : parameters).values(of: declaration.name) ?? []
    }
    let (segments, rows) = (network.segments, network.input.rows)
    var features: [String: [[[Float]]]] = [:]
    for input in inputs {
      features[input.name] = (0..<songs).map { _ in
        (0..<segments).map { _ in
          (0..<rows).map { _ in input.standardization == nil ? stream.uniform : 40 * stream.uniform - 20 }
        }
      }
    }
    var seen: [Float] = []
    for song in 0..<songs {
      for segment in 0..<segments {
        for input in inputs {
          let values = features[input.name]![song][segment]
          let scale = input.standardization
          seen += values.indices.map { row in
            scale.map { (values[row] - $0.mean[row]) / $0.deviation[row] } ?? values[row]
          }
        }
      }
    }
    return (
      model,
      Songs(features: features, probabilities: try predict(songs, seen, parameters, statistics))
    )
  }

  /// Of a tensor by its role, so that songs are told apart; scales of both signs.
  private static func value(of name: String, _ uniform: Float) -> Float {
    if name.hasSuffix("moving_variance") { return 0.05 + uniform / 2 }
    if name.hasSuffix("gamma") { return uniform < 0.2 ? -1.5 * (0.5 + uniform) : 1.5 * (0.5 + uniform) }
    // Small, so that no unit of a recurrence is at one of its ends for every song.
    return (name.contains("recurrent") ? 0.3 : 1.2) * (uniform - 0.5)
  }

  private func predict(
    _ songs: Int, _ features: [Float], _ parameters: ParameterArena, _ statistics: ParameterArena
  ) throws -> [[Float]] {
    let replica = try Replica(network, maximumBatch: songs, threads: 1)
    for (own, given) in [(replica.parameters, parameters), (replica.movingStatistics, statistics)] {
      for name in given.names { own.setValues(given.values(of: name) ?? [], of: name) }
    }
    let probabilities = try replica.predict(
      Batch(songs: (0..<songs).map(UInt32.init), width: network.segmentWidth, features: features, labels: []))
    return stride(from: 0, to: probabilities.count, by: Self.tags.count).map {
      Array(probabilities[$0..<$0 + Self.tags.count])
    }
  }

  struct Songs: Encodable {
    /// `[song][segment][row]` of each input.
    let features: [String: [[[Float]]]]
    let probabilities: [[Float]]
  }
}

extension RandomStream {
  /// From 0 up to, but not, 1.
  fileprivate var uniform: Float { mutating get { Float(Double(nextWord()) * 0x1p-32) } }
}
