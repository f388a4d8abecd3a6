import Kernels
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Test(arguments: [1, 2, 3, 8])
func everyTaskRunsExactlyOnceInEveryRegion(threads: Int) {
  let team = ThreadTeam(threads: threads)
  for tasks in [0, 1, 2, 7, 100] {
    for _ in 0..<50 {
      let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: max(tasks, 1))
      counts.initialize(repeating: 0)
      team.forEach(tasks) { counts[$0] += 1 }
      #expect(counts.prefix(tasks).allSatisfy { $0 == 1 })
      counts.deallocate()
    }
  }
}

@Test func everyThreadBeginsWithItsOwnShare() {
  let team = ThreadTeam(threads: 2)
  for _ in 0..<200 {
    // No task ends before two have begun, so that each thread has begun with one.
    let begun = Atomic<Int>(0)
    let sumOfFirst = Atomic<Int>(0)
    team.forEach(6) { task in
      if begun.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue < 2 {
        sumOfFirst.wrappingAdd(1 << task, ordering: .sequentiallyConsistent)
      }
      wait { begun.load(ordering: .sequentiallyConsistent) >= 2 }
    }
    let first = sumOfFirst.load(ordering: .relaxed)
    #expect(first == 1 << 0 | 1 << 3)
  }
}

@Test(arguments: [2, 3])
func whoHasDoneItsShareHelpsTheOthers(threads: Int) {
  let team = ThreadTeam(threads: threads)
  let others = Atomic<Int>(0)
  let seen = Atomic<Int>(0)
  // The first thread is held by its first task until all others are done, those of its own share too.
  team.forEach(12) { task in
    if task > 0 {
      others.wrappingAdd(1, ordering: .sequentiallyConsistent)
    } else {
      wait { others.load(ordering: .sequentiallyConsistent) == 11 }
      seen.store(others.load(ordering: .sequentiallyConsistent), ordering: .relaxed)
    }
  }
  let doneByOthers = seen.load(ordering: .relaxed)
  #expect(doneByOthers == 11)
}

/// Waits for what another thread does, and gives up after ten seconds.
private func wait(until condition: () -> Bool) {
  let end = ContinuousClock.now + .seconds(10)
  while !condition() && ContinuousClock.now < end { sched_yield() }
}
