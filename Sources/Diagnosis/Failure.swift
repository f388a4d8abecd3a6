/// What went wrong, in the words a user needs, with the exit code the program ends with.
///
/// One type for the whole program: whoever notices a fault says what was being done, what was found, what
/// was expected and what to do; nobody above needs to translate it.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Exit codes of `sysexits.h`, as far as the program uses them.
  public enum Kind: Int32, Sendable, Codable {
    /// The command line or a configuration is wrong.
    case usage = 64
    /// A file is there but its contents are not what they should be.
    case badData = 65
    /// A file or folder that was named does not exist or cannot be opened.
    case missingInput = 66
    /// A fault of the program, or of the machine under it (an MPI error).
    case fault = 70
    /// Something could not be written: the disk is full or gone, read-only, or not the user's.
    case unwritable = 74
    /// Stopped by a signal after a checkpoint was written: the same line again goes on.
    case interrupted = 75
  }

  public var kind: Kind
  /// One sentence or two, without a final line break: the file, the field, what was found, what was expected.
  public var message: String
  /// What the user can do about it, or nil where the message says it.
  public var remedy: String?
  /// Whether every rank of the job throws this same failure, so that all can end in good order. One that a
  /// single rank knows of (false) has to abort the others.
  public var isAgreed = false

  public init(_ kind: Kind, _ message: String, remedy: String? = nil) {
    self.kind = kind
    self.message = message
    self.remedy = remedy
  }

  /// The message and the remedy on one line.
  public var description: String {
    guard let remedy else { return message }
    return "\(message) (\(remedy))"
  }
}

extension Failure {
  /// Any error as a failure: failures pass through, everything else is the program's own fault.
  public init(wrapping error: any Error, while doing: String) {
    if let failure = error as? Failure {
      self = failure
    } else {
      self.init(.fault, "\(doing): \(error)")
    }
  }

  /// The same failure, which every rank throws at the same point because all know the same.
  public var knownToAllRanks: Failure {
    var failure = self
    failure.isAgreed = true
    return failure
  }
}
