import Checkpointing
import Diagnosis
import FileAccess
import Foundation
import HDF5
import TestFolders
import Testing

@Suite struct DamagedCheckpointTests {
  /// A flipped byte is found, or was one that carries nothing: other contents never come back.
  @Test func aFlippedByteNeverChangesWhatIsRead() throws {
    let folder = try TemporaryFolder()
    let original = exampleCheckpoint()
    try original.write(to: folder.file("good.h5"))
    let bytes = try folder.read("good.h5")
    var found = 0
    for position in stride(from: 0, to: bytes.count, by: 61) {
      var damaged = bytes
      damaged[position] ^= 0x10
      try folder.write(damaged, to: "damaged.h5")
      do {
        let checkpoint = try Checkpoint.read(folder.file("damaged.h5"))
        #expect(checkpoint.integers == original.integers && checkpoint.texts == original.texts)
        #expect(
          checkpoint.arrays.mapValues { $0.values.map(\.bitPattern) }
            == original.arrays.mapValues { $0.values.map(\.bitPattern) })
      } catch let failure as Failure {
        #expect(failure.kind == .badData)
        found += 1
      }
    }
    #expect(found > 5)
  }

  @Test func aFlippedWeightIsSaidToBeDamage() throws {
    let folder = try TemporaryFolder()
    try exampleCheckpoint().write(to: folder.file("a.h5"))
    var bytes = try folder.read("a.h5")
    let five = withUnsafeBytes(of: Float(5).bitPattern.littleEndian) { Array($0) }
    let six = withUnsafeBytes(of: Float(6).bitPattern.littleEndian) { Array($0) }
    let place = try #require((0..<(bytes.count - 8)).first { Array(bytes[$0..<($0 + 8)]) == five + six })
    bytes[place + 1] ^= 1
    try folder.write(bytes, to: "a.h5")
    let failure = try #require(throws: Failure.self) { try Checkpoint.read(folder.file("a.h5")) }
    #expect(failure.message.contains("a.h5: damaged: its contents have the checksum"))
  }

  @Test func theNewestWholeOneIsFoundPastBrokenOnes() throws {
    let folder = try TemporaryFolder()
    for epoch in 1...4 { try exampleCheckpoint(step: epoch * 10).write(to: folder.file("epoch-000\(epoch).h5")) }
    try exampleCheckpoint(step: 20).write(to: folder.file("best.h5"))
    try folder.write(Array(folder.read("epoch-0004.h5").dropLast(3000)), to: "epoch-0004.h5")
    var flipped = try folder.read("epoch-0003.h5")
    let text = Array("model: small".utf8)
    let place = try #require((0..<flipped.count).first { Array(flipped[$0...].prefix(text.count)) == text })
    flipped[place] ^= 1
    try folder.write(flipped, to: "epoch-0003.h5")
    try folder.write(Array("notes".utf8), to: "notes.h5")
    try folder.write(Array("notes".utf8), to: "notes.txt")

    let search = try Checkpoint.newestGood(in: folder.path)
    #expect(search.newest?.source == folder.file("epoch-0002.h5"))
    #expect(search.newest?.integers["step"] == 20)
    #expect(search.skipped.map(\.path) == ["epoch-0004.h5", "notes.h5", "epoch-0003.h5"].map(folder.file))
    #expect(search.skipped[0].failure.message.contains("cut short"))
    #expect(search.skipped[2].failure.message.contains("damaged"))
  }

  @Test func aFolderNamedLikeACheckpointIsNone() throws {
    let folder = try TemporaryFolder()
    try exampleCheckpoint(step: 10).write(to: folder.file("epoch-0001.h5"))
    try folder.write("mine", to: "epoch-0002.h5/notes.txt")
    let search = try Checkpoint.newestGood(in: folder.path)
    #expect(search.newest?.source == folder.file("epoch-0001.h5") && search.skipped.isEmpty)
    #expect(try Checkpoint.names(in: folder.path) == ["epoch-0001.h5"])
    #expect(try Checkpoint.folderNames(in: folder.path) == ["epoch-0002.h5"])
    #expect(try Checkpoint.folderNames(in: folder.file("none")).isEmpty)
  }

  @Test func aFolderWithoutCheckpointsGivesNone() throws {
    let folder = try TemporaryFolder()
    #expect(try Checkpoint.newestGood(in: folder.path).newest == nil)
    #expect(try Checkpoint.newestGood(in: folder.file("none")).newest == nil)
  }

  /// A folder with two whole checkpoints, and what an access that fails in one way makes of it.
  private func failure(_ change: (inout CheckpointAccess) -> Void) throws -> Failure {
    let folder = try TemporaryFolder()
    for epoch in 1...2 { try exampleCheckpoint(step: epoch * 10).write(to: folder.file("epoch-000\(epoch).h5")) }
    var access = CheckpointAccess.ofFileSystem
    change(&access)
    return try #require(throws: Failure.self) { try Checkpoint.newestGood(in: folder.path, access) }
  }

  @Test func aFolderThatCannotBeListedIsNotTakenForAnEmptyOne() throws {
    let failure = try failure { $0.names = { _ throws(SystemError) in throw SystemError(number: EACCES) } }
    #expect(failure.kind == .missingInput)
    #expect(failure.message.contains("cannot be listed: Permission denied"))
  }

  @Test(arguments: [Failure.Kind.fault, .missingInput]) func whatCannotBeReadNowIsNotTakenForDamaged(
    kind: Failure.Kind
  ) throws {
    for newest in ["epoch-0002.h5", "epoch-0001.h5"] {
      // A killed process, a missing permission: for the newest, and for one that would not be gone on with.
      let found = try failure { access in
        let head = access.head
        access.head = { path in
          if path.hasSuffix(newest) { throw Failure(kind, "\(path): killed") }
          return try head(path)
        }
      }
      #expect(found.kind == kind)
    }
    let found = try failure { $0.read = { path in throw Failure(kind, "\(path): killed") } }
    #expect(found.kind == kind)
  }

  @Test func damageIsProvenOnlyByBytesThatTheDiskGives() throws {
    let failure = try failure { access in
      access.read = { path in throw Failure(.badData, "\(path): damaged: Input/output error") }
      access.readThrough = { _ throws(WholeFileError) in throw .system(SystemError(number: EIO)) }
    }
    #expect(failure.kind == .missingInput)
    #expect(failure.message.hasSuffix("epoch-0002.h5: cannot be read: Input/output error"))
  }

  @Test func aNewerFormatIsRefusedInOneLine() throws {
    let folder = try TemporaryFolder()
    let file = try File.createInMemory(name: "newer")
    try file.setAttribute("format", "crnn-dist checkpoint")
    try file.setAttribute("format_version", Int64(3))
    try folder.write(file.image(), to: "epoch-0009.h5")
    try exampleCheckpoint().write(to: folder.file("epoch-0001.h5"))
    for read in [
      { _ = try Checkpoint.read(folder.file("epoch-0009.h5")) },
      { _ = try Checkpoint.newestGood(in: folder.path) },
    ] {
      let failure = try #require(throws: Failure.self) { try read() }
      #expect(failure.kind == .badData)
      #expect(
        failure.message
          == folder.file("epoch-0009.h5")
          + ": written by a newer program: its format version is 3, this one reads up to 2")
    }
  }

  @Test func otherFilesAreNoCheckpoints() throws {
    let folder = try TemporaryFolder()
    let file = try File.createInMemory(name: "other")
    try folder.write(file.image(), to: "other.h5")
    let other = try #require(throws: Failure.self) { try Checkpoint.read(folder.file("other.h5")) }
    #expect(other.message.hasSuffix("other.h5: an HDF5 file, but no checkpoint of this program"))
    let missing = try #require(throws: Failure.self) { try Checkpoint.read(folder.file("none.h5")) }
    #expect(missing.kind == .missingInput)
  }
}
