import Diagnosis
import FileAccess
import Foundation
import Texts

/// What has been predicted so far, in a folder beside the output until that is complete: `OUT.unfinished`.
///
/// Each chunk of songs is one block, with the place where the next one begins. So a job that was killed at any moment
/// goes on behind its last whole chunk, and no song is there twice.
final class BulkJournal {
  /// What a journal is of. Another job's is not gone on with.
  struct Header: Codable, Equatable {
    var format = "crnn-dist unfinished predictions 1"
    /// The checkpoint's checksum.
    let checkpoint: String
    /// Of the plan.
    let songs: String
    let embeddings: Bool

    init(checkpoint: String, songs: String, embeddings: Bool) {
      self.checkpoint = checkpoint
      self.songs = songs
      self.embeddings = embeddings
    }
  }

  let folder: String
  private let file: BlockFile
  private let claim: WriterClaim
  /// Songs and bad files so far.
  private(set) var done = 0
  private(set) var next = BulkPosition.start
  /// When all was on the disk last: a failing power takes what has come since.
  private var written = ContinuousClock.now
  private static let longestUnwritten = Duration.seconds(5)

  static func folder(of output: String) -> String { output + ".unfinished" }
  private static func path(in folder: String) -> String { folder + "/songs" }

  /// Whether there is one for an output.
  static func isThere(for output: String) -> Bool {
    FileManager.default.fileExists(atPath: path(in: folder(of: output)))
  }

  /// Goes on with what is there, or begins.
  /// - Parameter replaces: begins anew where another job's is there.
  /// - Throws: `usage` where another process writes there, or another job has; `unwritable`; `missingInput` where the
  ///   output's folder is missing.
  init(for output: String, _ header: Header, replaces: Bool, note: (String) -> Void) throws {
    folder = Self.folder(of: output)
    try Self.make(folder, output)
    claim = try WriterClaim.take(folder, note: note)
    let path = Self.path(in: folder)
    try Self.begin(path, header, replaces: replaces, folder)
    var (done, next, isHeader) = (0, BulkPosition.start, true)
    file = try BlockFile(path) { block in
      defer { isHeader = false }
      if isHeader { return true }
      var message = PackedReader(block)
      next = try BulkPosition(from: &message)
      done += try message.readInt()
      return true
    }
    (self.done, self.next) = (done, next)
  }

  /// Makes a journal that says nothing yet, unless this job's is there.
  private static func begin(_ path: String, _ header: Header, replaces: Bool, _ folder: String) throws {
    if FileManager.default.fileExists(atPath: path) {
      guard let found = try BlockFile.first(of: path).flatMap({ Header($0) }) else {
        throw Failure(
          .usage, "\(path): a file is there that predict has not written; it is left as it is",
          remedy: "move it away, or name another --out")
      }
      if found == header { return }
      guard replaces else {
        throw Failure(
          .usage, "\(folder): \(found.difference(from: header)), so it cannot be gone on with",
          remedy: "run the line again that began it, name another --out, or begin anew with --force")
      }
    }
    try replaceFile(path, with: BlockFile.framed(header.bytes))
  }

  private static func make(_ folder: String, _ output: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    } catch let error as NSError {
      if (try? PathKind(of: folder)) == .folder { return }
      guard (try? PathKind(of: AtomicFile.folder(of: output))) == .folder else {
        throw Failure(
          .missingInput,
          "\(output): cannot be written, its folder \(AtomicFile.folder(of: output)) does not exist")
      }
      let cause = (error.userInfo[NSUnderlyingErrorKey] as? NSError) ?? error
      throw Failure(.unwritable, "\(folder): cannot be made: \(cause.localizedDescription)")
    }
  }

  /// Adds a chunk of songs.
  /// - Throws: `unwritable`.
  func append(_ outcomes: [Prediction.Outcome], next: BulkPosition) throws {
    try claim.check()
    var message = PackedWriter()
    next.write(to: &message)
    message.write(outcomes.count)
    for outcome in outcomes { outcome.write(to: &message) }
    try file.append(message.bytes)
    done += outcomes.count
    self.next = next
    if written.duration(to: .now) >= Self.longestUnwritten {
      try file.synchronize()
      written = .now
    }
  }

  /// All songs in order, a chunk at a time.
  /// - Throws: `badData` where some of them cannot be read any more.
  func read(_ body: ([Prediction.Outcome]) throws -> Void) throws {
    var (isHeader, found) = (true, 0)
    try file.read { block in
      defer { isHeader = false }
      if isHeader { return true }
      var message = PackedReader(block)
      _ = try BulkPosition(from: &message)
      let outcomes = try (0..<(try message.readInt())).map { _ in try Prediction.Outcome(from: &message) }
      found += outcomes.count
      try body(outcomes)
      return true
    }
    guard found == done else {
      throw Failure(
        .badData, "\(file.path): damaged: \(found) of the \(done) songs that were written there can be read",
        remedy: "run the same line again: it goes on behind them")
    }
  }

  /// Gives the folder free; what is there stays.
  func close() { claim.release() }

  /// Takes the folder away, when the output is complete.
  func remove() {
    removeFile(file.path)
    claim.release()
    // With whatever else somebody has put there it stays.
    rmdir(folder)
  }
}

extension BulkJournal.Header {
  fileprivate var bytes: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(self)).map { [UInt8]($0) } ?? []
  }

  fileprivate init?(_ bytes: [UInt8]) {
    guard let header = try? JSONDecoder().decode(Self.self, from: Data(bytes)), header.format == Self.current
    else {
      return nil
    }
    self = header
  }

  private static let current = BulkJournal.Header(checkpoint: "", songs: "", embeddings: false).format

  /// In words, after the journal's name.
  fileprivate func difference(from other: Self) -> String {
    if checkpoint != other.checkpoint { return "was begun with another checkpoint" }
    if songs != other.songs { return "was begun with other songs than the arguments name now" }
    return embeddings ? "was begun with --embeddings" : "was begun without --embeddings"
  }
}

extension BulkPosition {
  fileprivate func write(to message: inout PackedWriter) {
    for number in [part, index, row] { message.write(number) }
  }

  fileprivate init(from message: inout PackedReader) throws {
    self.init(part: try message.readInt(), index: try message.readInt(), row: try message.readInt())
  }
}
