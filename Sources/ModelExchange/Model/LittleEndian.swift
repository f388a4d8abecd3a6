extension [UInt8] {
  /// Adds the bytes of numbers in single precision, lowest byte first on every machine.
  mutating func append(littleEndian values: [Float]) {
    reserveCapacity(count + 4 * values.count)
    for value in values {
      let bits = value.bitPattern
      for shift in stride(from: 0, to: 32, by: 8) { append(UInt8(truncatingIfNeeded: bits >> shift)) }
    }
  }
}
