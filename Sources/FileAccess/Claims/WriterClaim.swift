import Diagnosis
import Foundation

/// The right to write in a folder, which one process has at a time, whatever node it is on.
///
/// Locks do not hold on every NFS or Lustre, so the claim is a file, `FOLDER/.writer-N`, that says who has it and in
/// which a number is counted up every few seconds. A claim is dead where its process is known to have ended, or where
/// the number has stood still for longer than a living process would leave it. A dead one is superseded by a file of the
/// next number N, which of several processes only one can make; the dead files are removed then.
///
///     let claim = try WriterClaim.take("runs/first")
///     defer { claim.release() }
public final class WriterClaim {
  package struct Timing: Sendable {
    /// Seconds between two counts of a living process.
    package var beat: TimeInterval
    /// For how long a stranger's claim is watched before it counts as dead.
    package var patience: TimeInterval
    /// For how long a process of this node is given to end: after a kill its ranks live on for a moment.
    package var grace: TimeInterval

    package init(beat: TimeInterval = 10, patience: TimeInterval = 60, grace: TimeInterval = 5) {
      self.beat = beat
      self.patience = patience
      self.grace = grace
    }
  }

  private let file: ClaimFile
  private let folder: String

  /// Refuses a folder in which another process writes. Nothing is changed.
  /// - Parameters:
  ///   - folder: where this process means to write.
  ///   - note: is told what is being waited for, where it cannot be known at once whether the other lives.
  /// - Throws: `usage` with host, process and start of the other; `missingInput` where the folder cannot be listed.
  public static func refuseOthers(in folder: String, note: (String) -> Void = { _ in }) throws {
    try refuseOthers(in: folder, Timing(), note: note)
  }

  /// Claims a folder that is there.
  /// - Throws: as `refuseOthers`; `unwritable` where the claim cannot be written.
  public static func take(_ folder: String, note: (String) -> Void = { _ in }) throws -> WriterClaim {
    try take(folder, WriterIdentity(), Timing(), note: note)
  }

  package static func refuseOthers(in folder: String, _ timing: Timing, note: (String) -> Void = { _ in }) throws {
    _ = try deadClaims(in: folder, WriterIdentity(), timing, note)
  }

  package static func take(
    _ folder: String, _ timing: Timing, note: (String) -> Void = { _ in }
  ) throws -> WriterClaim {
    try take(folder, WriterIdentity(), timing, note: note)
  }

  private static func take(
    _ folder: String, _ identity: WriterIdentity, _ timing: Timing, note: (String) -> Void
  ) throws -> WriterClaim {
    while true {
      let dead = try deadClaims(in: folder, identity, timing, note)
      let number = (dead.map(\.number).max() ?? 0) + 1
      guard let file = try ClaimFile(folder, number, identity, beat: timing.beat) else { continue }
      let claim = WriterClaim(file, folder)
      // Two that listed the folder at unlike moments may both have made a file: the higher number has it.
      let higher = try StandingClaim.all(in: folder).filter { $0.number > number }
      guard higher.isEmpty else {
        claim.release()
        continue
      }
      for claim in dead { removeFile(claim.path) }
      return claim
    }
  }

  private init(_ file: ClaimFile, _ folder: String) {
    self.file = file
    self.folder = folder
  }

  deinit { release() }

  /// Makes sure, before something is written, that no other process has taken the folder meanwhile: that happens where
  /// this one stood still for long.
  /// - Throws: `unwritable`.
  public func check() throws {
    guard !file.isThere else { return }
    throw Failure(
      .unwritable, "\(folder): another job has taken this folder over, while this one stood still",
      remedy: "nothing more is written there; see which of the two is to go on")
  }

  /// Gives the folder free.
  public func release() { file.remove() }

  /// The claims in a folder, all of which are dead. Throws where one is not.
  private static func deadClaims(
    in folder: String, _ observer: WriterIdentity, _ timing: Timing, _ note: (String) -> Void
  ) throws -> [StandingClaim] {
    let claims = try StandingClaim.all(in: folder)
    for claim in claims {
      let life = { claim.owner?.life(seenBy: observer) ?? .unknown }
      switch life() {
      case .isDead: continue
      case .lives:
        let end = Date(timeIntervalSinceNow: timing.grace)
        while life() == .lives, claim.isThere {
          guard Date() < end else { throw refusal(folder, claim) }
          Thread.sleep(forTimeInterval: 0.05)
        }
      case .unknown:
        note(
          "\(folder) is claimed by \(claim.words): looking for up to \(Int(timing.patience)) s whether it lives")
        if claim.changes(within: timing.patience) { throw refusal(folder, claim) }
      }
    }
    return claims
  }

  private static func refusal(_ folder: String, _ claim: StandingClaim) -> Failure {
    Failure(
      .usage, "\(folder): \(claim.words) writes there",
      remedy: "wait until it has ended, or end it; or give another --out")
  }
}

/// A claim that stands in a folder.
private struct StandingClaim {
  let path: String
  let number: Int
  let contents: [UInt8]
  /// Nil where the file does not say it.
  let owner: WriterIdentity?

  /// Of all that are there, the oldest first. Throws `missingInput` where the folder cannot be listed; none where there
  /// is no folder.
  static func all(in folder: String) throws -> [StandingClaim] {
    let names: [String]
    do throws(SystemError) {
      names = try FolderListing.allNames(in: folder)
    } catch {
      // That it is no folder is said elsewhere.
      if error.isMissing { return [] }
      throw Failure(.missingInput, "\(folder): cannot be listed: \(error)", remedy: "make it readable")
    }
    return names.compactMap { StandingClaim(folder, $0) }.sorted { $0.number < $1.number }
  }

  /// Nil where it has gone meanwhile, or is no claim.
  private init?(_ folder: String, _ name: String) {
    guard name.hasPrefix(ClaimFile.namePrefix), let number = Int(name.dropFirst(ClaimFile.namePrefix.count)),
      let contents = try? readStart(of: folder + "/" + name, count: ClaimFile.mostBytes)
    else { return nil }
    path = folder + "/" + name
    self.number = number
    self.contents = contents
    owner = try? JSONDecoder().decode(WriterIdentity.self, from: Data(contents))
  }

  /// Who has it, in words.
  var words: String {
    guard let owner else { return "a job that does not say which (\(path))" }
    let job = owner.job.map { ", Slurm job \($0)" } ?? ""
    return "process \(owner.process) on \(owner.host)\(job), since \(owner.start),"
  }

  var isThere: Bool { now != nil }

  /// What the file holds now. Opening it anew makes NFS ask its server (close-to-open consistency).
  private var now: [UInt8]? { try? readStart(of: path, count: ClaimFile.mostBytes) }

  /// Whether somebody counts on. A claim that goes away has been given up.
  func changes(within patience: TimeInterval) -> Bool {
    let end = Date(timeIntervalSinceNow: patience)
    while Date() < end {
      Thread.sleep(forTimeInterval: min(1, patience / 20))
      guard let now else { return false }
      if now != contents { return true }
    }
    return false
  }
}
