import Diagnosis

/// How songs are divided into sides for training, validation and test.
public enum SplitRule: Sendable, Equatable, CustomStringConvertible {
  /// Shares of the songs: training, validation, test.
  case random(SplitShares)
  /// The same by artist: all songs of an artist are on one side.
  case artist(SplitShares)
  /// Lists of track ids, one a line: training, validation and, if given, test.
  case files([String])

  /// Reads `random:0.95`, `random:0.8/0.1/0.1`, `artist:0.8/0.1/0.1` or
  /// `files:TRAIN.txt,VALIDATION.txt[,TEST.txt]`.
  /// - Throws: `usage`, naming what was found and what can stand there.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[1].isEmpty else { throw SplitRule.unknown(text) }
    switch parts[0] {
    case "random": self = .random(try SplitShares(parts[1], in: text))
    case "artist": self = .artist(try SplitShares(parts[1], in: text))
    case "files":
      let paths = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard (2...3).contains(paths.count), paths.allSatisfy({ !$0.isEmpty }) else {
        throw Failure(
          .usage, "split \(text): expected two or three paths, files:TRAIN.txt,VALIDATION.txt[,TEST.txt]")
      }
      self = .files(paths)
    default: throw SplitRule.unknown(text)
    }
  }

  /// What training does where nothing else is said.
  public static let standard = SplitRule.random(SplitShares(train: 0.95, validation: 0.05, test: 0))

  private static func unknown(_ text: String) -> Failure {
    Failure(
      .usage,
      "split \(text): expected random:0.95, random:0.8/0.1/0.1, artist:0.8/0.1/0.1 or "
        + "files:TRAIN.txt,VALIDATION.txt[,TEST.txt]")
  }

  public var description: String {
    switch self {
    case .random(let shares): "random:\(shares)"
    case .artist(let shares): "artist:\(shares)"
    case .files(let paths): "files:" + paths.joined(separator: ",")
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
}
