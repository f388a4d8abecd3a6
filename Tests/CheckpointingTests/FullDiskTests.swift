import Checkpointing
import Diagnosis
import Foundation
import TestFolders
import Testing

@Suite struct FullDiskTests {
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
    #expect(failure.kind == .unwritable)
    #expect(failure.message.hasPrefix("\(path): cannot be written: the disk is full"))
    #expect(try folder.read("epoch-0001.h5") == before)
    #expect(try folder.names() == ["epoch-0001.h5"])
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
