import Diagnosis
import Foundation
import Synchronization

/// The file of a claim that this process has, and the thread that counts in it.
final class ClaimFile: Sendable {
  static let namePrefix = ".writer-"
  /// More than any claim has.
  static let mostBytes = 4096

  private let path: String
  private let descriptor: Int32
  private let pulse: Pulse

  /// Makes the file; nil where one of that number is there.
  /// - Throws: `unwritable`.
  init?(_ folder: String, _ number: Int, _ identity: WriterIdentity, beat: TimeInterval) throws {
    let path = "\(folder)/\(Self.namePrefix)\(number)"
    let text = ClaimText(identity)
    let temporary = FileWriter().temporaryPath(for: path)
    let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw writingFailure(path, .last) }
    defer { unlink(temporary) }
    if let problem = text.bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      close(descriptor)
      throw writingFailure(path, problem)
    }
    do throws(SystemError) {
      try Self.giveName(path, to: temporary)
    } catch {
      close(descriptor)
      if error.number == EEXIST { return nil }
      throw writingFailure(path, error)
    }
    (self.path, self.descriptor, pulse) = (path, descriptor, Pulse(text, descriptor))
    UnfinishedFiles.add(path)
    pulse.start(every: beat)
  }

  deinit { close(descriptor) }

  /// A link takes no name that is taken, on network file systems neither (link(2)). Where there are no links a file that
  /// must be new holds the name until it is replaced.
  private static func giveName(_ path: String, to temporary: String) throws(SystemError) {
    if link(temporary, path) == 0 { return }
    let problem = SystemError.last
    // An answer that was lost may have been a good one: the file then has two names.
    var status = stat()
    if stat(temporary, &status) == 0, status.st_nlink == 2 { return }
    guard problem.number == EPERM || problem.number == EOPNOTSUPP || problem.number == ENOSYS else {
      throw problem
    }
    let holder = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard holder >= 0 else { throw .last }
    close(holder)
    guard rename(temporary, path) == 0 else { throw .last }
  }

  /// Whether the name still leads to this file.
  var isThere: Bool {
    var (own, there) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &there) == 0 && own.st_dev == there.st_dev
      && own.st_ino == there.st_ino
  }

  /// Removes the file where it is this one still.
  func remove() {
    pulse.stop()
    if isThere { unlink(path) }
    UnfinishedFiles.remove(path)
  }
}

/// What a claim's file says: the owner, and a number of fixed width behind it, which can be written over in place.
private struct ClaimText {
  let bytes: [UInt8]
  /// Where the number stands.
  let countOffset: Int
  static let digits = 12

  init(_ identity: WriterIdentity) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = (try? encoder.encode(identity)).map { [UInt8]($0) } ?? Array("{}".utf8)
    let start = json.dropLast() + Array(#", "beat": ""#.utf8)
    countOffset = start.count
    bytes = start + ClaimText.digits(of: 0) + Array("\"}\n".utf8)
  }

  static func digits(of count: Int) -> [UInt8] {
    let number = "\(count)"
    return Array((String(repeating: "0", count: max(0, digits - number.count)) + number).utf8)
  }
}

/// Counts in a claim's file until it is stopped. The file's descriptor must stay open until then.
private final class Pulse: @unchecked Sendable {
  private let text: ClaimText
  private let descriptor: Int32
  private let condition = NSCondition()
  private var hasStopped = false

  init(_ text: ClaimText, _ descriptor: Int32) {
    self.text = text
    self.descriptor = descriptor
  }

  func start(every seconds: TimeInterval) {
    let thread = Thread { self.run(every: seconds) }
    thread.name = "writer's claim"
    thread.start()
  }

  func stop() {
    condition.withLock {
      hasStopped = true
      condition.signal()
    }
  }

  private func run(every seconds: TimeInterval) {
    var count = 0
    while true {
      let goesOn = condition.withLock {
        let next = Date(timeIntervalSinceNow: seconds)
        while !hasStopped, condition.wait(until: next) {}
        guard !hasStopped else { return false }
        count += 1
        let digits = ClaimText.digits(of: count)
        // A beat that fails is like none. Others wait for several.
        _ = pwrite(descriptor, digits, digits.count, off_t(text.countOffset))
        fsync(descriptor)
        return true
      }
      if !goesOn { return }
    }
  }
}
