import Diagnosis
import Foundation
import HDF5
import TestFolders
import Testing

@Suite struct BadInputTests {
  @Test func aMissingFileIsMissingInput() throws {
    let failure = try #require(throws: Failure.self) { try File.open("/no/such/file.h5") }
    #expect(failure.kind == .missingInput)
    #expect(failure.message == "/no/such/file.h5: no such file or directory")
  }

  @Test func aTextFileIsNoHDF5File() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("these are the songs\n".utf8), to: "text.h5")
    try folder.write([], to: "empty.h5")
    let text = try #require(throws: Failure.self) { try File.open(folder.file("text.h5")) }
    #expect(text.kind == .badData)
    #expect(text.message.hasSuffix("text.h5: not an HDF5 file (it does not start with HDF5's signature)"))
    let empty = try #require(throws: Failure.self) { try File.open(folder.file("empty.h5")) }
    #expect(empty.message.hasSuffix("an empty file, not an HDF5 file"))
    let directory = try #require(throws: Failure.self) { try File.open(folder.path) }
    #expect(directory.message.hasSuffix("a folder, not an HDF5 file"))
  }

  /// Every cut of a file either opens with all it claims or is refused; none traps.
  @Test func filesCutShortAreBadData() throws {
    let folder = try TemporaryFolder()
    let image = try exampleImage()
    for share in [1, 2, 3, 5, 7, 9] {
      try folder.write(Array(image.prefix(image.count * share / 10)), to: "cut.h5")
      let failure = try #require(throws: Failure.self) { try File.open(folder.file("cut.h5")) }
      #expect(failure.kind == .badData)
      #expect(failure.message.contains("cut.h5: cut short: it has"))
      #expect(!failure.message.contains("\n"))
    }
  }

  /// Flipped bytes anywhere are told as bad data or give other values, but never a trap.
  @Test func damagedFilesNeverTrap() throws {
    let folder = try TemporaryFolder()
    let image = try exampleImage()
    var refused = 0
    for position in stride(from: 0, to: image.count, by: 13) {
      var damaged = image
      damaged[position] ^= 0xff
      do {
        let file = try File.open(try folder.write(damaged, to: "damaged.h5"))
        _ = try file.childNames(limit: 100)
        _ = try file.dataset("values").read(Double.self, limit: 10_000)
        let rows = try file.dataset("songs").readRecords(rows: 0..<1, limit: 10_000)
        _ = try rows.string(rows.textColumn("title"), row: 0)
      } catch let failure as Failure {
        #expect(failure.kind == .badData)
        refused += 1
      }
    }
    #expect(refused > 10)
  }

  @Test func missingObjectsAndOtherTypesAreNamed() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(exampleImage(), to: "song.h5")
    defer { withExtendedLifetime(folder) {} }
    let file = try File.open(path)
    let missing = try #require(throws: Failure.self) { try file.dataset("analysis/none") }
    #expect(missing.message == "\(path): no dataset /analysis/none in the file")
    let group = try #require(throws: Failure.self) { try file.dataset("analysis") }
    #expect(group.message == "\(path): /analysis is no dataset")
    let values = try file.dataset("values")
    let wrongType = try #require(throws: Failure.self) { try values.read(Int32.self, limit: 1000) }
    #expect(wrongType.message == "\(path): /values holds 64-bit float elements, expected 32-bit integers")
    let tooMany = try #require(throws: Failure.self) { try values.read(Double.self, limit: 99) }
    #expect(tooMany.message == "\(path): /values has 100 elements, expected at most 99")
    let outside = try #require(throws: Failure.self) { try values.read(Double.self, rows: 90..<101) }
    #expect(outside.kind == .badData)
    let text = try #require(throws: Failure.self) { try values.readStrings(limit: 100) }
    #expect(text.message == "\(path): /values holds 64-bit float elements, expected texts")
    let attribute = try #require(throws: Failure.self) { try file.textAttribute("none") }
    #expect(attribute.message == "\(path): / has no attribute none")
  }

  @Test func aWiderIntegerIsNotReadAsANarrowOne() throws {
    let file = try File.createInMemory(name: "integers")
    try file.createDataset("long", DatasetLayout(.int64, shape: [1])).write([Int64.max])
    #expect(throws: Failure.self) { try file.dataset("long").read(Int32.self, limit: 1) }
    #expect(throws: Failure.self) { try file.dataset("long").read(UInt8.self, limit: 1) }
    #expect(try file.dataset("long").read(Int64.self, limit: 1) == [.max])
  }

  @Test func aFolderThatIsMissingIsNamedWhenWriting() throws {
    let failure = try #require(throws: Failure.self) { try File.create("/no/such/folder/new.h5") }
    #expect(failure.kind == .missingInput)
    #expect(failure.message.hasSuffix("its folder /no/such/folder does not exist"))
  }

  private func exampleImage() throws -> [UInt8] {
    let file = try File.createInMemory(name: "example", growingBy: 4096)
    _ = try file.createGroup("analysis")
    try file.createDataset("values", DatasetLayout(.float64, shape: [100], chunk: [64], shuffle: true, deflate: 1))
      .write((0..<100).map { Double($0 % 7) })
    let type = RecordType([("year", .int32), ("title", .fixedString(bytes: 64, .ascii))])
    let table = try file.createDataset(
      "songs", DatasetLayout(.record(type), shape: [1], maximumShape: [.unlimited], chunk: [3], deflate: 1))
    var record = Record(type)
    try record.set("title", "Army of Me")
    try table.write(records: [record])
    defer { try? file.close() }
    return try file.image()
  }
}
