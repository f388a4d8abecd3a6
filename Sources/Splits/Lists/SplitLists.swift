import Diagnosis

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

  /// The same lists at other paths.
  func mapping(_ path: (String) -> String) -> SplitLists {
    var lists = self
    lists.train = path(train)
    if case .list(let validation) = validation { lists.validation = .list(path(validation)) }
    lists.test = test.map(path)
    return lists
  }

  /// The files with their sides.
  package var files: [(path: String, side: SongSide)] {
    var files = [(path: train, side: SongSide.training)]
    if case .list(let path) = validation { files.append((path, .validation)) }
    if let test { files.append((test, .test)) }
    return files
  }
}
