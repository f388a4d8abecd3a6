/// Many well-formed track ids in little memory: 10 to 14 bytes each.
///
/// An id is 68 bits: five letters, which are a number of 24 bits, and eleven hexadecimal digits. Four of the bits choose one of
/// sixteen tables, the others are the key in it. So different ids differ, and only a sixteenth is ever copied at once.
package struct TrackIDSet: Sendable {
  private var tables = [KeyTable](repeating: KeyTable(), count: 16)

  package init() {}

  package var count: Int { tables.reduce(0) { $0 + $1.count } }

  /// Memory that the keys take.
  package var bytes: Int { tables.reduce(0) { $0 + $1.bytes } }

  /// Adds an id; returns whether it is new.
  @discardableResult
  package mutating func insert(_ trackID: String) -> Bool {
    let (table, key) = TrackIDSet.place(of: trackID)
    return tables[table].insert(key)
  }

  package func contains(_ trackID: String) -> Bool {
    let (table, key) = TrackIDSet.place(of: trackID)
    return tables[table].contains(key)
  }

  private static func place(of trackID: String) -> (table: Int, key: UInt64) {
    var letters: UInt64 = 0
    var digits: UInt64 = 0
    for (index, byte) in trackID.utf8.dropFirst(2).enumerated() {
      if index < 5 {
        letters = letters &* 26 &+ UInt64(byte &- UInt8(ascii: "A"))
      } else {
        digits =
          digits << 4
          | UInt64(byte <= UInt8(ascii: "9") ? byte &- UInt8(ascii: "0") : byte &- UInt8(ascii: "A") &+ 10)
      }
    }
    return (Int(letters & 15), (letters >> 4) << 44 | digits)
  }
}

/// A set of 64-bit keys: a table with open addresses, at most four fifths full, that grows by a quarter.
private struct KeyTable {
  /// 0 where there is none.
  private var slots: [UInt64] = []
  private var hasZero = false
  private var used = 0

  var count: Int { used + (hasZero ? 1 : 0) }
  var bytes: Int { slots.capacity * 8 }

  func contains(_ key: UInt64) -> Bool {
    if key == 0 { return hasZero }
    return !slots.isEmpty && slots[slot(of: key)] == key
  }

  mutating func insert(_ key: UInt64) -> Bool {
    if key == 0 {
      defer { hasZero = true }
      return !hasZero
    }
    if used * 5 >= slots.count * 4 { grow() }
    let slot = slot(of: key)
    guard slots[slot] == 0 else { return false }
    slots[slot] = key
    used += 1
    return true
  }

  /// Where a key is, or would be.
  private func slot(of key: UInt64) -> Int {
    // SplitMix64's last steps: any bits of the key tell on all of the result.
    var mixed = (key ^ key >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    mixed ^= mixed >> 31
    var slot = Int(mixed.multipliedFullWidth(by: UInt64(slots.count)).high)
    while slots[slot] != 0, slots[slot] != key {
      slot += 1
      if slot == slots.count { slot = 0 }
    }
    return slot
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: max(16, old.count + old.count / 4))
    for key in old where key != 0 { slots[slot(of: key)] = key }
  }
}
