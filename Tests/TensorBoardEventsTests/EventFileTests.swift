import Foundation
import TensorBoardEvents
import Testing

/// Known answers of RFC 3720, appendix B.4.
@Test(arguments: [
  ([UInt8](repeating: 0, count: 32), UInt32(0x8A91_36AA)),
  ([UInt8](repeating: 0xFF, count: 32), UInt32(0x62A8_AB43)),
  ([UInt8](0..<32), UInt32(0x46DD_794E)),
  ([UInt8]((0..<32).reversed()), UInt32(0x113F_DB5C)),
  ([UInt8]("123456789".utf8), UInt32(0xE306_9283)),
])
func checksumIsTheStandards(bytes: [UInt8], expected: UInt32) {
  #expect(CRC32C.checksum(of: bytes) == expected)
}

@Test func recordFramesDataWithItsLengthAndTwoMaskedChecksums() {
  let record = Record.framed([UInt8]("123456789".utf8))
  #expect(record.count == 8 + 4 + 9 + 4)
  #expect(record.prefix(8) == [9, 0, 0, 0, 0, 0, 0, 0])
  #expect(Array(record[12..<21]) == [UInt8]("123456789".utf8))
  // ((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8, modulo 2^32.
  let rotated: UInt32 = 0xE306_9283 >> 15 | 0xE306_9283 << 17
  let expected = rotated &+ 0xA282_EAD8
  #expect(Array(record.suffix(4)) == (0..<4).map { UInt8(truncatingIfNeeded: expected >> ($0 * 8)) })
}

@Test func filesOfOneFolderDoNotCollideAndBeginWithTheFormatVersion() throws {
  let folder = FileManager.default.temporaryDirectory.path + "/events-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let first = try EventFile(folder: folder)
  let second = try EventFile(folder: folder, resumedAt: 7)
  #expect(first.path != second.path)
  try first.write([("loss", 0.5), ("undefined", .nan)], step: 3)
  let bytes = try Data(contentsOf: URL(fileURLWithPath: first.path))
  #expect(bytes.range(of: Data("brain.Event:2".utf8)) != nil)
  #expect(bytes.range(of: Data("loss".utf8)) != nil)
  #expect(bytes.range(of: Data("undefined".utf8)) == nil, "TensorBoard cannot draw NaN")
}
