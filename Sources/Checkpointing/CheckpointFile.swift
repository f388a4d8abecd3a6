import Diagnosis
import FileAccess
import HDF5
import Isolation

/// What the attribute `format` of every checkpoint says.
private let formatName = "crnn-dist checkpoint"

/// The groups that hold everything but arrays.
private let reservedGroups = ["texts", "lists", "integers", "numbers"]

/// More names than any group of a checkpoint has.
private let mostNames = 100_000

extension Checkpoint {
  /// Writes the checkpoint to `path`, atomically: readers see the old file or the whole new one, whatever
  /// happens in between. Equal contents give equal bytes.
  ///
  /// - Parameters:
  ///   - path: of the file, for messages too.
  ///   - memory: where the file is made before it is written; one that is kept makes the next file quicker.
  /// - Throws: `.fault`, which says so where the disk is full; the old file is then as it was.
  public func write(to path: String, by memory: ImageMemory = ImageMemory()) throws {
    let contents = arrays.values.reduce(0) { $0 + $1.values.count * 4 }
    let file = try File.createInMemory(name: path, growingBy: contents + (256 << 10), in: memory)
    defer { try? file.close() }
    try file.setAttribute("format", formatName)
    try file.setAttribute("format_version", Int64(Self.formatVersion))
    try file.setAttribute("checksum", checksum)
    try writeSmallParts(to: file)
    for (path, array) in arrays.sorted(by: { $0.key < $1.key }) { try write(array, path, to: file) }
    try file.withImage { try replaceFile(path, with: $0) }
  }

  private func writeSmallParts(to file: File) throws {
    let textGroup = try file.createGroup("texts")
    for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
      let layout = DatasetLayout(.fixedString(bytes: max(text.utf8.count, 1)), shape: [])
      try textGroup.createDataset(name, layout).write(strings: [text])
    }
    let listGroup = try file.createGroup("lists")
    for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
      let longest = list.map(\.utf8.count).max() ?? 1
      let layout = DatasetLayout(.fixedString(bytes: max(longest, 1)), shape: [list.count])
      try listGroup.createDataset(name, layout).write(strings: list)
    }
    // Single values are datasets, not attributes: a group lists them, and any HDF5 tool shows them.
    let integerGroup = try file.createGroup("integers")
    for (name, value) in integers.sorted(by: { $0.key < $1.key }) {
      try integerGroup.createDataset(name, DatasetLayout(.int64, shape: [])).write([Int64(value)])
    }
    let numberGroup = try file.createGroup("numbers")
    for (name, value) in numbers.sorted(by: { $0.key < $1.key }) {
      try numberGroup.createDataset(name, DatasetLayout(.float64, shape: [])).write([value])
    }
  }

  private func write(_ array: FloatArray, _ path: String, to file: File) throws {
    let steps = path.split(separator: "/").map(String.init)
    guard steps.count > 1, !reservedGroups.contains(steps[0]), steps.joined(separator: "/") == path else {
      throw Failure(.fault, "a checkpoint's array must be named group/name, not \(path)")
    }
    guard array.values.count == array.shape.reduce(1, *) else {
      throw Failure(.fault, "\(path) has \(array.values.count) values, which is not the shape \(array.shape)")
    }
    var group: Group = file
    for step in steps.dropLast() {
      group = group.contains(step) ? try group.group(step) : try group.createGroup(step)
    }
    try group.createDataset(steps[steps.count - 1], DatasetLayout(.float32, shape: array.shape))
      .write(array.values)
  }
}

extension Checkpoint {
  /// Reads a checkpoint and verifies its checksum. It is tried first by another process, since damage can make the
  /// library crash before any checksum is looked at.
  ///
  /// - Throws: `.missingInput` where there is no such file; `.badData` where it is no checkpoint, is damaged, or
  ///   was written by a newer program.
  /// - Parameters:
  ///   - path: of the file, for messages too.
  ///   - trials: tries it; one serves many files.
  public static func read(_ path: String, _ trials: TrialProcess = TrialProcess()) throws -> Checkpoint {
    try trials.run(TrialName.read, on: path)
    let file = try File.open(path)
    let version = try formatVersion(of: file)
    guard version <= Int64(formatVersion) else { throw newerFailure(path, version) }
    // Nothing in a file is larger than the file: what claims to be is damaged.
    let limit = try file.bytes()
    var checkpoint = Checkpoint()
    checkpoint.source = path
    try checkpoint.readSmallParts(of: file, limit: limit)
    for name in try file.childNames(limit: mostNames) where !reservedGroups.contains(name) {
      try checkpoint.readArrays(of: file.group(name), path: name, limit: limit / 4, depth: 0)
    }
    let recorded = try file.textAttribute("checksum")
    guard recorded == checkpoint.checksum else {
      throw Failure(
        .badData,
        "\(path): damaged: its contents have the checksum \(checkpoint.checksum), written was \(recorded)")
    }
    return checkpoint
  }

  /// The format version and the step of a checkpoint, without reading or verifying the rest.
  static func head(ofFile path: String, _ trials: TrialProcess) throws -> (version: Int64, step: Int) {
    try trials.run(TrialName.head, on: path)
    let file = try File.open(path)
    let version = try formatVersion(of: file)
    guard version <= Int64(formatVersion) else { return (version, 0) }
    return (version, Int(try file.dataset("integers/step").readScalar(Int64.self)))
  }

  /// What is tried of a file before it is done.
  public static let trials: [String: TrialProcess.Trial] = [
    TrialName.read: { _ = try read($0) }, TrialName.head: { _ = try head(ofFile: $0, TrialProcess()) },
  ]

  private enum TrialName {
    static let read = "checkpoint"
    static let head = "head of checkpoint"
  }

  static func newerFailure(_ path: String, _ version: Int64) -> Failure {
    Failure(
      .badData,
      "\(path): written by a newer program: its format version is \(version), this one reads up to "
        + "\(formatVersion)", remedy: "use the crnn-dist that wrote it")
  }

  private static func formatVersion(of file: File) throws -> Int64 {
    guard file.hasAttribute("format"), try file.textAttribute("format") == formatName else {
      throw Failure(.badData, "\(file.filePath): an HDF5 file, but no checkpoint of this program")
    }
    let version = try file.attribute("format_version", as: Int64.self)
    guard version >= 1 else { throw Failure(.badData, "\(file.filePath): damaged: format version \(version)") }
    return version
  }

  private mutating func readSmallParts(of file: File, limit: Int) throws {
    let textGroup = try file.group("texts")
    for name in try textGroup.childNames(limit: mostNames) {
      texts[name] = try textGroup.dataset(name).readStrings(limit: 1, byteLimit: limit).first ?? ""
    }
    let listGroup = try file.group("lists")
    for name in try listGroup.childNames(limit: mostNames) {
      lists[name] = try listGroup.dataset(name).readStrings(limit: limit, byteLimit: limit)
    }
    let integerGroup = try file.group("integers")
    for name in try integerGroup.childNames(limit: mostNames) {
      integers[name] = Int(try integerGroup.dataset(name).readScalar(Int64.self))
    }
    let numberGroup = try file.group("numbers")
    for name in try numberGroup.childNames(limit: mostNames) {
      numbers[name] = try numberGroup.dataset(name).readScalar(Double.self)
    }
  }

  private mutating func readArrays(of group: Group, path: String, limit: Int, depth: Int) throws {
    // A damaged link can lead back to a group above.
    guard depth < 8 else { throw Failure(.badData, "\(group.filePath): damaged: groups within groups at \(path)") }
    for name in try group.childNames(limit: mostNames) {
      if group.kind(of: name) == .group {
        try readArrays(of: group.group(name), path: path + "/" + name, limit: limit, depth: depth + 1)
      } else {
        let dataset = try group.dataset(name)
        arrays[path + "/" + name] = FloatArray(
          shape: dataset.shape, values: try dataset.read(Float.self, limit: limit))
      }
    }
  }
}
