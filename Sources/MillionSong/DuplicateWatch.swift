/// The track ids seen so far in the whole job, 16 bytes each; every rank holds the same.
struct DuplicateWatch {
  fileprivate struct PackedID: Hashable {
    var high: UInt64
    var low: UInt64
  }

  private var seen: Set<PackedID> = []

  /// Whether this id is new; from now on it is not.
  mutating func isNew(_ trackID: String) -> Bool { seen.insert(PackedID(packing: trackID)).inserted }
}

extension DuplicateWatch.PackedID {
  /// Five letters in base 26 and eleven hexadecimal digits: 68 bits, so that different well-formed ids differ.
  fileprivate init(packing trackID: String) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (index, byte) in trackID.utf8.dropFirst(2).enumerated() {
      if index < 5 {
        high = high &* 26 &+ UInt64(byte &- UInt8(ascii: "A"))
      } else {
        low =
          low << 4 | UInt64(byte <= UInt8(ascii: "9") ? byte - UInt8(ascii: "0") : byte - UInt8(ascii: "A") + 10)
      }
    }
    self.init(high: high, low: low)
  }
}
