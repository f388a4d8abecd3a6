import Diagnosis

/// How songs are divided into sides for training, validation and test.
public enum SplitRule: Sendable, Equatable {
  /// Shares of the songs: training, validation, test.
  case random(SplitShares)
  /// The same by artist: all songs of an artist are on one side.
  case artist(SplitShares)
  /// Shares of the songs, each tag on each side where that can be.
  case stratified(SplitShares)
  /// The same by artist.
  case stratifiedArtist(SplitShares)
  /// One of several folds of artists for validation, the others for training.
  case artistFolds(FoldChoice)
  /// Lists of track ids.
  case trackLists(SplitLists)
  /// Lists of track ids that leave each artist on one side; an artist on two ends the run.
  case artistTrackLists(SplitLists)
  /// Lists of artist ids, such as the data set's own.
  case artistLists(SplitLists)

  /// Whether all songs of an artist have to be on one side.
  public var isByArtist: Bool {
    switch self {
    case .artist, .stratifiedArtist, .artistFolds, .artistTrackLists, .artistLists: true
    case .random, .stratified, .trackLists: false
    }
  }

  /// Whether the songs' labels decide with.
  public var needsLabels: Bool {
    switch self {
    case .stratified, .stratifiedArtist: true
    case .random, .artist, .artistFolds, .trackLists, .artistTrackLists, .artistLists: false
    }
  }

  /// The files that decide, if files do.
  public var lists: SplitLists? {
    switch self {
    case .trackLists(let lists), .artistTrackLists(let lists), .artistLists(let lists): lists
    case .random, .artist, .stratified, .stratifiedArtist, .artistFolds: nil
    }
  }

  /// The same rule, its lists at other paths.
  public func mappingLists(_ path: (String) -> String) -> SplitRule {
    switch self {
    case .trackLists(let lists): .trackLists(lists.mapping(path))
    case .artistTrackLists(let lists): .artistTrackLists(lists.mapping(path))
    case .artistLists(let lists): .artistLists(lists.mapping(path))
    case .random, .artist, .stratified, .stratifiedArtist, .artistFolds: self
    }
  }
}

// MARK: - As text

extension SplitRule: CustomStringConvertible {
  /// For messages and help: every form.
  public static let forms =
    "random:0.95, artist:0.8/0.1/0.1, stratified:0.8/0.1/0.1, stratified-artist:0.8/0.1/0.1, artist-folds:2/5, "
    + "artist-lists:TRAIN.txt,0.05,TEST.txt or track-lists:TRAIN.txt,VALIDATION.txt,TEST.txt"

  /// Reads one of the forms; docs/splits.md explains them. `files:` is another name of `track-lists:`.
  /// - Throws: `usage`, naming what was found and what can stand there.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else { throw SplitRule.unknown(text) }
    switch parts[0] {
    case "random": self = .random(try SplitShares(parts[1], in: text))
    case "artist": self = .artist(try SplitShares(parts[1], in: text))
    case "stratified": self = .stratified(try SplitShares(parts[1], in: text))
    case "stratified-artist": self = .stratifiedArtist(try SplitShares(parts[1], in: text))
    case "artist-folds": self = .artistFolds(try FoldChoice(parts[1], in: text))
    case "track-lists", "files": self = .trackLists(try SplitLists(parts[1], in: text))
    case "artist-track-lists": self = .artistTrackLists(try SplitLists(parts[1], in: text))
    case "artist-lists": self = .artistLists(try SplitLists(parts[1], in: text))
    default: throw SplitRule.unknown(text)
    }
  }

  /// What training does where nothing else is said.
  public static let standard = SplitRule.random(SplitShares(train: 0.95, validation: 0.05, test: 0))

  private static func unknown(_ text: String) -> Failure {
    Failure(.usage, "split \(text): expected \(forms)")
  }

  public var description: String {
    switch self {
    case .random(let shares): "random:\(shares)"
    case .artist(let shares): "artist:\(shares)"
    case .stratified(let shares): "stratified:\(shares)"
    case .stratifiedArtist(let shares): "stratified-artist:\(shares)"
    case .artistFolds(let choice): "artist-folds:\(choice)"
    case .trackLists(let lists): "track-lists:\(lists)"
    case .artistTrackLists(let lists): "artist-track-lists:\(lists)"
    case .artistLists(let lists): "artist-lists:\(lists)"
    }
  }
}
