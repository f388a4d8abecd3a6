import Testing
import Texts

@Suite struct TrackIDSetTests {
  /// Ids that differ in one place only, of every place and value, the least and the greatest among them.
  @Test func tellsAllWellFormedIdsApart() {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ").map(String.init)
    let digits = Array("0123456789ABCDEF").map(String.init)
    var ids: Set<String> = ["TRZZZZZFFFFFFFFFFF"]
    for place in 0..<16 {
      for value in place < 5 ? letters : digits {
        var parts = [String](repeating: "A", count: 5) + [String](repeating: "0", count: 11)
        parts[place] = value
        ids.insert("TR" + parts.joined())
      }
    }
    var set = TrackIDSet()
    for id in ids.sorted() {
      let known = set.contains(id)
      let isNew = set.insert(id)
      let isNewAgain = set.insert(id)
      #expect(!known && isNew && !isNewAgain && set.contains(id))
    }
    #expect(set.count == ids.count)
    #expect(ids.allSatisfy { set.contains($0) })
  }

  /// Every rank of a node keeps the ids of a million songs.
  @Test func anIdTakesAtMostFourteenBytes() {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    var set = TrackIDSet()
    for number in 0..<100_000 {
      let id = (0..<5).map { letters[number * 119 / [456_976, 17_576, 676, 26, 1][$0] % 26] }
      let digits = String(UInt64(number) &* 0x9E37_79B9_7F4A_7C15 >> 32 | 1 << 32, radix: 16, uppercase: true)
        .suffix(8)
      set.insert("TR\(String(id))128\(digits)")
      if number > 20_000, number % 1_000 == 0 { #expect(set.bytes <= 14 * set.count) }
    }
    #expect(set.count == 100_000)
  }
}
