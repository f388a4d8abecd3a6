import Diagnosis
import MessagePassing
import Splits
import Tags
import Texts

/// A song that may be counted: one that the snapshot would hold if it had a tag of the vocabulary.
struct Candidate {
  var trackID: String
  var artistID: String
  /// Its tags, each once.
  var tags: Set<ExactText>
}

/// Counts the tags of training songs, and of no others, to make a vocabulary of the most frequent.
///
/// Every rank keeps the tags of its own songs as numbers, four bytes a tag; which side a song is on is known only when
/// all songs are, since shares are shares of all.
struct TagCensus {
  private var numbers: [ExactText: Int32] = [:]
  private var names: [ExactText] = []
  private var tags: [Int32] = []
  /// For each of this rank's songs, its place among all and how many tags it has.
  private var songs: [(place: Int32, tags: Int32)] = []
  private var total = 0
  /// Of all songs, in order; on rank 0, empty elsewhere.
  private var trackIDs = PackedTexts()
  private var artistIDs = PackedTexts()

  /// Takes in a batch: this rank's part, the parts of lower ranks standing before it. Collective.
  mutating func add(_ own: [Candidate], _ communicator: any Communicator) throws {
    let counts = try communicator.allgather([own.count]).map { $0[0] }
    let first = total + counts[..<communicator.rank].reduce(0, +)
    for (index, song) in own.enumerated() {
      for tag in song.tags { tags.append(number(of: tag)) }
      songs.append((Int32(first + index), Int32(song.tags.count)))
    }
    total += counts.reduce(0, +)
    var message = PackedWriter()
    message.write(own.map(\.trackID))
    message.write(own.map(\.artistID))
    for reader in try communicator.gatherToRoot(message) {
      var reader = reader
      trackIDs.append(contentsOf: try reader.readTexts())
      artistIDs.append(contentsOf: try reader.readTexts())
    }
  }

  private mutating func number(of tag: ExactText) -> Int32 {
    if let number = numbers[tag] { return number }
    let number = Int32(names.count)
    numbers[tag] = number
    names.append(tag)
    return number
  }

  /// What came of the counting.
  struct Result {
    var vocabulary: Vocabulary
    /// The side of each song; on rank 0, empty elsewhere.
    var sides: TrackSides
    /// Training songs that were counted.
    var training: Int
  }

  /// Divides the songs and counts those for training. Collective.
  /// - Throws: what the split throws; `badData` where no training song has a tag.
  func mostFrequent(_ limit: Int, split rule: SplitRule, seed: UInt64, _ communicator: any Communicator) throws
    -> Result
  {
    var sides = try communicator.agree { communicator.isRoot ? try self.sides(rule, seed: seed) : [] }
    let ofSong = TrackSides(zip(trackIDs, sides))
    sides = try communicator.broadcast(sides)
    var counts = [Int](repeating: 0, count: names.count)
    var start = 0
    for (place, own) in songs {
      let end = start + Int(own)
      if sides[Int(place)] == .training { for tag in tags[start..<end] { counts[Int(tag)] += 1 } }
      start = end
    }
    let total = try gathered(counts, communicator)
    let words = try communicator.broadcast {
      try Vocabulary.mostFrequent(limit, of: total).names
    }
    return Result(
      vocabulary: try Vocabulary(words), sides: ofSong,
      training: sides.count { $0 == .training })
  }

  private func sides(_ rule: SplitRule, seed: UInt64) throws -> [SongSide?] {
    try Split(rule, of: SplitSongs(trackIDs: trackIDs, artistIDs: artistIDs), seed: seed).sideOfSong
  }

  /// All ranks' counts by tag on rank 0, nothing elsewhere.
  private func gathered(_ counts: [Int], _ communicator: any Communicator) throws -> [ExactText: Int] {
    var message = PackedWriter()
    let counted = counts.indices.filter { counts[$0] > 0 }
    message.write(counted.count)
    for tag in counted {
      message.write(names[tag].text)
      message.write(counts[tag])
    }
    var total: [ExactText: Int] = [:]
    for reader in try communicator.gatherToRoot(message) {
      var reader = reader
      for _ in 0..<(try reader.readInt()) {
        let tag = ExactText(try reader.readText())
        total[tag, default: 0] += try reader.readInt()
      }
    }
    return total
  }
}
