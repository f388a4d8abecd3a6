/// The limits of this process that `ulimit` sets (getrlimit(2)), from `/proc/self/limits`.
enum ProcessLimits {
  /// A line of that file, and the line of `/proc/self/status` with what the process has taken of it.
  private static let kinds = [
    (line: "Max address space", taken: "VmSize", name: "ulimit -v (RLIMIT_AS)"),
    (line: "Max data size", taken: "VmData", name: "ulimit -d (RLIMIT_DATA)"),
  ]

  static func memory(_ files: SystemFiles) -> [MemoryLimit] {
    let lines = (files.text("/proc/self/limits") ?? "").split(separator: "\n")
    return kinds.compactMap { kind in
      // The soft limit stands first; `unlimited` is no number.
      guard let line = lines.first(where: { $0.hasPrefix(kind.line) }),
        let soft = line.dropFirst(kind.line.count).split(separator: " ").first.flatMap({ Int($0) })
      else { return nil }
      let taken = files.kilobytes(kind.taken, in: "/proc/self/status") ?? 0
      return MemoryLimit(name: kind.name, bytes: soft, freeBytes: max(0, soft - taken), sharedAs: nil)
    }
  }
}
