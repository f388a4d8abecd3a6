import HDF5
import TestFolders
import Testing

/// Rows read past HDF5's own filters are those that it reads.
@Suite struct DeflatedReadingTests {
  private let folder: TemporaryFolder
  private let values = (0..<1200).map { Double(($0 * 7919) % 1001) / 1000 }

  init() throws { folder = try TemporaryFolder() }

  private func stored(_ layout: DatasetLayout, _ values: [Double]) throws -> Dataset {
    let file = try File.create(folder.file("values.h5"))
    try file.createDataset("values", layout).write(values)
    try file.close()
    return try File.open(folder.file("values.h5")).dataset("values")
  }

  @Test(arguments: [
    (chunk: [85, 12], shuffle: true), (chunk: [85, 12], shuffle: false), (chunk: [1, 12], shuffle: true),
    (chunk: [100, 12], shuffle: true), (chunk: [37, 5], shuffle: true), (chunk: [1000, 12], shuffle: true),
  ]) func anyRowsEqualThoseThatTheLibraryReads(chunk: [Int], shuffle: Bool) throws {
    let dataset = try stored(
      DatasetLayout(
        .float64, shape: [100, 12], maximumShape: [.unlimited, .fixed(12)], chunk: chunk, shuffle: shuffle,
        deflate: 1), values)
    for rows in [0..<100, 0..<1, 99..<100, 3..<96, 84..<86, 85..<85, 0..<85, 7..<16] {
      let block = try dataset.read(Double.self, from: [rows.lowerBound, 0], count: [rows.count, 12])
      #expect(try dataset.read(Double.self, rows: rows) == block)
      #expect(block == Array(values[rows.lowerBound * 12..<rows.upperBound * 12]))
    }
    #expect(throws: (any Error).self) { try dataset.read(Double.self, rows: 50..<101) }
    #expect(throws: (any Error).self) { try dataset.read(Double.self, rows: -1..<5) }
  }

  @Test func otherTypesAreConvertedByTheLibrary() throws {
    let file = try File.create(folder.file("floats.h5"))
    let layout = DatasetLayout(.float32, shape: [9], chunk: [4], shuffle: true, deflate: 9)
    try file.createDataset("floats", layout).write((0..<9).map(Float.init))
    try file.close()
    let dataset = try File.open(folder.file("floats.h5")).dataset("floats")
    #expect(try dataset.read(Double.self, rows: 2..<7) == [2, 3, 4, 5, 6])
    #expect(try dataset.read(Float.self, rows: 2..<9) == [2, 3, 4, 5, 6, 7, 8])
  }

  @Test func rowsNeverWrittenAreZero() throws {
    let file = try File.create(folder.file("sparse.h5"))
    let dataset = try file.createDataset(
      "sparse",
      DatasetLayout(.float64, shape: [40], maximumShape: [.unlimited], chunk: [10], shuffle: true, deflate: 1))
    try dataset.write([5.0], from: [25], count: [1])
    try file.close()
    let again = try File.open(folder.file("sparse.h5")).dataset("sparse")
    #expect(try again.read(Double.self, rows: 20..<40) == [0, 0, 0, 0, 0, 5] + Array(repeating: 0, count: 14))
  }

  @Test func recordsEqualThoseThatWereWritten() throws {
    let type = RecordType([("number", .int32), ("text", .fixedString(bytes: 9, .ascii)), ("real", .float64)])
    let file = try File.create(folder.file("table.h5"))
    let table = try file.createDataset(
      "table",
      DatasetLayout(
        .record(type), shape: [7], maximumShape: [.unlimited], chunk: [3], shuffle: true, deflate: 1))
    try table.write(
      records: (0..<7).map { index in
        var record = Record(type)
        try record.set("number", Int32(index))
        try record.set("text", "song \(index)")
        try record.set("real", Double(index) / 4)
        return record
      })
    try file.close()
    let again = try File.open(folder.file("table.h5")).dataset("table")
    for range in [0..<7, 2..<4, 6..<7] {
      let rows = try again.readRecords(rows: range, limit: 1000)
      let (number, text) = (try rows.column("number", of: Int32.self), try rows.textColumn("text"))
      for index in range {
        #expect(rows.value(number, row: index - range.lowerBound, as: Int32.self) == Int32(index))
        #expect(rows.string(text, row: index - range.lowerBound) == "song \(index)")
      }
      #expect(rows.hasColumn("real") && !rows.hasColumn("none"))
    }
    #expect(throws: (any Error).self) { try again.readRecords(rows: 5..<8, limit: 1000) }
  }

  @Test func aDamagedChunkIsAnErrorThatNamesIt() throws {
    _ = try stored(DatasetLayout(.float64, shape: [100, 12], chunk: [50, 12], shuffle: true, deflate: 1), values)
    var bytes = try folder.read("values.h5")
    // What deflate's first level makes begins with 78 01.
    let starts = bytes.indices.dropLast(100).filter { bytes[$0] == 0x78 && bytes[$0 + 1] == 0x01 }
    let start = try #require(starts.first)
    for index in start + 40..<start + 60 { bytes[index] ^= 0x55 }
    try folder.write(bytes, to: "values.h5")
    let dataset = try File.open(folder.file("values.h5")).dataset("values")
    let error = #expect(throws: (any Error).self) { try dataset.read(Double.self, rows: 0..<100) }
    #expect("\(error!)".contains("cannot be unpacked"), "\(error!)")
  }
}
