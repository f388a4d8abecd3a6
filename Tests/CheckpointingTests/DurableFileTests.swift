import Checkpointing
import Diagnosis
import FileAccess
import Foundation
import Testing

@Suite struct DurableFileTests {
  @Test func aFileIsReplacedAndNothingElseIsLeft() throws {
    let folder = try TemporaryFolder()
    try DurableFile.replace(folder.file("a"), with: [1, 2])
    try DurableFile.replace(folder.file("a"), with: [3])
    #expect(try folder.read("a") == [3])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a"])
  }

  @Test func aMissingFolderIsNamed() throws {
    let failure = try #require(throws: Failure.self) { try DurableFile.replace("/no/such/a", with: [1]) }
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
    #expect(DurableFile.removeStaleTemporaries(in: folder.path) == [dead, old])
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(left) == [alive, elsewhere, "epoch-0001.h5", ".hidden"])
  }

  /// Needs root to mount a small file system; skipped otherwise.
  @Test(.enabled(if: getuid() == 0, "mounting a full disk needs root"))
  func aFullDiskIsSaidAndTheOldFileStays() throws {
    let folder = try TemporaryFolder()
    guard try run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder.path) == 0 else {
      print("skipped: this container may not mount file systems")
      return
    }
    defer { _ = try? run("umount", folder.path) }
    let path = folder.file("epoch-0001.h5")
    try exampleCheckpoint().write(to: path)
    let before = try folder.read("epoch-0001.h5")
    var large = exampleCheckpoint(step: 99)
    large.arrays["weights/large"] = .init(shape: [100_000], values: [Float](repeating: 1, count: 100_000))
    let failure = try #require(throws: Failure.self) { try large.write(to: path) }
    #expect(failure.kind == .fault)
    #expect(failure.message.hasPrefix("\(path): cannot be written: the disk is full"))
    #expect(try folder.read("epoch-0001.h5") == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["epoch-0001.h5"])
    #expect(try Checkpoint.newestGood(in: folder.path).newest?.integers["step"] == 17)
  }

  private func run(_ command: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
