import MachineMemory
import TestFolders
import Testing

/// The kernel's files of a machine that is not this one.
private func limits(_ files: [String: String]) throws -> [MemoryLimit] {
  let folder = try TemporaryFolder()
  for (path, text) in files { try folder.write(text, to: path) }
  return MemoryLimit.all(SystemFiles(root: folder.path))
}

@Test func aGroupOfTheSecondVersionIsLimitedByThoseAboveItToo() throws {
  let found = try limits([
    "/proc/self/cgroup": "0::/slurm/job_7/task_0\n",
    "/sys/fs/cgroup/slurm/job_7/task_0/memory.max": "max\n",
    "/sys/fs/cgroup/slurm/job_7/memory.max": "1000000\n",
    "/sys/fs/cgroup/slurm/job_7/memory.current": "700000\n",
    "/sys/fs/cgroup/slurm/job_7/memory.stat": "anon 300000\ninactive_file 250000\nactive_file 50000\n",
    "/sys/fs/cgroup/slurm/memory.max": "5000000\n",
    "/sys/fs/cgroup/slurm/memory.current": "4999999\n",
  ])
  #expect(found.map(\.name) == ["/sys/fs/cgroup/slurm/job_7/memory.max", "/sys/fs/cgroup/slurm/memory.max"])
  // Cached files are given up when memory is wanted.
  #expect(found.map(\.freeBytes) == [600_000, 1])
  #expect(found.map(\.bytes) == [1_000_000, 5_000_000])
  #expect(Set(found.map(\.sharedAs)).count == 2)
}

@Test func aGroupOfTheFirstVersionIsFoundAlsoWhereAContainerShowsItAsTheRoot() throws {
  let found = try limits([
    "/proc/self/cgroup": "12:cpu,cpuacct:/docker/ab\n5:memory:/docker/ab\n0::/\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2000\n",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "2500\n",
    "/sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
  ])
  #expect(found.map(\.name) == ["/sys/fs/cgroup/memory/memory.limit_in_bytes"])
  #expect(found.map(\.freeBytes) == [0])
}

@Test func aGroupWithoutALimitIsNone() throws {
  let found = try limits([
    "/proc/self/cgroup": "5:memory:/job\n0::/\n",
    "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/memory.max": "max\n",
  ])
  #expect(found.isEmpty)
}

@Test func theLimitsOfTheProcessAreLessWhatItHasTaken() throws {
  let found = try limits([
    "/proc/self/limits": """
    Limit                     Soft Limit           Hard Limit           Units
    Max data size             unlimited            unlimited            bytes
    Max address space         1048576000           unlimited            bytes

    """,
    "/proc/self/status": "Name:\tcrnn-dist\nVmSize:\t  512000 kB\nVmData:\t 100 kB\n",
  ])
  #expect(found.map(\.name) == ["ulimit -v (RLIMIT_AS)"])
  #expect(found.map(\.freeBytes) == [1_048_576_000 - 512_000 * 1024])
  #expect(found[0].sharedAs == nil)
}

@Test func theNodeHasWhatItsKernelCallsAvailable() throws {
  let found = try limits(["/proc/meminfo": "MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable:   600 kB\n"])
  #expect(found.map(\.bytes) == [1000 << 10])
  #expect(found.map(\.freeBytes) == [600 << 10])
  #expect(found[0].sharedAs != nil)
}

@Test func whereTheKernelTellsNothingThereIsNoLimit() throws {
  #expect(try limits([:]).isEmpty)
  #expect(try limits(["/proc/self/cgroup": "nonsense\n::\n", "/proc/meminfo": "MemTotal: x\n"]).isEmpty)
}

@Test func thisMachineTellsItsMemory() {
  let node = MemoryLimit.all().first { $0.name.contains("/proc/meminfo") }
  #expect((node?.freeBytes ?? 0) > 0)
}
