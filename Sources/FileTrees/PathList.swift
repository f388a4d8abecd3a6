/// Many paths in little memory, in the order of their last components' bytes, those of one name in the order of the
/// whole path; of equal paths one.
///
/// A name is kept as what it does not share with the one before it, its folder as a number. So a million paths of a
/// track tree take 17 bytes each; as strings they would take a hundred.
public struct PathList: Sendable {
  /// By number; empty for the folder where the paths begin.
  package let folders: [String]
  /// The end of most names, which is not kept with each.
  let suffix: [UInt8]
  /// Paths that are packed by themselves, so that one is found without unpacking all before it.
  private let blocks: [PathBlock]
  /// Of each block: the place of its first path.
  private let starts: [Int]

  public let count: Int

  init(folders: [String], suffix: [UInt8], blocks: [PathBlock]) {
    self.folders = folders
    self.suffix = suffix
    self.blocks = blocks
    var starts: [Int] = []
    starts.reserveCapacity(blocks.count)
    var count = 0
    for block in blocks {
      starts.append(count)
      count += block.count
    }
    self.starts = starts
    self.count = count
  }

  /// Memory that the paths take.
  public var bytes: Int {
    blocks.reduce(0) { $0 + $1.bytes.capacity + PathBlock.overhead } + starts.capacity * 8
      + folders.reduce(0) { $0 + 16 + $1.utf8.count }
  }

  public subscript(_ index: Int) -> String {
    precondition(index >= 0 && index < count, "a path of the list")
    let block = partition(starts) { $0 <= index } - 1
    var reader = PathBlockReader(blocks[block], suffix: suffix)
    for _ in starts[block]...index { reader.advance() }
    return PathList.path(folders[reader.folder], reader.name)
  }

  /// The first path with this last component.
  public func firstIndex(named name: String) -> Int? {
    let name = Array(name.utf8)
    // The last block that begins with a lesser name: what is wanted is in it, or the next one begins with it.
    let following = partition(blocks) { block in
      var reader = PathBlockReader(block, suffix: suffix)
      reader.advance()
      return reader.name.lexicographicallyPrecedes(name)
    }
    for block in max(0, following - 1)..<min(blocks.count, following + 1) {
      var reader = PathBlockReader(blocks[block], suffix: suffix)
      for index in 0..<blocks[block].count {
        reader.advance()
        if reader.name == name { return starts[block] + index }
        if name.lexicographicallyPrecedes(reader.name) { return nil }
      }
    }
    return nil
  }

  static func path(_ folder: String, _ name: [UInt8]) -> String {
    let name = String(decoding: name, as: UTF8.self)
    return folder.isEmpty ? name : folder == "/" ? "/" + name : "\(folder)/\(name)"
  }
}

/// How many elements from the start on a condition holds for, which then holds for no other.
private func partition<Element>(_ elements: [Element], _ holds: (Element) -> Bool) -> Int {
  var (low, high) = (0, elements.count)
  while low < high {
    let middle = (low + high) / 2
    if holds(elements[middle]) { low = middle + 1 } else { high = middle }
  }
  return low
}

/// Up to 64 paths that follow one another: of each how many bytes of the name are those of the one before it, the
/// others, and the step to its folder's number.
struct PathBlock: Sendable {
  fileprivate(set) var bytes: [UInt8] = []
  fileprivate(set) var count = 0

  static let most = 64
  /// Memory that a block takes beside its bytes: an array's header, and its place among the blocks.
  static let overhead = 48
}

struct PathBlockReader {
  private let bytes: [UInt8]
  private let suffix: [UInt8]
  private var position = 0
  private(set) var name: [UInt8] = []
  private(set) var folder = 0

  init(_ block: PathBlock, suffix: [UInt8]) {
    bytes = block.bytes
    self.suffix = suffix
  }

  var isAtEnd: Bool { position == bytes.count }

  /// Goes on to the next path.
  mutating func advance() {
    let shared = number()
    name.removeSubrange(shared...)
    let length = number()
    name += bytes[position..<position + length >> 1]
    position += length >> 1
    if length & 1 == 1 { name += suffix }
    let step = number()
    folder += step & 1 == 0 ? step >> 1 : -(step >> 1) - 1
  }

  private mutating func number() -> Int {
    var value = 0
    var shift = 0
    while true {
      let byte = bytes[position]
      position += 1
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }
}

/// Packs paths that come in their order.
struct PathBlockWriter {
  private(set) var blocks: [PathBlock] = []
  private let suffix: [UInt8]
  private var open = PathBlock()
  private(set) var lastName: [UInt8] = []
  private(set) var lastFolder = -1

  init(suffix: [UInt8]) { self.suffix = suffix }

  /// Adds a path, but not the same again.
  mutating func append(folder: Int, name: [UInt8]) {
    if folder == lastFolder, name == lastName { return }
    if open.count == PathBlock.most { close() }
    let before = open.count == 0 ? [] : lastName
    let endsAsMost = name.count >= suffix.count && name.suffix(suffix.count).elementsEqual(suffix)
    let own = endsAsMost ? name.count - suffix.count : name.count
    let shared = zip(before, name).prefix { $0.0 == $0.1 }.prefix(own).count
    write(shared)
    write((own - shared) << 1 | (endsAsMost ? 1 : 0))
    open.bytes += name[shared..<own]
    let step = folder - (open.count == 0 ? 0 : lastFolder)
    write(step >= 0 ? step << 1 : (-step - 1) << 1 | 1)
    open.count += 1
    (lastName, lastFolder) = (name, folder)
  }

  private mutating func write(_ number: Int) {
    var rest = number
    while rest >= 0x80 {
      open.bytes.append(UInt8(rest & 0x7F | 0x80))
      rest >>= 7
    }
    open.bytes.append(UInt8(rest))
  }

  /// All blocks; to be called when no path follows.
  mutating func finish() -> [PathBlock] {
    close()
    return blocks
  }

  private mutating func close() {
    guard open.count > 0 else { return }
    // A copy that has no room to spare.
    var packed: [UInt8] = []
    packed.reserveCapacity(open.bytes.count)
    packed += open.bytes
    blocks.append(PathBlock(bytes: packed, count: open.count))
    open.bytes.removeAll(keepingCapacity: true)
    open.count = 0
  }
}
