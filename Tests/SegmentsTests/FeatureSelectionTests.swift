import Segments
import Testing

/// Names of features, and the order in which a network sees them.
struct FeatureSelectionTests {
  @Test func aListIsTheSameInAnyOrder() {
    let selection = FeatureSelection(rawValue: "duration,timbre, loudness")
    #expect(selection == FeatureSelection(rawValue: "loudness,duration,timbre"))
    #expect(selection?.rawValue == "timbre,loudness,duration")
    #expect(selection?.width == 16 && selection?.songWidth == 0 && selection?.hasRows == false)
  }

  @Test func oldNamesMeanWhatTheyMeant() {
    #expect(FeatureSelection(rawValue: "both") == FeatureSelection(rawValue: "timbre,pitches"))
    for (name, selection) in [("pitches", FeatureSelection.pitches), ("timbre", .timbre), ("both", .both)] {
      #expect(FeatureSelection(rawValue: name) == selection && selection.rawValue == name && selection.hasRows)
    }
    #expect(FeatureSelection(rawValue: "all")?.width == 29)
    #expect(FeatureSelection(rawValue: "all")?.songWidth == 12 + 453 + 327)
  }

  @Test(arguments: ["", "pitch", "pitches,", "pitches,pitches", "both,duration", "Timbre"])
  func unknownAndRepeatedNamesAreRefused(_ text: String) { #expect(FeatureSelection(rawValue: text) == nil) }

  @Test func aSelectionKnowsItsParts() {
    let all = FeatureSelection.all
    #expect(all.contains(.both) && !FeatureSelection.both.contains(all) && all.rows == .both)
    #expect(
      all.words == "pitches, timbre, loudness, duration and confidence"
        && all.songWords == "facts, moments and keyless")
  }
}
