import Foundation
import Synthesis
import Testing

@Suite struct SynthesisProcessTests {
  @Test func baseRatesAreTheMeansOverTheFourCases() {
    let process = TagProcess()
    #expect(process.tags.count == 50)
    #expect(process.tags[0].name == "rock" && abs(process.tags[0].baseRate - 0.5) < 1e-12)
    for (index, tag) in process.tags.enumerated() {
      var mean = 0.0
      for case let traits in (0..<32).map({ bits in (0..<5).map { bits >> $0 & 1 == 1 ? 1.0 : -1.0 } }) {
        mean += process.probabilities(traits)[index] / 32
      }
      #expect(abs(mean - tag.baseRate) < 1e-9)
      #expect(tag.weights.map(abs).sorted() == [0, 0, 0, 0.9, 1.8])
    }
    #expect(process.tags[49].baseRate > 0.1)
  }

  @Test func scoresArePrintedAsPythonDid() {
    #expect(LastFMRecordText.number(0.96342) == "0.96342000000000005")
    #expect(LastFMRecordText.number(0.751301) == "0.751301")
    #expect(LastFMRecordText.number(0.0158649) == "0.015864900000000001")
    #expect(LastFMRecordText.number(1) == "1")
  }

  @Test func textsAreASCIIWithEscapes() {
    #expect(
      LastFMRecordText.quoted("Björk \"live\" \\ \n\u{7f}") == "\"Bj\\u00f6rk \\\"live\\\" \\\\ \\n\\u007f\"")
    #expect(LastFMRecordText.quoted("🎵/") == "\"\\ud83c\\udfb5/\"")
  }

  @Test func aRecordHasTheDataSetsBytes() {
    let record = LastFMRecordText(
      artist: "The Box Tops", timestamp: "2011-08-12 04:04:21.577908",
      similars: [("TRBRSNN128F4284E8C", 1), ("TRHYADV128F4285EC1", 0.96342)],
      tags: [("60s", 100), ("close harmony", 11)], trackID: "TRAAABD128F429CF47", title: "Soul Deep")
    #expect(
      record.text == """
        {"artist": "The Box Tops", "timestamp": "2011-08-12 04:04:21.577908", "similars": \
        [["TRBRSNN128F4284E8C", 1], ["TRHYADV128F4285EC1", 0.96342000000000005]], "tags": [["60s", "100"], \
        ["close harmony", "11"]], "track_id": "TRAAABD128F429CF47", "title": "Soul Deep"}
        """)
  }

  @Test func lengthsSpreadAsInTheRealFiles() {
    #expect(SongLength.segments(atShare: 0) == 4)
    #expect(SongLength.segments(atShare: 0.5) == 755)
    #expect(SongLength.segments(atShare: 1) == 5000)
    let lengths = (0...1000).map { SongLength.segments(atShare: Double($0) / 1000) }
    #expect(lengths == lengths.sorted())
  }
}
