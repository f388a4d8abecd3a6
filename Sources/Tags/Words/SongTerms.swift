import Texts
import TrackFiles

/// Weighted words of songs, such as the terms of their artists: what a network may learn to predict beside the tags.
public struct SongTerms: Sendable, Equatable {
  /// Each once, in the order of their bytes.
  public let names: [String]
  /// Where each song's words begin in the arrays below, and where the last one's end.
  private let starts: [Int]
  /// Numbers of words, and their weights from 0 to 1.
  private let numbers: [Int32]
  private let weights: [Float]

  /// - Parameters:
  ///   - names: each once, in the order of their bytes.
  ///   - starts: rise from 0 to the number of words, one more than there are songs.
  ///   - numbers: places in `names`.
  ///   - weights: one for each of the numbers, 0 to 1.
  public init(names: [String], starts: [Int], numbers: [Int32], weights: [Float]) {
    precondition(numbers.count == weights.count && starts.last == numbers.count)
    self.names = names
    self.starts = starts
    self.numbers = numbers
    self.weights = weights
  }

  public var songs: Int { starts.count - 1 }

  /// Whether every word is one of the names, and every weight can be.
  package var areSound: Bool {
    numbers.allSatisfy { names.indices.contains(Int($0)) } && weights.allSatisfy { (0...1).contains($0) }
  }

  /// The words that most of some songs have, the most frequent first, equally frequent ones in the order of their names;
  /// their places in `names`. Songs that are not among these have no say.
  /// - Parameter isWanted: whether a word may be among them.
  public func mostFrequent(
    _ limit: Int, among songs: [Int], where isWanted: (_ name: String) -> Bool = { _ in true }
  ) -> [Int] {
    var counts = [Int](repeating: 0, count: names.count)
    for song in songs { for place in starts[song]..<starts[song + 1] { counts[Int(numbers[place])] += 1 } }
    return Array(
      counts.indices.filter { counts[$0] > 0 && isWanted(names[$0]) }.sorted {
        (counts[$1], $0) < (counts[$0], $1)
      }
      .prefix(limit))
  }

  /// The words of some songs, in their order.
  public func of(_ songs: [Int]) -> SongTerms {
    SongTerms(
      names: names, starts: songs.reduce(into: [0]) { $0.append($0.last! + starts[$1 + 1] - starts[$1]) },
      numbers: songs.flatMap { numbers[starts[$0]..<starts[$0 + 1]] },
      weights: songs.flatMap { weights[starts[$0]..<starts[$0 + 1]] })
  }

  /// A song's weights of chosen words.
  /// - Parameters:
  ///   - song: its number.
  ///   - columns: of each word its column; −1: it is not chosen.
  ///   - targets: changed only where the song has a chosen word.
  ///   - offset: where the song's row begins in `targets`.
  public func write(song: Int, columns: [Int], to targets: inout [Float], at offset: Int) {
    for place in starts[song]..<starts[song + 1] {
      let column = columns[Int(numbers[place])]
      if column >= 0 { targets[offset + column] = weights[place] }
    }
  }
}

extension [WeightedTag] {
  /// What a snapshot keeps of them: each name once, with its largest weight, as a share of 1.
  package var kept: [WeightedTag] {
    var weights: [ExactText: Double] = [:]
    for tag in self where !tag.name.isEmpty {
      let name = ExactText(tag.name)
      weights[name] = Swift.max(weights[name] ?? 0, Swift.min(Swift.max(tag.weight, 0), 1))
    }
    return weights.map { WeightedTag(name: $0.key.text, weight: $0.value) }
      .sorted { ExactText($0.name) < ExactText($1.name) }
  }
}
