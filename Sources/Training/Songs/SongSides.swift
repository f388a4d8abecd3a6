import ContentHashing
import Diagnosis
import RandomNumbers
import Splits
import Texts

/// A source's songs as a run uses them: the sides of the split, and the labels, which `permute_tags` deals out
/// anew.
public struct SongSides {
  /// Song numbers, each side in rising order.
  public let split: Split
  /// `[song][tag]`
  public let labels: [UInt8]
  /// Whether each song's tags are known; empty: all are.
  public let isTagged: [Bool]
  public let tagCount: Int
  /// A hash of every side's track ids: tells whether two runs divided their songs alike.
  public let identity: String
  /// What a user should know of the split, a sentence each.
  public let warnings: [String]
  /// Whether this is the split that came with the songs.
  public let isPrepared: Bool

  /// - Parameters:
  ///   - source: whose songs are divided.
  ///   - text: the rule that divides the songs; where they come divided by it, they stay so whatever the seed.
  ///   - listsHash: what the ids of the split's lists must hash to; nil: anything.
  ///   - permuteTags: whether tags are dealt out anew among the songs.
  ///   - seed: decides how tags are dealt out anew, and the split too where `splitSeed` is nil.
  ///   - splitSeed: decides the split; nil: `seed` does.
  ///   - trainsOnUntagged: whether songs whose tags are not known stay in training.
  /// - Throws: as `Split`; `badData` where the split's lists are not those with this hash.
  public init(
    _ source: any SongSource, split text: String, listsHash: String? = nil, permuteTags: Bool, seed: UInt64,
    splitSeed: UInt64? = nil, trainsOnUntagged: Bool = false
  ) throws {
    let wanted = try SplitRule(text)
    let prepared = source.preparedSplit.flatMap { $0.decides(for: wanted) ? $0 : nil }
    let rule = prepared?.rule ?? wanted
    guard source.knowsArtists || !rule.isByArtist else {
      throw Failure(
        .badData, "\(source.name): does not tell the songs' artists, which the split \(rule) asks for",
        remedy: "add /artists, an id for each song, or use another --split")
    }
    // Tags dealt out anew are a control of the same split.
    let songs = SplitSongs(
      trackIDs: source.trackIDs, artistIDs: source.artistIDs, artistNames: source.artistNames,
      labels: rule.needsLabels ? source.labels : [], tagCount: source.tags.count)
    let split: Split
    if let prepared {
      split = prepared.split
      if rule.isByArtist { try split.checkNoArtistOnTwoSides(songs) }
    } else {
      split = try Split(rule, of: songs, seed: splitSeed ?? seed)
    }
    if let listsHash, let found = split.lists?.hash, found != listsHash {
      throw Failure(
        .badData, "split \(rule): its lists hold other ids than they did (hash \(found), expected \(listsHash))",
        remedy: "bring back the lists as they were, or leave out split_lists_hash for a new run")
    }
    self.init(
      source, split, isPrepared: prepared != nil, warnings: split.warnings(rule, songs), permuteTags: permuteTags,
      seed: seed, trainsOnUntagged: trainsOnUntagged)
  }

  /// All songs on no side, for what asks of none.
  public init(undivided source: any SongSource, permuteTags: Bool, seed: UInt64) {
    let split = Split(train: [], validation: [], test: [], unused: Array(source.trackIDs.indices))
    self.init(
      source, split, isPrepared: false, warnings: [], permuteTags: permuteTags, seed: seed, trainsOnUntagged: false
    )
  }

  private init(
    _ source: any SongSource, _ split: Split, isPrepared: Bool, warnings: [String], permuteTags: Bool,
    seed: UInt64,
    trainsOnUntagged: Bool
  ) {
    let isTagged = Self.isTagged(source)
    self.isTagged = isTagged
    let split = isTagged.isEmpty ? split : split.withTags(isTagged, alsoInTraining: !trainsOnUntagged)
    self.split = split
    self.isPrepared = isPrepared
    self.warnings = warnings
    tagCount = source.tags.count
    labels =
      permuteTags
      ? Self.permuted(source.labels, tags: source.tags.count, among: isTagged, seed: seed) : source.labels
    identity = Self.identity(of: split, trackIDs: source.trackIDs)
  }

  /// The labels of some songs, row by row.
  public func labels(of songs: [Int]) -> [UInt8] {
    songs.flatMap { labels[$0 * tagCount..<($0 + 1) * tagCount] }
  }

  /// Training songs that `train_auc` is taken over: a fixed random sample of those with tags.
  public func trainSample(_ count: Int, seed: UInt64) -> [Int] {
    var stream = RandomStream(seed: seed, purpose: .trainSample)
    let songs = isTagged.isEmpty ? split.train : split.train.filter { isTagged[$0] }
    return stream.permutation(songs.count).prefix(count).map { songs[$0] }.sorted()
  }

  /// Every song with tags gets another one's row of labels: what remains predictable of the tags is their frequency.
  private static func permuted(_ labels: [UInt8], tags: Int, among isTagged: [Bool], seed: UInt64) -> [UInt8] {
    var stream = RandomStream(seed: seed, purpose: .tagPermutation)
    let songs = (0..<labels.count / tags).filter { isTagged.isEmpty || isTagged[$0] }
    var permuted = labels
    for (song, place) in zip(songs, stream.permutation(songs.count)) {
      let other = songs[place]
      permuted.replaceSubrange(song * tags..<(song + 1) * tags, with: labels[other * tags..<(other + 1) * tags])
    }
    return permuted
  }

  /// Whether each song has a label, where songs without one are those whose tags are not known.
  private static func isTagged(_ source: any SongSource) -> [Bool] {
    guard source.hasUntagged else { return [] }
    let tags = source.tags.count
    return stride(from: 0, to: source.labels.count, by: tags).map { source.labels[$0..<$0 + tags].contains(1) }
  }

  private static func identity(of split: Split, trackIDs: PackedTexts) -> String {
    var hash = ContentHash()
    for (_, songs) in split.sides {
      hash.append(UInt64(songs.count))
      for song in songs {
        hash.append(trackIDs[song])
        hash.append("\n")
      }
    }
    return hash.text
  }
}

extension Split {
  /// Without the songs whose tags are not known, which nothing can be judged by; in training they may stay.
  fileprivate func withTags(_ isTagged: [Bool], alsoInTraining: Bool) -> Split {
    var split = self
    split.validation = validation.filter { isTagged[$0] }
    split.test = test.filter { isTagged[$0] }
    if alsoInTraining { split.train = train.filter { isTagged[$0] } }
    return split
  }
}
