import Texts

/// Puts paths in order as they come, in little more memory than the list takes in the end.
///
/// A few thousand at a time are sorted and packed; what overlaps is merged when all are there.
package struct PathCollector {
  private let suffix: [UInt8]
  private var folders: [String] = []
  private var numbers: [ExactText: Int] = [:]
  private var lastFolder = ""
  private var lastNumber = -1
  private var waiting: [PathOrder.Path] = []
  private var runs: [Run] = []

  private struct Run {
    var first: PathOrder.Path
    var last: PathOrder.Path
    var blocks: [PathBlock]
  }

  /// Paths that are sorted at once.
  private static let mostWaiting = 16_384

  /// - Parameter suffix: what most names end in.
  package init(suffix: String = "") { self.suffix = Array(suffix.utf8) }

  package mutating func append(_ path: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return append(path, in: "") }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    append(String(path[path.utf8.index(after: slash)...]), in: folder)
  }

  /// Adds a file of a folder.
  package mutating func append(_ name: String, in folder: String) {
    if lastNumber < 0 || !folder.utf8.elementsEqual(lastFolder.utf8) {
      lastFolder = folder
      lastNumber = number(of: folder)
    }
    waiting.append((Int32(lastNumber), Array(name.utf8)))
    if waiting.count == PathCollector.mostWaiting { sortWaiting() }
  }

  private mutating func number(of folder: String) -> Int {
    if let known = numbers[ExactText(folder)] { return known }
    folders.append(folder)
    numbers[ExactText(folder)] = folders.count - 1
    return folders.count - 1
  }

  private mutating func sortWaiting() {
    guard !waiting.isEmpty else { return }
    let order = PathOrder(folders: folders)
    waiting.sort { order.precedes($0, $1) }
    var writer = PathBlockWriter(suffix: suffix)
    for path in waiting { writer.append(folder: Int(path.folder), name: path.name) }
    runs.append(Run(first: waiting[0], last: waiting[waiting.count - 1], blocks: writer.finish()))
    waiting.removeAll(keepingCapacity: true)
  }

  /// All paths in order, each once; none is left here.
  package mutating func takeSorted() -> PathList {
    defer { self = PathCollector(suffix: String(decoding: suffix, as: UTF8.self)) }
    sortWaiting()
    let order = PathOrder(folders: folders)
    runs.sort { order.precedes($0.first, $1.first) }
    let isInOrder = zip(runs, runs.dropFirst()).allSatisfy { order.precedes($0.last, $1.first) }
    let blocks = isInOrder ? runs.flatMap(\.blocks) : merged(order)
    return PathList(folders: folders, suffix: suffix, blocks: blocks)
  }

  /// Goes through all runs at once, giving up each block that is done with.
  private mutating func merged(_ order: PathOrder) -> [PathBlock] {
    var cursors = runs.map { RunCursor($0.blocks, suffix: suffix) }
    runs = []
    // A heap: the cursor at the lesser path above those at 2i + 1 and 2i + 2.
    func sink(_ start: Int) {
      var place = start
      while true {
        var least = place
        for child in [2 * place + 1, 2 * place + 2] where child < cursors.count {
          if order.precedes(cursors[child].path, cursors[least].path) { least = child }
        }
        if least == place { return }
        cursors.swapAt(place, least)
        place = least
      }
    }
    for place in cursors.indices.reversed() { sink(place) }
    var writer = PathBlockWriter(suffix: suffix)
    while !cursors.isEmpty {
      let path = cursors[0].path
      writer.append(folder: Int(path.folder), name: path.name)
      if !cursors[0].advance() {
        cursors.swapAt(0, cursors.count - 1)
        cursors.removeLast()
      }
      if !cursors.isEmpty { sink(0) }
    }
    return writer.finish()
  }
}

/// A place in a run of blocks; those behind it are given up.
private struct RunCursor {
  private var left: [PathBlock]
  private let suffix: [UInt8]
  private var reader: PathBlockReader

  init(_ blocks: [PathBlock], suffix: [UInt8]) {
    self.suffix = suffix
    left = blocks.reversed()
    reader = PathBlockReader(left.removeLast(), suffix: suffix)
    reader.advance()
  }

  var path: PathOrder.Path { (Int32(reader.folder), reader.name) }

  /// Goes on to the next path; returns whether there is one.
  mutating func advance() -> Bool {
    if reader.isAtEnd {
      guard let next = left.popLast() else { return false }
      reader = PathBlockReader(next, suffix: suffix)
    }
    reader.advance()
    return true
  }
}

/// Paths as a collector holds them, and which comes first.
private struct PathOrder {
  typealias Path = (folder: Int32, name: [UInt8])

  let folders: [String]

  func precedes(_ first: Path, _ second: Path) -> Bool {
    if first.name != second.name { return first.name.lexicographicallyPrecedes(second.name) }
    guard first.folder != second.folder else { return false }
    let paths = [first, second].map { ExactText(PathList.path(folders[Int($0.folder)], $0.name)) }
    return paths[0] < paths[1]
  }
}
