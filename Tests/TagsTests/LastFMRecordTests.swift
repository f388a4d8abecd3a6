import MessagePassing
import Tags
import TestFolders
import Testing
import TrackFiles

@Suite struct LastFMRecordTests {
  private func record(_ json: String) throws -> LastFMRecord { try LastFMRecord(json: [UInt8](json.utf8)) }

  @Test func readsTheDataSetsOwnForm() throws {
    let json = #"""
      {"artist": "Bj\u00f6rk", "timestamp": "2011-08-12 04:04:21.577908", "similars": [["TRBRSNN128F4284E8C", 1], ["TRHYADV128F4285EC1", 0.96342000000000005]], "tags": [["Hip-Hop", "100"], ["rock", "0"]], "track_id": "TRAAABD128F429CF47", "title": "Soul \"Deep\""}
      """#
    let expected = LastFMRecord(
      trackID: "TRAAABD128F429CF47", title: "Soul \"Deep\"", artist: "Björk",
      tags: [WeightedTag(name: "Hip-Hop", weight: 100), WeightedTag(name: "rock", weight: 0)])
    #expect(try record(json) == expected)
  }

  @Test func takesWeightsThatAreNumbersAndKeysInAnyOrder() throws {
    let json = #"{"tags": [["a", 3.5]], "title": "", "track_id": "T", "artist": ""}"#
    #expect(try record(json).tags == [WeightedTag(name: "a", weight: 3.5)])
  }

  @Test(arguments: [
    ("no json at all", "is not JSON"), ("", "is not JSON"), (#"{"artist": "a""#, "is not JSON"),
    ("[1, 2]", "is not a JSON object"),
    (#"{"artist": "a", "tags": [], "title": "t"}"#, "has no key \"track_id\""),
    (#"{"artist": 5, "tags": [], "title": "t", "track_id": "T"}"#, "has another type than expected at artist"),
    (#"{"artist": "a", "tags": {}, "title": "t", "track_id": "T"}"#, "has another type than expected at tags"),
    (#"{"artist": "a", "tags": [["x", "y"]], "title": "t", "track_id": "T"}"#, "the weight \"y\" is no number"),
    (#"{"artist": "a", "tags": [["x", "nan"]], "title": "t", "track_id": "T"}"#, "the weight is not finite"),
    (#"{"artist": "a", "tags": [[1, "1"]], "title": "t", "track_id": "T"}"#, "has another type than expected"),
  ]) func saysWhatIsWrong(json: String, cause: String) {
    let fault = #expect(throws: LastFMRecord.Fault.self) { try record(json) }
    #expect(fault?.cause.contains(cause) == true, "\(fault?.cause ?? "")")
  }

  @Test func deepNestingIsAFaultAndNoCrash() {
    let deep = #"{"similars": "# + String(repeating: "[", count: 200_000)
    #expect(throws: LastFMRecord.Fault.self) { try record(deep) }
  }

  @Test func findsRecordsAtAnyDepth() throws {
    let folder = try TemporaryFolder()
    try folder.write("{}", to: "A/A/A/TRAAAAA128F429CF47.json")
    try folder.write("{}", to: "lastfm_test/B/TRBBBBB128F429CF47.json")
    let found = try InProcessCommunicator.run(size: 2) { communicator in
      let tree = try LastFMTree(discoveredAt: folder.path, communicator: communicator)
      return ["TRAAAAA128F429CF47", "TRBBBBB128F429CF47", "TRCCCCC128F429CF47"].map { tree.path(of: $0) }
    }
    #expect(
      found[1] == [
        folder.path + "/A/A/A/TRAAAAA128F429CF47.json", folder.path + "/lastfm_test/B/TRBBBBB128F429CF47.json",
        nil,
      ])
  }
}
