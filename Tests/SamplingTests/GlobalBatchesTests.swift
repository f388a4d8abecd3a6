import Sampling
import Testing

@Suite struct GlobalBatchesTests {
  @Test func theLastBatchIsShortWhereSizesDoNotDivide() {
    #expect(Array(GlobalBatches(count: 37, batchSize: 12)) == [0..<12, 12..<24, 24..<36, 36..<37])
    #expect(Array(GlobalBatches(count: 5, batchSize: 12)) == [0..<5])
    #expect(Array(GlobalBatches(count: 0, batchSize: 12)).isEmpty)
  }

  @Test func stepsCountTheBatches() {
    for count in 0..<40 {
      for batch in 1..<15 {
        for start in 0...count {
          let batches = GlobalBatches(count: count, batchSize: batch, from: start)
          #expect(batches.steps == Array(batches).count)
        }
      }
    }
  }

  @Test func goingOnFromAPositionGivesTheSameBatchesAsNeverStopping() {
    let whole = Array(GlobalBatches(count: 100, batchSize: 7))
    for stopped in whole.indices {
      let rest = Array(GlobalBatches(count: 100, batchSize: 7, from: whole[stopped].upperBound))
      #expect(rest == Array(whole[(stopped + 1)...]))
    }
  }

  @Test func goingOnWithAnotherBatchSizeNeitherRepeatsNorSkips() {
    let positions = GlobalBatches(count: 100, batchSize: 32, from: 21).flatMap { Array($0) }
    #expect(positions == Array(21..<100))
  }

  @Test func sizesThatMakeNoSenseDoNoHarm() {
    #expect(GlobalBatches(count: 3, batchSize: 0).steps == 3)
    #expect(GlobalBatches(count: -1, batchSize: 4, from: 9).steps == 0)
    #expect(GlobalBatches(count: .max, batchSize: .max, from: 1).steps == 1)
    #expect(share(of: 0..<4, rank: 0, size: 0) == 0..<4)
  }

  @Test func sharesAreContiguousNearEqualAndWhole() {
    for count in 0..<30 {
      for size in 1..<12 {
        let shares = (0..<size).map { share(of: 5..<5 + count, rank: $0, size: size) }
        #expect(shares.flatMap { Array($0) } == Array(5..<5 + count))
        let counts = shares.map(\.count)
        #expect(counts.max()! - counts.min()! <= 1 && counts == counts.sorted(by: >))
      }
    }
  }
}
