#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the operating system said about a path: the number of the error and its text.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `errno`.
  public var number: Int32
  /// The system's text, for example "No such file or directory".
  public var description: String

  public init(number: Int32) {
    self.number = number
    description = String(cString: strerror(number))
  }

  /// The error of the system call that has just failed.
  static var last: SystemError { SystemError(number: errno) }

  /// The path, or a folder on the way to it, does not exist.
  public var isMissing: Bool { number == ENOENT || number == ENOTDIR }
  /// The disk or the user's share of it is full.
  public var isDiskFull: Bool { number == ENOSPC || number == EDQUOT }
}
