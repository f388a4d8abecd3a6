import Diagnosis

// check-layers: raw memory, because hashing copies of 30 MB of weights would double a checkpoint's memory.

/// XXH64, Yann Collet's 64-bit hash for finding damage (not for secrets), with seed 0.
///
/// Bytes may come in pieces of any length; the result depends on the bytes alone. Specification:
/// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
public struct ContentHash: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  private typealias Lanes = (UInt64, UInt64, UInt64, UInt64)

  private var lanes: Lanes = (prime1 &+ prime2, prime2, 0, 0 &- prime1)
  private var pending: [UInt8] = []
  private var total: UInt64 = 0

  public init() {}

  /// Takes in more bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    total &+= UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let missing = min(32 - pending.count, rest.count)
      pending.append(contentsOf: rest.prefix(missing))
      rest = rest.dropFirst(missing)
      guard pending.count == 32 else { return }
      pending.withUnsafeBytes { lanes = Self.lanes(after: $0, lanes) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count & ~31
    lanes = Self.lanes(after: UnsafeRawBufferPointer(rebasing: rest.prefix(whole)), lanes)
    pending.append(contentsOf: rest.dropFirst(whole))
  }

  /// Takes in numbers as they lie in memory.
  public mutating func append<Number: BitwiseCopyable>(_ numbers: [Number]) {
    numbers.withUnsafeBytes { append($0) }
  }

  /// Takes in a text's UTF-8 bytes.
  public mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Takes in one number, little-endian.
  public mutating func append(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { append($0) }
  }

  /// The hash of all bytes so far.
  public var value: UInt64 {
    var hash =
      total >= 32
      ? mergedLanes : Self.prime5
    hash &+= total
    var rest = pending[...]
    while rest.count >= 8 {
      let word = Self.word(rest.prefix(8))
      hash ^= Self.round(0, word)
      hash = Self.rotate(hash, 27) &* Self.prime1 &+ Self.prime4
      rest = rest.dropFirst(8)
    }
    if rest.count >= 4 {
      hash ^= Self.word(rest.prefix(4)) &* Self.prime1
      hash = Self.rotate(hash, 23) &* Self.prime2 &+ Self.prime3
      rest = rest.dropFirst(4)
    }
    for byte in rest {
      hash ^= UInt64(byte) &* Self.prime5
      hash = Self.rotate(hash, 11) &* Self.prime1
    }
    hash = (hash ^ hash >> 33) &* Self.prime2
    hash = (hash ^ hash >> 29) &* Self.prime3
    return hash ^ hash >> 32
  }

  /// The hash as 16 hexadecimal digits.
  public var text: String {
    String(value, radix: 16).leftPadded(to: 16, with: "0")
  }

  private var mergedLanes: UInt64 {
    var hash =
      Self.rotate(lanes.0, 1) &+ Self.rotate(lanes.1, 7) &+ Self.rotate(lanes.2, 12) &+ Self.rotate(lanes.3, 18)
    for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
      hash = (hash ^ Self.round(0, lane)) &* Self.prime1 &+ Self.prime4
    }
    return hash
  }

  /// The lanes after stripes of 32 bytes each. Four numbers, not a vector: processors multiply 64 bits faster so, and the
  /// hash is to keep up with memory.
  private static func lanes(after stripes: UnsafeRawBufferPointer, _ before: Lanes) -> Lanes {
    var lanes = before
    for start in stride(from: 0, to: stripes.count, by: 32) {
      lanes.0 = round(lanes.0, word(stripes, at: start))
      lanes.1 = round(lanes.1, word(stripes, at: start + 8))
      lanes.2 = round(lanes.2, word(stripes, at: start + 16))
      lanes.3 = round(lanes.3, word(stripes, at: start + 24))
    }
    return lanes
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, at position: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* prime2, 31) &* prime1
  }

  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
