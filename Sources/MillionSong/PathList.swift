// check-layers: raw memory, because a million names are sorted without copying each.

/// Many paths in little memory: their bytes one after the other.
///
/// A million paths of a track tree take about 40 MB; as strings they would take three times that.
public struct PathList: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  public init() {}

  public var count: Int { ends.count }

  public mutating func append(_ path: String) {
    bytes.append(contentsOf: path.utf8)
    ends.append(bytes.count)
  }

  public subscript(_ index: Int) -> String { String(decoding: bytes[range(of: index)], as: UTF8.self) }

  private func range(of index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  /// The bytes of the last component.
  private func nameRange(of index: Int) -> Range<Int> {
    let whole = range(of: index)
    let slash = bytes[whole].lastIndex(of: UInt8(ascii: "/"))
    return (slash.map { $0 + 1 } ?? whole.lowerBound)..<whole.upperBound
  }

  /// The paths in the order of their last components' bytes, those of one name in the order of the whole path; of
  /// equal paths one.
  public func sortedByName() -> PathList {
    let names = (0..<count).map(nameRange)
    let order = bytes.withUnsafeBufferPointer { bytes in
      (0..<count).sorted { first, second in
        switch PathList.compare(bytes[names[first]], bytes[names[second]]) {
        case 0: PathList.compare(bytes[range(of: first)], bytes[range(of: second)]) < 0
        case let sign: sign < 0
        }
      }
    }
    var sorted = PathList()
    sorted.bytes.reserveCapacity(bytes.count)
    sorted.ends.reserveCapacity(count)
    for (place, index) in order.enumerated() {
      if place > 0, bytes[range(of: order[place - 1])] == bytes[range(of: index)] { continue }
      sorted.bytes.append(contentsOf: bytes[range(of: index)])
      sorted.ends.append(sorted.bytes.count)
    }
    return sorted
  }

  /// The first path with this last component, in a list sorted by name.
  public func firstIndex(named name: String) -> Int? {
    var name = name
    return name.withUTF8 { name in
      bytes.withUnsafeBufferPointer { bytes in
        var low = 0
        var high = count
        while low < high {
          let middle = (low + high) / 2
          if PathList.compare(bytes[nameRange(of: middle)], name[...]) < 0 {
            low = middle + 1
          } else {
            high = middle
          }
        }
        guard low < count, PathList.compare(bytes[nameRange(of: low)], name[...]) == 0 else { return nil }
        return low
      }
    }
  }

  /// Whether two paths have the same last component.
  public func haveSameName(_ first: Int, _ second: Int) -> Bool {
    bytes[nameRange(of: first)] == bytes[nameRange(of: second)]
  }

  private static func compare(
    _ first: Slice<UnsafeBufferPointer<UInt8>>, _ second: Slice<UnsafeBufferPointer<UInt8>>
  )
    -> Int
  {
    for (a, b) in zip(first, second) where a != b { return a < b ? -1 : 1 }
    return first.count - second.count
  }
}
