import MessagePassing
import Testing

@Suite struct ProcessorSetTests {
  private func threads(_ sets: [ProcessorSet]) -> [Int] { sets.map { $0.fairThreads(among: sets) } }

  @Test func ranksThatShareAllProcessorsDivideThem() {
    #expect(threads([ProcessorSet](repeating: ProcessorSet(0..<9), count: 3)) == [3, 3, 3])
    #expect(threads([ProcessorSet](repeating: ProcessorSet(0..<128), count: 7)) == [Int](repeating: 18, count: 7))
  }

  @Test func ranksBoundApartKeepAllTheyWereGiven() {
    #expect(threads([ProcessorSet(0..<4), ProcessorSet(4..<8)]) == [4, 4])
  }

  @Test func overlappingSetsCountSharedProcessorsByHalves() {
    #expect(threads([ProcessorSet(0..<4), ProcessorSet(2..<6)]) == [3, 3])
  }

  @Test func moreRanksThanProcessorsGetOneEach() {
    #expect(threads([ProcessorSet](repeating: ProcessorSet(0..<2), count: 5)) == [1, 1, 1, 1, 1])
    #expect(ProcessorSet([]).fairThreads(among: []) == 1)
  }

  @Test func readsTheKernelsNotation() {
    #expect(ProcessorSet(list: "0-3,8,70-71") == ProcessorSet([0, 1, 2, 3, 8, 70, 71]))
    #expect(ProcessorSet(list: "\t5 ") == ProcessorSet([5]))
    for wrong in ["", "a", "3-1", "-", "1-2-3", "0-99999999999"] { #expect(ProcessorSet(list: wrong) == nil) }
  }

  @Test func thisProcessHasSomeProcessor() throws {
    #expect(ProcessorSet.current.count >= 1)
    let counts = try InProcessCommunicator.run(size: 2) { try $0.fairThreadCount() }
    #expect(counts[0] == counts[1] && (1...max(1, ProcessorSet.current.count / 2)).contains(counts[0]))
  }

  @Test func unionsHoldTheProcessorsOfBoth() {
    #expect(ProcessorSet([1, 100]).union(ProcessorSet([2])) == ProcessorSet([1, 2, 100]))
    #expect(ProcessorSet([]).union(ProcessorSet([64])) == ProcessorSet([64]))
  }
}

@Suite struct ThreadPlanTests {
  private func plan(_ sets: [ProcessorSet], processors: Int, quota: Double? = nil) -> ThreadPlan {
    ThreadPlan(
      own: sets[0], node: sets, limits: NodeLimits(processors: processors, quota: quota), hostName: "node17")
  }

  @Test func aNodeUsedWhollyNeedsNoAdvice() {
    #expect(plan([ProcessorSet(0..<4), ProcessorSet(4..<8)], processors: 8).advice == nil)
    #expect(plan([ProcessorSet(0..<8), ProcessorSet(0..<8)], processors: 8).advice == nil)
  }

  /// mpirun binds up to two ranks to a core each by default, whatever else the node has.
  @Test func ranksBoundToACoreEachOfManyAreAdvised() throws {
    let plan = plan([ProcessorSet([0]), ProcessorSet([1])], processors: 64)
    #expect(plan.threads == 1)
    let advice = try #require(plan.advice)
    #expect(advice.contains("2 rank(s) on node17 to 2 of 64 processors") && advice.contains("PE=32"))
  }

  @Test func aQuotaOfTimeCountsLikeProcessors() {
    let all = ProcessorSet(0..<64)
    #expect(plan([all], processors: 64, quota: 2).threads == 2)
    #expect(plan([all, all, all], processors: 64, quota: 2).threads == 1)
    #expect(plan([all], processors: 64, quota: 0.5).threads == 1)
    #expect(plan([all], processors: 64, quota: 2).advice == nil)
  }

  @Test func thisMachinesLimitsMakeSense() {
    let limits = NodeLimits.current
    #expect(limits.processors >= 1 && limits.quota ?? 1 > 0)
  }
}
