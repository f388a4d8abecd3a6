import Segments
import Testing

/// Moments by hand; `test_features.py` holds all 453 to numpy.
struct SongMomentsTests {
  @Test func statisticsOfATableAreThoseOfItsColumns() {
    let table = SegmentTable([1, 10, 2, 30, 6, 20], width: 2)
    #expect(table.means == [3, 20])
    let covariances: [Double] = [14.0 / 3, 10.0 / 3, 200.0 / 3]
    #expect(table.covariances(diagonal: true) == covariances)
    #expect(table.covariances(diagonal: false) == [covariances[1]])
    #expect(table.meanSteps == [2.5, 15])
    #expect(table.quantiles(0.25) == [1.5, 15])
    let diagonals: [Double] = [1441.0 / 3, 380.0 / 3]
    #expect(table.diagonals(next: 0) == diagonals)
    #expect(table.diagonals(next: 1) == [457, 135])
  }

  @Test func anotherKeyLeavesTheDiagonalsAsTheyAre() {
    let rows = (0..<5).map { row in (0..<12).map { Double((row * 7 + $0 * 5) % 11) } }
    let turned = rows.map { row in (0..<12).map { row[($0 + 3) % 12] } }
    for next in 0...1 {
      let (one, other) = (
        SegmentTable(rows.flatMap { $0 }, width: 12), SegmentTable(turned.flatMap { $0 }, width: 12)
      )
      #expect(one.diagonals(next: next) == other.diagonals(next: next))
    }
  }

  /// A damaged song may have none: no statistic divides by nothing.
  @Test(arguments: [0, 1]) func songsWithHardlyASegmentHaveFiniteMoments(segments: Int) {
    let facts = SongFacts(columns: Array(repeating: 0, count: 9), segments: segments, beats: 0, sections: 0)
    let values = Dictionary(
      uniqueKeysWithValues: Feature.ofSegments.map { ($0, [Double](repeating: 0.5, count: segments * $0.width)) })
    let moments = SongMoments.of(values, facts)
    #expect(moments.count == SongMoments.count && moments.allSatisfy(\.isFinite))
  }
}
