/// The limits that control groups set, those of a container or of a batch system's job: of the group that this process
/// is in and of all above it (cgroups(7)).
enum ControlGroups {
  /// Where a version's groups are, and what its files are called.
  private struct Hierarchy {
    let root: String
    let limit: String
    let used: String
    /// The fields of `memory.stat` that count cached files, which the kernel gives up before it refuses memory.
    let cached: [String]

    static let version1 = Hierarchy(
      root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes",
      cached: ["total_inactive_file", "total_active_file"])
    static let version2 = Hierarchy(
      root: "/sys/fs/cgroup", limit: "memory.max", used: "memory.current",
      cached: ["inactive_file", "active_file"])
  }

  /// The first version has no word for no limit, but a number near the largest.
  private static let noLimit = 1 << 60

  static func memory(_ files: SystemFiles) -> [MemoryLimit] {
    groups(files.text("/proc/self/cgroup") ?? "").flatMap { hierarchy, path in
      folders(hierarchy.root, path).compactMap { limit(hierarchy, in: $0, files) }
    }
  }

  /// The groups that may limit memory, from the lines of `/proc/self/cgroup`: `0::/job` of the second version,
  /// `5:memory:/job` of the first.
  private static func groups(_ text: String) -> [(Hierarchy, path: Substring)] {
    text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      if parts[0] == "0" && parts[1].isEmpty { return (.version2, parts[2]) }
      return parts[1].split(separator: ",").contains("memory") ? (.version1, parts[2]) : nil
    }
  }

  /// The group's folder, then those above it. In a container some may not be there, and its root is its own group.
  private static func folders(_ root: String, _ path: Substring) -> [String] {
    var names = path.split(separator: "/").filter { $0 != ".." }
    var folders: [String] = []
    while !names.isEmpty {
      folders.append(root + "/" + names.joined(separator: "/"))
      names.removeLast()
    }
    return folders + [root]
  }

  private static func limit(_ hierarchy: Hierarchy, in folder: String, _ files: SystemFiles) -> MemoryLimit? {
    let name = folder + "/" + hierarchy.limit
    guard let bytes = files.number(name), bytes < noLimit else { return nil }
    let statistics = files.fields(folder + "/memory.stat")
    let cached = hierarchy.cached.reduce(0) { $0 + (statistics[$1] ?? 0) }
    let used = max(0, (files.number(folder + "/" + hierarchy.used) ?? 0) - cached)
    return MemoryLimit(
      name: name, bytes: bytes, freeBytes: max(0, bytes - used), sharedAs: files.identity(ofFolder: folder))
  }
}
