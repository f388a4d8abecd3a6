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
  /// Lists of track ids.
  case trackLists(SplitLists)
  /// Lists of track ids that leave each artist on one side; an artist on two ends the run.
  case artistTrackLists(SplitLists)
  /// Lists of artist ids, such as the data set's own.
  case artistLists(SplitLists)

  /// Whether all songs of an artist have to be on one side.
  public var isByArtist: Bool {
    switch self {
    case .artist, .stratifiedArtist, .artistTrackLists, .artistLists: true
    case .random, .stratified, .trackLists: false
    }
  }

  /// Whether the songs' labels decide with.
  public var needsLabels: Bool {
    switch self {
    case .stratified, .stratifiedArtist: true
    case .random, .artist, .trackLists, .artistTrackLists, .artistLists: false
    }
  }

  /// The files that decide, if files do.
  public var lists: SplitLists? {
    switch self {
    case .trackLists(let lists), .artistTrackLists(let lists), .artistLists(let lists): lists
    case .random, .artist, .stratified, .stratifiedArtist: nil
    }
  }
}

// MARK: - As text

extension SplitRule: CustomStringConvertible {
  /// For messages and help: every form.
  public static let forms =
    "random:0.95, artist:0.8/0.1/0.1, stratified:0.8/0.1/0.1, stratified-artist:0.8/0.1/0.1, "
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
    case .trackLists(let lists): "track-lists:\(lists)"
    case .artistTrackLists(let lists): "artist-track-lists:\(lists)"
    case .artistLists(let lists): "artist-lists:\(lists)"
    }
  }
}

/// Shares of the songs on each side; they add up to 1.
public struct SplitShares: Sendable, Equatable, CustomStringConvertible {
  public var train: Double
  public var validation: Double
  public var test: Double

  var all: [Double] { [train, validation, test] }

  init(train: Double, validation: Double, test: Double) {
    self.train = train
    self.validation = validation
    self.test = test
  }

  /// Reads `0.95` (the rest is for validation), `0.9/0.1` or `0.8/0.1/0.1`.
  init(_ text: String, in rule: String) throws {
    let words = text.split(separator: "/", omittingEmptySubsequences: false)
    let numbers = words.compactMap { Double($0) }
    guard numbers.count == words.count, (1...3).contains(numbers.count),
      numbers.allSatisfy({ $0 >= 0 && $0 <= 1 }), numbers[0] > 0
    else {
      throw Failure(.usage, "split \(rule): expected one to three shares from 0 to 1, training first and above 0")
    }
    let sum = numbers.reduce(0, +)
    guard numbers.count == 1 || abs(sum - 1) < 1e-6 else {
      throw Failure(.usage, "split \(rule): the shares add up to \(sum), expected 1")
    }
    train = numbers[0]
    validation = numbers.count == 1 ? 1 - numbers[0] : numbers[1]
    test = numbers.count == 3 ? numbers[2] : 0
  }

  public var description: String {
    if test > 0 { return "\(train)/\(validation)/\(test)" }
    return train + validation == 1 ? "\(train)" : "\(train)/\(validation)"
  }

  /// Whole numbers of songs for training, validation and test that add up to all of them; a side with a share
  /// above 0 gets at least one while there are any.
  func songs(of count: Int) -> [Int] {
    var counts = all.map { Int(($0 * Double(count)).rounded()) }
    for side in 1...2 where all[side] > 0 && counts[side] == 0 { counts[side] = 1 }
    counts[2] = min(counts[2], max(0, count - 1))
    counts[1] = min(counts[1], max(0, count - 1 - counts[2]))
    counts[0] = count - counts[1] - counts[2]
    return counts
  }
}

/// Files of ids, one a line, that say which side each is on.
public struct SplitLists: Sendable, Equatable, CustomStringConvertible {
  public enum Validation: Sendable, Equatable {
    case list(String)
    /// Drawn from the ids of the training list, which then lacks them.
    case share(Double)
  }

  public var train: String
  public var validation: Validation
  public var test: String?

  /// Reads `TRAIN.txt,VALIDATION.txt[,TEST.txt]`; a number in the place of the validation list is a share.
  init(_ text: String, in rule: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
      throw Failure(
        .usage,
        "split \(rule): found \(parts.count) parts, expected two or three: TRAIN.txt,VALIDATION.txt[,TEST.txt], in "
          + "the place of VALIDATION.txt perhaps a share of the training list such as 0.05")
    }
    train = parts[0]
    test = parts.count == 3 ? parts[2] : nil
    if let share = Double(parts[1]) {
      guard share > 0, share < 1 else {
        throw Failure(
          .usage, "split \(rule): the share for validation is \(parts[1]), expected above 0 and below 1")
      }
      validation = .share(share)
    } else {
      validation = .list(parts[1])
    }
  }

  public var description: String {
    let second =
      switch validation {
      case .list(let path): path
      case .share(let share): "\(share)"
      }
    return ([train, second] + [test].compactMap { $0 }).joined(separator: ",")
  }

  /// The files with their sides: 0 training, 1 validation, 2 test.
  var files: [(path: String, side: Int)] {
    var files = [(path: train, side: 0)]
    if case .list(let path) = validation { files.append((path, 1)) }
    if let test { files.append((test, 2)) }
    return files
  }
}
