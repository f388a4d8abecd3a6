import Kernels
import Synchronization
import Testing

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
