import Diagnosis
import FileAccess
import Foundation
import TestFolders
import Testing

@Suite struct WriterClaimTests {
  private let quick = WriterClaim.Timing(beat: 0.05, patience: 1, grace: 0.2)

  private func refusal(_ folder: TemporaryFolder) throws -> Failure {
    try #require(throws: Failure.self) { try WriterClaim.refuseOthers(in: folder.path, quick) }
  }

  /// The claim that stands in a folder, rewritten as if another had it.
  private func change(_ folder: TemporaryFolder, _ change: (inout [String: Any]) -> Void) throws {
    let path = folder.file(".writer-1")
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var owner = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    change(&owner)
    try JSONSerialization.data(withJSONObject: owner).write(to: URL(fileURLWithPath: path))
  }

  @Test func aSecondWriterIsRefusedWithHostProcessAndStartOfTheFirst() throws {
    let folder = try TemporaryFolder()
    let claim = try WriterClaim.take(folder.path, quick)
    let failure = try refusal(folder)
    #expect(failure.kind == .usage)
    let year = Calendar(identifier: .gregorian).component(.year, from: Date())
    for word in ["process \(getpid()) on \(ProcessInfo.processInfo.hostName)", "since \(year)"] {
      #expect(failure.message.contains(word), "\(failure.message)")
    }
    #expect(throws: Failure.self) { try WriterClaim.take(folder.path, quick) }
    try claim.check()
    claim.release()
    #expect(try folder.names() == [])
    try WriterClaim.take(folder.path, quick).check()
  }

  @Test func aClaimGoesWithItsOwner() throws {
    let folder = try TemporaryFolder()
    do { _ = try WriterClaim.take(folder.path, quick) }
    #expect(try folder.names() == [])
  }

  /// The process has ended, its number has been given to another, or the node has started anew since.
  @Test(arguments: ["process", "process_start", "boot"]) func aDeadClaimIsSuperseded(_ key: String) throws {
    let folder = try TemporaryFolder()
    let first = try WriterClaim.take(folder.path, .init(beat: 100, patience: 1))
    try change(folder) { $0[key] = key == "boot" ? "another" : 0x3fff_ffff }
    let second = try WriterClaim.take(folder.path, quick)
    #expect(try folder.names() == [".writer-2"])
    try second.check()
    let lost = #expect(throws: Failure.self) { try first.check() }
    #expect(lost?.kind == .unwritable)
    first.release()
    #expect(try folder.names() == [".writer-2"], "who has lost a folder takes nothing away")
  }

  /// As a job of another node, or of another container, that counts on.
  @Test(arguments: ["host", "boot", "process_namespace"])
  func aStrangerThatCountsOnLives(_ key: String) throws {
    let folder = try TemporaryFolder()
    let claim = try WriterClaim.take(folder.path, .init(beat: 100, patience: 1))
    try change(folder) { $0[key] = "another" }
    let path = folder.file(".writer-1")
    let counting = Thread {
      Thread.sleep(forTimeInterval: 0.4)
      try? FileHandle(forWritingTo: URL(fileURLWithPath: path)).write(contentsOf: Data(" ".utf8))
    }
    counting.start()
    var notes: [String] = []
    let failure = try #require(throws: Failure.self) {
      try WriterClaim.refuseOthers(in: folder.path, quick) { notes.append($0) }
    }
    #expect(failure.kind == .usage)
    #expect(notes.count == 1 && notes[0].contains("whether it lives"), "\(notes)")
    withExtendedLifetime(claim) {}
  }

  /// As the ranks of a job that has just been killed.
  @Test func aLivingClaimThatIsGivenUpSoonIsWaitedFor() throws {
    let folder = try TemporaryFolder()
    let claim = try WriterClaim.take(folder.path, quick)
    nonisolated(unsafe) let held = claim
    let ending = Thread {
      Thread.sleep(forTimeInterval: 0.3)
      held.release()
    }
    ending.start()
    let next = try WriterClaim.take(folder.path, .init(beat: 0.05, patience: 1, grace: 20))
    try next.check()
  }

  @Test func whatIsNoClaimIsWatchedToo() throws {
    let folder = try TemporaryFolder()
    try folder.write("half of a cla", to: ".writer-7")
    let claim = try WriterClaim.take(folder.path, quick)
    #expect(try folder.names() == [".writer-8"])
    withExtendedLifetime(claim) {}
  }

  @Test func aLivingProcessCounts() throws {
    let folder = try TemporaryFolder()
    let claim = try WriterClaim.take(folder.path, quick)
    let path = folder.file(".writer-1")
    let before = try String(contentsOfFile: path, encoding: .utf8)
    Thread.sleep(forTimeInterval: 0.5)
    let after = try String(contentsOfFile: path, encoding: .utf8)
    #expect(before != after && before.count == after.count)
    #expect(try JSONSerialization.jsonObject(with: Data(after.utf8)) is [String: Any])
    withExtendedLifetime(claim) {}
  }

  /// Many that come at once, over a dead claim: one has the folder.
  @Test func ofManyOneHasIt() async throws {
    let folder = try TemporaryFolder()
    for round in 0..<10 {
      try folder.write("{}", to: ".writer-\(round + 1)")
      let claims = try await withThrowingTaskGroup(of: Holder?.self) { group in
        for _ in 0..<4 {
          group.addTask {
            (try? WriterClaim.take(folder.path, .init(beat: 0.05, patience: 0.3, grace: 0.2))).map(Holder.init)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(claims.count { $0 != nil } == 1)
      for claim in claims { claim?.claim.release() }
      #expect(try folder.names() == [])
    }
  }

  private final class Holder: @unchecked Sendable {
    let claim: WriterClaim
    init(_ claim: WriterClaim) { self.claim = claim }
  }
}
