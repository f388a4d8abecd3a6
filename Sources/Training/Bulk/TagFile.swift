import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import Preparation
import Stopping

/// A file of songs with their tags that a job writes. It appears whole or not at all; until then what is done stands in
/// `PATH.unfinished`, and the same job goes on with it.
public struct TagFile: Sendable {
  public var path: String
  public var format: TagFormat
  public var choice: TagChoice
  /// Whether a complete file of this kind is replaced.
  public var replaces = false
  /// Whether a complete file of this kind is what is wanted, so that there is nothing to do.
  public var resumes = false

  public init(_ path: String, _ format: TagFormat, _ choice: TagChoice) {
    self.path = path
    self.format = format
    self.choice = choice
  }

  /// The list of songs that were not judged, with their causes.
  public var skippedPath: String { path + ".skipped.tsv" }

  /// What a job came to.
  public struct Report: Codable, Sendable {
    public var judged = 0
    public var tooShort = 0
    public var unreadable = 0
    /// Songs that an earlier job had done.
    public var doneBefore = 0
    /// Whether the file was there, so that nothing was done.
    public var wasComplete = false
  }

  /// Looks at what is there, before anything else is read.
  /// - Returns: whether the file is complete already, and to be left so.
  /// - Throws: as `OutputClaim.file`.
  fileprivate func claim(_ inputs: [String]) throws -> Bool {
    let isUnfinished = BulkJournal.isThere(for: path)
    let output = OutputClaim(inputs: inputs)
    let isThere = try !isUnfinished && isSomeFile()
    let isEmpty = try isThere && readStart(of: path, count: 1).isEmpty
    if resumes, !replaces, isThere, !isEmpty, try TagFormat.isOne(at: path) { return true }
    try output.file(
      path,
      replacing: OutputClaim.Predecessor(
        "a file of tagged songs", .byOption("--force", isGiven: replaces || isUnfinished || isEmpty)
      ) { try TagFormat.isOne(at: $0) })
    try output.folder(BulkJournal.folder(of: path))
    try output.file(
      skippedPath,
      replacing: OutputClaim.Predecessor("a list of skipped songs", .given) { try ListFile.isOfSkipped(at: $0) })
    return false
  }

  private func isSomeFile() throws -> Bool {
    try FileManager.default.fileExists(atPath: path) && PathKind(of: path) == .file
  }

  /// Writes the file from a complete journal, and the list of what was skipped.
  /// - Parameter isStrict: throws the first failure, which may be of a job that was not strict and had gone before.
  fileprivate func write(
    _ journal: BulkJournal, _ plan: BulkPlan, _ prediction: Prediction, isStrict: Bool
  ) throws -> TagCounts {
    var counts = TagCounts()
    for outcome in plan.unlistedOutcomes { counts.add(outcome) }
    try journal.read { outcomes in
      if isStrict, let failure = outcomes.lazy.compactMap(\.failure).first { throw failure }
      for outcome in outcomes { counts.add(outcome) }
    }
    let output = AtomicFile(path)
    let list = ListFile(skippedPath)
    do {
      let writer = try format.writer(
        output.temporaryPath,
        TagFileContents(
          model: prediction.tags, choice: choice,
          embeddingWidth: prediction.givesEmbeddings ? prediction.embeddingWidth : 0,
          checkpoint: prediction.source, checkpointHash: prediction.checksum,
          counts: counts))
      func add(_ outcomes: [Prediction.Outcome]) throws {
        try writer.add(outcomes)
        try list.append(
          outcomes.compactMap { outcome in outcome.problem.map { ListFile.skippedLine(outcome.place, $0.cause) } })
      }
      try add(plan.unlistedOutcomes)
      try journal.read(add)
      try writer.finish()
    } catch {
      output.discard()
      throw error
    }
    try list.finish()
    try output.commit()
    return counts
  }
}

extension TaggingJob {
  /// Tags all songs into a file, going on where an earlier job was stopped. Collective; every rank returns the same.
  /// - Throws: `usage` where something else stands at the path, where the file is complete, or where another job's
  ///   unfinished work stands beside it; `interrupted` where a signal asks for a stop.
  public func write(
    to target: TagFile, _ communicator: any Communicator, note: (String) -> Void, progress: Progress
  ) throws -> TagFile.Report {
    let isComplete = try communicator.broadcast { try target.claim(inputs + checkpoints) }
    if isComplete {
      var report = TagFile.Report()
      report.wasComplete = true
      return report
    }
    StopSignal.install()
    let search = try EarlyEnd(communicator, during: "songs were looked for")
    let prediction = try prediction(communicator, target.choice)
    let plan = try BulkPlan(inputs, for: prediction, communicator)
    search.end()
    let journal = try communicator.agree {
      communicator.isRoot ? try openJournal(target, prediction, plan, note: note) : nil
    }
    defer { journal?.close() }
    let start = try communicator.broadcast(
      [journal?.next.part, journal?.next.index, journal?.next.row].map { $0 ?? 0 })
    let done = try communicator.broadcast(journal?.done ?? 0)
    if communicator.isRoot, done > 0 { note("goes on after \(done) songs, which \(journal?.folder ?? "") holds") }
    let isWhole = try withoutActuallyEscaping(progress) { progress in
      try BulkPrediction(
        prediction, plan, done: done, communicator, isStopped: { StopSignal.isRequested },
        progress: { if communicator.isRoot { progress($0, $1) } },
        handOn: { outcomes, next in
          if isStrict, let failure = outcomes.lazy.compactMap(\.failure).first { throw failure }
          try journal?.append(outcomes, next: next)
        }
      ).run(from: BulkPosition(part: start[0], index: start[1], row: start[2]))
    }
    guard isWhole else { throw Self.interruption(target, done: try communicator.broadcast(journal?.done ?? 0)) }
    var report = try communicator.broadcast {
      var report = TagFile.Report()
      guard let journal else { return report }
      let counts = try target.write(journal, plan, prediction, isStrict: isStrict)
      (report.judged, report.tooShort, report.unreadable) = (counts.judged, counts.tooShort, counts.unreadable)
      journal.remove()
      return report
    }
    report.doneBefore = done
    return report
  }

  private func openJournal(
    _ target: TagFile, _ prediction: Prediction, _ plan: BulkPlan, note: (String) -> Void
  ) throws -> BulkJournal {
    if isStrict, let failure = plan.unlistedOutcomes.first?.failure { throw failure }
    for path in [target.path, target.skippedPath] {
      FileWriter.removeAbandoned(in: AtomicFile.folder(of: path), of: path)
    }
    let header = BulkJournal.Header(
      checkpoint: prediction.checksum, songs: plan.fingerprint, embeddings: givesEmbeddings)
    return try BulkJournal(for: target.path, header, replaces: target.replaces, note: note)
  }

  private static func interruption(_ target: TagFile, done: Int) -> Failure {
    Failure(
      .interrupted,
      "stopped by a signal after \(done) songs; what is done stands in \(BulkJournal.folder(of: target.path))",
      remedy: "run the same line again to go on"
    ).knownToAllRanks
  }
}
