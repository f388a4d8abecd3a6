import HDF5
import TestFolders
import Testing

@Suite struct RoundTripTests {
  @Test func numbersOfEveryTypeComeBackAsWritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("numbers.h5")
    let file = try File.create(path)
    try file.createDataset("bytes", DatasetLayout(.uint8, shape: [3])).write([1, 2, 255] as [UInt8])
    try file.createDataset("shorts", DatasetLayout(.uint16, shape: [2])).write([0, 65535] as [UInt16])
    try file.createDataset("words", DatasetLayout(.int32, shape: [2])).write([Int32.min, .max])
    try file.createDataset("longs", DatasetLayout(.int64, shape: [1])).write([Int64.min])
    try file.createDataset("floats", DatasetLayout(.float32, shape: [2])).write([Float.pi, -0])
    let group = try file.createGroup("deep")
    try group.createDataset("doubles", DatasetLayout(.float64, shape: [2, 2])).write([1.5, 2, .infinity, -1e300])
    try file.close()

    let again = try File.open(path)
    #expect(try again.dataset("bytes").read(UInt8.self, limit: 3) == [1, 2, 255])
    #expect(try again.dataset("shorts").read(UInt16.self, limit: 3) == [0, 65535])
    #expect(try again.dataset("words").read(Int32.self, limit: 3) == [.min, .max])
    #expect(try again.dataset("longs").readScalar(Int64.self) == .min)
    #expect(
      try again.dataset("floats").read(Float.self, limit: 3).map(\.bitPattern) == [Float.pi, -0].map(\.bitPattern))
    let doubles = try again.group("deep").dataset("doubles")
    #expect(doubles.shape == [2, 2])
    #expect(doubles.name == "/deep/doubles")
    #expect(try doubles.read(Double.self, limit: 4) == [1.5, 2, .infinity, -1e300])
    #expect(try again.dataset("deep/doubles").read(Double.self, rows: 1..<2) == [.infinity, -1e300])
    #expect(try again.childNames() == ["bytes", "deep", "floats", "longs", "shorts", "words"])
    #expect(again.kind(of: "deep/doubles") == .dataset)
    #expect(again.kind(of: "deep/none/at/all") == nil)
  }

  @Test func blocksAreWrittenAndReadWhereAsked() throws {
    let file = try File.createInMemory(name: "blocks")
    let dataset = try file.createDataset(
      "block",
      DatasetLayout(
        .float32, shape: [4, 5], maximumShape: [.unlimited, .fixed(5)], chunk: [2, 5], shuffle: true, deflate: 1))
    try dataset.write((0..<20).map(Float.init))
    try dataset.write([-1, -2] as [Float], from: [1, 3], count: [2, 1])
    try dataset.write([] as [Float], from: [4, 0], count: [0, 5])
    #expect(try dataset.read(Float.self, from: [1, 2], count: [2, 3]) == [7, -1, 9, 12, -2, 14])
    #expect(try dataset.read(Float.self, rows: 2..<2).isEmpty)
    let storage = try dataset.storage()
    #expect(storage.chunk == [2, 5])
    #expect(storage.filters.map(\.name) == ["shuffle", "deflate"])
    #expect(storage.filters.map(\.parameters) == [[4], [1]])
  }

  @Test func textsComeBackFixedOrFull() throws {
    let file = try File.createInMemory(name: "texts")
    let names = ["rock", "Björk", "", "exactly ten"]
    let dataset = try file.createDataset("names", DatasetLayout(.fixedString(bytes: 11), shape: [4]))
    try dataset.write(strings: names)
    #expect(try dataset.readStrings(limit: 4) == names)
    #expect(try dataset.readStrings(rows: 1..<2) == ["Björk"])
    let single = try file.createDataset("single", DatasetLayout(.fixedString(bytes: 3), shape: []))
    try single.write(strings: ["abc"])
    #expect(try single.readStrings(limit: 1) == ["abc"])
    #expect(throws: (any Error).self) { try dataset.write(strings: ["twelve chars", "", "", ""]) }
  }

  @Test func attributesComeBack() throws {
    let file = try File.createInMemory(name: "attributes")
    try file.setAttribute("CLASS", "GROUP", characters: .ascii)
    try file.setAttribute("count", Int64(65793))
    try file.setAttribute("share", [0.25, 0.5])
    try file.setAttribute("empty", "")
    try file.setAttribute("count", Int64(7))
    #expect(try file.textAttribute("CLASS") == "GROUP")
    #expect(try file.textAttribute("empty") == "")
    #expect(try file.attribute("count", as: Int64.self) == 7)
    #expect(try file.attributes("share", as: Double.self) == [0.25, 0.5])
    #expect(file.hasAttribute("count") && !file.hasAttribute("none"))
  }

  @Test func fieldsOfRecordsComeBack() throws {
    let type = RecordType([("year", .int32), ("title", .fixedString(bytes: 8, .ascii)), ("tempo", .float64)])
    #expect(type.fields.map(\.offset) == [0, 4, 12])
    let file = try File.createInMemory(name: "records")
    let table = try file.createDataset("songs", DatasetLayout(.record(type), shape: [2]))
    var first = Record(type)
    try first.set("title", "Army")
    var second = Record(type)
    try second.set("year", Int32(1983))
    try second.set("title", "12345678")
    try second.set("tempo", 121.5)
    try table.write(records: [first, second])
    let rows = try table.readRecords(rows: 0..<2, limit: 40)
    let title = try rows.textColumn("title")
    #expect(rows.string(title, row: 0) == "Army")
    #expect(rows.string(title, row: 1) == "12345678")
    #expect(try rows.value(rows.column("year", of: Int32.self), row: 1, as: Int32.self) == 1983)
    #expect(try rows.value(rows.column("tempo", of: Double.self), row: 1, as: Double.self) == 121.5)
    #expect(throws: (any Error).self) { try rows.textColumn("none") }
    #expect(throws: (any Error).self) { try rows.textColumn("year") }
    #expect(throws: (any Error).self) { try table.readRecords(rows: 0..<2, limit: 39) }
  }

  @Test func anImageInMemoryReadsLikeTheFile() throws {
    let folder = try TemporaryFolder()
    let file = try File.createInMemory(name: "image")
    try file.createDataset("values", DatasetLayout(.float64, shape: [3])).write([1.0, 2, 3])
    let image = try file.image()
    try file.close()
    try folder.write(image, to: "image.h5")
    #expect(try File.open(folder.file("image.h5")).dataset("values").read(Double.self, limit: 3) == [1, 2, 3])
  }
}
