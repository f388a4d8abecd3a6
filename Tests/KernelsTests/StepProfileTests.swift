import Kernels
import Testing

@Test func aPhaseInsideAnotherCountsOnceAndEntriesOfOneNameAddUp() {
  let team = ThreadTeam(threads: 1)
  let profile = StepProfile()
  team.profile = profile
  func wait(_ seconds: Double) {
    let end = StepProfile.now() + seconds
    while StepProfile.now() < end {}
  }
  profile.layer = "layer"
  let start = StepProfile.now()
  for _ in 0..<2 {
    team.measure("outer", StepProfile.Work(direct: 3, executed: 4, bytes: 5)) {
      team.measure("inner") { wait(0.02) }
      wait(0.005)
      team.measure("inner") { wait(0.02) }
    }
  }
  let elapsed = StepProfile.now() - start
  let entries = profile.entries
  #expect(entries.map(\.phase) == ["inner", "outer"])
  #expect(entries[0].seconds >= 0.08)
  #expect(entries[1].seconds >= 0.01)
  #expect(entries[0].seconds + entries[1].seconds <= elapsed, "nothing is counted twice")
  #expect(entries[1].work.directOperations == 6)
  #expect(entries[1].work.executedOperations == 8)
  #expect(entries[1].work.bytes == 10)
}

@Test func theMachinesRatesAreThoseOfAMachine() throws {
  let rates = try #require(MachineRates.measure(threads: 1))
  // From one slow core to thousands of fast ones.
  #expect((1e8...1e15).contains(rates.productOperations))
  #expect((1e8...1e14).contains(rates.memoryBytes))
}
