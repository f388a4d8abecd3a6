import Foundation
import Logging

/// Standard error, where a run's words go: log lines, and on a terminal one line that is drawn anew.
public final class Console: @unchecked Sendable {
  public static let standardError = Console(FileHandle.standardError)

  private let handle: FileHandle
  private let lock = NSLock()
  private var hasLiveLine = false
  /// Whether somebody watches.
  public let isTerminal: Bool

  public init(_ handle: FileHandle) {
    self.handle = handle
    isTerminal = isatty(handle.fileDescriptor) == 1
  }

  /// Columns of the terminal; 80 where it does not say.
  public var columns: Int {
    var size = winsize()
    guard ioctl(handle.fileDescriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes a line for good.
  public func say(_ line: String) {
    lock.withLock {
      write((hasLiveLine ? "\r\u{1B}[K" : "") + line + "\n")
      hasLiveLine = false
    }
  }

  /// Draws the live line; only on a terminal.
  public func draw(_ line: String) {
    guard isTerminal else { return }
    lock.withLock {
      write("\r" + line.prefix(max(1, columns - 1)) + "\u{1B}[K")
      hasLiveLine = true
    }
  }

  // A closed standard error must not end a run.
  private func write(_ text: String) { try? handle.write(contentsOf: Data(text.utf8)) }
}

/// swift-log's messages as plain lines on the console: `warning: …`; what is merely told has no label.
public struct ConsoleLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var logLevel = Logger.Level.info
  private let console: Console

  public init(_ console: Console) { self.console = console }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    console.say(event.level >= .warning ? "crnn-dist: \(event.level): \(event.message)" : "\(event.message)")
  }
}
