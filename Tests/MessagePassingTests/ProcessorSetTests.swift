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
    #expect(counts == [Int](repeating: max(1, ProcessorSet.current.count / 2), count: 2))
  }
}
