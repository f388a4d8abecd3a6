import Diagnosis
import FileAccess
import Foundation
import TestFolders
import Testing

@Suite struct AtomicFileTests {
  @Test func aFileIsReplacedAndNothingElseIsLeft() throws {
    let folder = try TemporaryFolder()
    try replaceFile(folder.file("a"), with: [1, 2])
    try replaceFile(folder.file("a"), with: [3])
    #expect(try folder.read("a") == [3])
    #expect(try folder.names() == ["a"])
  }

  /// Large files go past the system's cache where the file system lets them; /dev/shm is one that may not.
  @Test(arguments: ["/tmp", "/dev/shm"]) func aFileOfAnyLengthIsWrittenWhole(place: String) throws {
    let folder = try TemporaryFolder(in: place)
    let piece = 4 << 20
    for count in [piece - 1, piece, piece + 1, 2 * piece + 4096, 3 * piece + 4095] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
      try replaceFile(folder.file("a"), with: bytes)
      #expect(try folder.read("a") == bytes, "\(count) bytes")
      // From an address that suits disks, nothing is copied on the way.
      let aligned = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
      defer { aligned.deallocate() }
      aligned.copyBytes(from: bytes.reversed())
      try replaceFile(folder.file("a"), with: UnsafeRawBufferPointer(aligned))
      #expect(try folder.read("a") == bytes.reversed(), "\(count) bytes")
    }
    #expect(try folder.names() == ["a"])
  }

  @Test func aSecondNameStaysWhenTheFirstIsGivenToAnotherFile() throws {
    let folder = try TemporaryFolder()
    try replaceFile(folder.file("best"), with: [9])
    for content: UInt8 in 1...2 {
      try replaceFile(folder.file("epoch"), with: [content])
      // Twice: the second time both names are of the same file.
      for _ in 1...2 { #expect(try replaceFile(folder.file("best"), withLinkTo: folder.file("epoch"))) }
      #expect(try folder.read("best") == [content])
    }
    try replaceFile(folder.file("epoch"), with: [3])
    #expect(try folder.read("best") == [2])
    removeFile(folder.file("epoch"))
    #expect(try folder.names() == ["best"])
    #expect(try replaceFile(folder.file("best"), withLinkTo: folder.file("none")) == false)
    #expect(try folder.read("best") == [2])
  }

  @Test func whatHasComeMeanwhileIsNotReplaced() throws {
    let folder = try TemporaryFolder()
    try folder.write([1], to: "old")
    for name in ["old", "new"] {
      let file = AtomicFile(folder.file(name))
      try folder.write([2], to: (file.temporaryPath as NSString).lastPathComponent)
      try replaceFile(folder.file(name), with: [3])
      let failure = try #require(throws: Failure.self) { try file.commit() }
      #expect(failure.message.contains("another file has come there meanwhile"))
      #expect(try folder.read(name) == [3])
    }
    #expect(try folder.names() == ["new", "old"])
    // One that has gone is no hindrance.
    let file = AtomicFile(folder.file("old"))
    try folder.write([4], to: (file.temporaryPath as NSString).lastPathComponent)
    removeFile(folder.file("old"))
    try file.commit()
    #expect(try folder.read("old") == [4])
  }

  /// As a rank of the same run does that is asked to stop: the others are asked too, and are given the time to end.
  @Test func bytesThatWereRemovedBeforeTheirNameAreTold() throws {
    let folder = try TemporaryFolder()
    let file = AtomicFile(folder.file("a"))
    try folder.write([1], to: (file.temporaryPath as NSString).lastPathComponent)
    removeFile(file.temporaryPath)
    let failure = try #require(throws: Failure.self) { try file.commit() }
    #expect(failure.kind == .unwritable)
    #expect(failure.message.contains("\(file.temporaryPath), where its bytes were, has been removed"))
    #expect(try folder.names() == [])
  }

  @Test func aMissingFolderIsNamed() throws {
    let failure = try #require(throws: Failure.self) { try replaceFile("/no/such/a", with: [1]) }
    #expect(failure.kind == .missingInput)
    #expect(failure.message == "/no/such/a: cannot be written, its folder /no/such does not exist")
  }

  @Test func temporariesOfDeadRunsAreRemovedAndOthersKept() throws {
    let folder = try TemporaryFolder()
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let dead = ".epoch-0001.h5.partial-\(host)-999999999-abc"
    let alive = ".epoch-0002.h5.partial-\(host)-\(getpid())-abc"
    let elsewhere = ".epoch-0003.h5.partial-another-host-1-abc"
    let old = ".epoch-0004.h5.partial-another-host-1-abc"
    for file in [dead, alive, elsewhere, old, "epoch-0001.h5", ".hidden"] { try folder.write([0], to: file) }
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -4000)], ofItemAtPath: folder.file(old))
    #expect(FileWriter.removeAbandoned(in: folder.path) == [dead, old])
    #expect(try Set(folder.names()) == [alive, elsewhere, "epoch-0001.h5", ".hidden"])
  }

  /// The system gives entries in blocks that are cut where the next one does not fit: nothing is behind the last ones.
  @Test func namesAreFoundInAFolderOfManyBlocks() throws {
    let folder = try TemporaryFolder()
    for number in 1...4000 { try folder.write([], to: ".a.partial-x-1-\(number)") }
    FileWriter.removeAllUnfinished(in: folder.path)
    #expect(try folder.names() == [])
  }

  @Test func onlyTheTemporariesOfTheTargetAreRemovedWhereOneIsNamed() throws {
    let folder = try TemporaryFolder()
    let own = ".songs.h5.partial-another-host-1-abc"
    let other = ".songs.h5.bak.partial-another-host-1-abc"
    for file in [own, other] {
      try folder.write([0], to: file)
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -4000)], ofItemAtPath: folder.file(file))
    }
    #expect(FileWriter.removeAbandoned(in: folder.path, of: folder.file("songs.h5")) == [own])
    #expect(try folder.names() == [other])
  }

  @Test func writersOfOnePathDoNotMeet() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (AtomicFile(folder.file("a")), AtomicFile(folder.file("a")))
    #expect(first.temporaryPath != second.temporaryPath)
    let together = FileWriter()
    #expect(
      AtomicFile(folder.file("a"), writer: together).temporaryPath
        == AtomicFile(folder.file("a"), writer: together).temporaryPath)
  }

  @Test func nothingStandsAtThePathBeforeTheCommitNorAfterADiscard() throws {
    let folder = try TemporaryFolder()
    let file = AtomicFile(folder.file("a"))
    try Data([1]).write(to: URL(fileURLWithPath: file.temporaryPath))
    #expect(!FileManager.default.fileExists(atPath: file.path))
    try file.commit()
    #expect(try folder.read("a") == [1])
    let dropped = AtomicFile(folder.file("b"))
    try Data([1]).write(to: URL(fileURLWithPath: dropped.temporaryPath))
    dropped.discard()
    #expect(try folder.names() == ["a"])
  }
}
