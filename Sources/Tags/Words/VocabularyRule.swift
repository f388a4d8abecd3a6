import Diagnosis

/// Where the vocabulary comes from: `paper`, `top:K` or the path of a list.
public enum VocabularyRule: Sendable, Equatable, CustomStringConvertible {
  /// The paper's 50.
  case paper
  /// The K tags that most joined songs have.
  case top(Int)
  /// A text file with one tag a line.
  case list(String)

  /// Reads the option's text. Throws `usage` where the count of `top:K` is no number from 1.
  public init(_ text: String) throws {
    if text == "paper" {
      self = .paper
    } else if text.hasPrefix("top:") {
      guard let count = Int(text.dropFirst(4)), (1...Vocabulary.largestSize).contains(count) else {
        throw Failure(
          .usage, "--tags \(text): expected top:K with K from 1 to \(Vocabulary.largestSize), for example top:50")
      }
      self = .top(count)
    } else {
      guard !text.isEmpty else {
        throw Failure(.usage, "--tags: expected paper, top:K or the path of a list, found nothing")
      }
      self = .list(text)
    }
  }

  /// Whether the tags are counted on the songs of a training side.
  public var isCounted: Bool { counted != nil }

  /// How many tags are counted; nil where the vocabulary is given.
  package var counted: Int? { if case .top(let count) = self { count } else { nil } }

  public var description: String {
    switch self {
    case .paper: "paper"
    case .top(let count): "top:\(count)"
    case .list(let path): path
    }
  }
}
