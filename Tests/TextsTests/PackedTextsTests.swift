import Testing
import Texts

@Suite struct PackedTextsTests {
  @Test(arguments: [
    [], [""], ["", ""], ["", "a", ""], ["ab", "cd"], ["ab", "cd", "é", "efg", "", "hi"], ["abc", "de"],
  ])
  func holdsTextsOfAnyLength(texts: [String]) {
    let packed = PackedTexts(texts)
    #expect(Array(packed) == texts)
    var grown = PackedTexts()
    for text in texts { grown.append(text) }
    #expect(grown == packed)
    #expect(PackedTexts(texts + ["x"]) != packed)
  }
}
