import Diagnosis

/// FNV-1a, 64 bits: the same on every machine and in every run, which the standard hash is not.
package struct Fingerprint {
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  /// 16 hexadecimal digits.
  package var text: String {
    String(value, radix: 16).leftPadded(to: 16, with: "0")
  }

  /// Adds a text and an end mark.
  package mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0)
  }

  private mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  package static func of(_ text: String) -> UInt64 {
    var hash = Fingerprint()
    for byte in text.utf8 { hash.add(byte) }
    return hash.value
  }
}
