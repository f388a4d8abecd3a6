import ContentHashing
import Testing

@Suite struct ContentHashTests {
  /// Test vectors of the reference implementation (python-xxhash 3.5.0, seed 0).
  @Test func theHashIsXXH64() {
    func hash(_ bytes: [UInt8], pieces: Int = 1000) -> String {
      var hash = ContentHash()
      for start in stride(from: 0, to: bytes.count, by: pieces) {
        hash.append(Array(bytes[start..<min(start + pieces, bytes.count)]))
      }
      return hash.text
    }
    #expect(hash([]) == "ef46db3751d8e999")
    #expect(hash(Array("abc".utf8)) == "44bc2cf5ad770999")
    let long = (0..<101).map { UInt8($0 * 7 % 256) }
    for pieces in [1, 7, 31, 32, 33, 101] { #expect(hash(long, pieces: pieces) == "42312f4d55d9bd17") }
  }
}
