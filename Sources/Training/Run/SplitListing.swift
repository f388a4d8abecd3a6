import Diagnosis
import FileAccess
import Splits

/// The sides of a split as lists of ids, which `--split track-lists:…` and other programs read.
public struct SplitListing {
  private let sides: SongSides
  private let source: any SongSource
  public let provenance: SplitProvenance

  /// Divides songs by a rule.
  /// - Parameter ofRun: as the run with this configuration did: the songs that its network can take, with those whose tags are
  ///   not known where it learns from them.
  /// - Throws: as `SongSides`; `badData` where the data are not what the run asks for.
  public init(_ configuration: RunConfiguration, _ source: any SongSource, ofRun: Bool) throws {
    if ofRun {
      let divided = try DividedSongs(configuration.resolved(for: source), source)
      (sides, self.source) = (divided.sides, divided.songs)
      provenance = try SplitProvenance(configuration, sides, divided.songs)
      return
    }
    if let wanted = configuration.wantedSplit, let prepared = source.preparedSplit {
      try prepared.refuseOther(SplitRule(wanted), name: source.name)
    }
    let split = configuration.wantedSplit ?? source.preparedSplit?.rule.description ?? configuration.split
    sides = try SongSides(
      source, split: split, permuteTags: false, seed: configuration.seed, splitSeed: configuration.seedOfSplit)
    self.source = source
    provenance = try SplitProvenance(configuration, sides, source)
  }

  /// Each side's word and songs, those on no side last where there are any.
  public var counts: [(word: String, songs: Int)] {
    sides.split.sides.map { ($0.side.word, $0.songs.count) }
      + (sides.split.unused.isEmpty ? [] : [("unused", sides.split.unused.count)])
  }

  public static func path(_ prefix: String, _ word: String) -> String { "\(prefix).\(word).txt" }

  /// Claims the lists' paths. Throws `usage` where something stands there that is not to be replaced.
  public static func claim(_ prefix: String, inputs: [String], replaces: Bool) throws {
    for side in SongSide.allCases {
      try OutputClaim(inputs: inputs).file(
        path(prefix, side.word),
        replacing: .init("a list of ids", .byOption("--force", isGiven: replaces)) { path in
          guard let start = try? readStart(of: path, count: 64 << 10) else { return false }
          return !start.contains(0) && !start.contains(UInt8(ascii: ","))
        })
    }
  }

  /// Writes `PREFIX.train.txt`, `PREFIX.validation.txt` and `PREFIX.test.txt`, an id a line in the order of the data.
  /// - Parameters:
  ///   - prefix: of the three paths.
  ///   - artists: whether ids are of artists (each once), or of tracks.
  /// - Throws: `unwritable`; `badData` where the data tell no artists.
  public func write(_ prefix: String, artists: Bool) throws {
    guard !artists || source.knowsArtists else {
      throw Failure(.badData, "\(source.name): does not tell the songs' artists", remedy: "leave out --artists")
    }
    let ids = artists ? source.artistIDs : source.trackIDs
    try refuseUnlistable(sides.split.sides.flatMap(\.songs).map { ids[$0] }, artists ? .artist : .track)
    for (side, songs) in sides.split.sides {
      var seen = Set<String>()
      let lines = songs.map { ids[$0] }.filter { !artists || seen.insert($0).inserted }
      try replaceFile(Self.path(prefix, side.word), with: lines.map { $0 + "\n" }.joined())
    }
  }

  /// Ids of spectrograms may be any texts, and lists of such could not be read again.
  private func refuseUnlistable(_ ids: [String], _ kind: IdentifierList.Kind) throws {
    guard let strange = ids.first(where: { !kind.isWellFormed($0) }) else { return }
    throw Failure(
      .badData,
      "\(source.name): \"\(strange.prefix(40))\" is no \(kind) id of the data set (they are like \(kind.example)), as lists have them",
      remedy: "divide these songs by a rule and a seed")
  }
}
