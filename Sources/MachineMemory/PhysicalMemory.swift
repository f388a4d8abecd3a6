/// The memory of the node, from `/proc/meminfo`.
enum PhysicalMemory {
  static func available(_ files: SystemFiles) -> [MemoryLimit] {
    let path = "/proc/meminfo"
    guard let total = files.kilobytes("MemTotal", in: path), let free = files.kilobytes("MemAvailable", in: path)
    else { return [] }
    return [MemoryLimit(name: "the node's memory (\(path))", bytes: total, freeBytes: free, sharedAs: "node")]
  }
}
