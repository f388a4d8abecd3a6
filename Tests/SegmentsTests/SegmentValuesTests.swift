import Segments
import Testing

@Suite struct SegmentValuesTests {
  /// Every thousandth of pitches, and of timbre far beyond real values, comes back as it was.
  @Test func thousandthsAreKeptAsSuch() {
    let pitches = (0...1000).map { Double($0) / 1000 }
    #expect(SegmentValues(packing: pitches, of: .pitches) == .thousandths((0...1000).map { UInt16($0) }))
    let whole = (-2_000_000...2_000_000).filter { $0 % 7 == 0 }
    #expect(
      SegmentValues(packing: whole.map { Double($0) / 1000 }, of: .timbre)
        == .wideThousandths(whole.map { Int32($0) }))
    #expect(SegmentValues(packing: [-0.0, 0.5], of: .timbre) == .wideThousandths([0, 500]))
    #expect(SegmentValues(packing: [], of: .pitches) == .thousandths([]))
  }

  @Test func whatIsNoThousandthStaysAFloat() {
    for value in [(0.1 as Double).nextUp, (0.1 as Double).nextDown, 0.1234, 0.0005, 0.9995, 1e-300] {
      #expect(SegmentValues(packing: [0.5, value], of: .pitches) == .floats([0.5, Float(value)]), "\(value)")
      #expect(SegmentValues(packing: [-value, 12], of: .timbre) == .floats([-Float(value), 12]), "\(value)")
    }
  }
}
