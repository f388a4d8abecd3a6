/// A number of bytes in words: `12.30 GiB`, `7.5 MiB`, `512 bytes`.
public func inBinaryUnits(_ bytes: Int) -> String {
  let units: [(name: String, size: Double, places: Double)] = [
    ("TiB", 0x1p40, 100), ("GiB", 0x1p30, 100), ("MiB", 0x1p20, 10), ("KiB", 0x1p10, 10),
  ]
  guard let unit = units.first(where: { Double(bytes) >= $0.size }) else { return "\(bytes) bytes" }
  return "\((Double(bytes) / unit.size * unit.places).rounded() / unit.places) \(unit.name)"
}
