import Foundation
import Logging

/// Standard error, where a run's words go: log lines, and on a terminal one line that is drawn anew.
public final class Console: @unchecked Sendable {
  public static let standardError = Console(terminal: LiveTerminal.standardError())

  private let handle: FileHandle
  private let lock = NSLock()
  private var hasLiveLine = false
  /// Nil where nobody watches.
  private let terminal: LiveTerminal?
  /// Whether somebody watches.
  public var isTerminal: Bool { terminal != nil }

  /// - Parameter terminal: where standard error leads; nil: where nobody watches.
  public init(terminal: LiveTerminal?) {
    handle = FileHandle.standardError
    self.terminal = terminal
  }

  /// Nobody watches this.
  public init(_ handle: FileHandle) { (self.handle, terminal) = (handle, nil) }

  /// The most columns of a live line.
  private static let mostColumns = 100

  /// Writes a line for good.
  public func say(_ line: String) {
    lock.withLock {
      write((hasLiveLine ? "\r\u{1B}[K" : "") + line + "\n")
      hasLiveLine = false
    }
  }

  /// Draws the live line; only on a terminal.
  public func draw(_ line: String) {
    guard let terminal else { return }
    let columns = min(terminal.columns - 1, Self.mostColumns)
    lock.withLock {
      write("\r" + line.prefix(max(1, columns)) + "\u{1B}[K")
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
