import Diagnosis

/// A file that was left out, and why.
public struct SkippedFile: Error, Equatable, Sendable, CustomStringConvertible {
  public var path: String
  /// What is wrong with it, as the end of a sentence that begins with the path.
  public var cause: String

  public init(path: String, cause: String) {
    self.path = path
    self.cause = cause
  }

  public var description: String { "\(path): \(cause)" }

  /// The same as the error that ends a strict run.
  public var failure: Failure { Failure(.badData, description) }
}
