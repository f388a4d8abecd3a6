import FileTrees
import Foundation
import TestFolders
import Testing
import TrackFiles
import Training

/// The parts of tagging many songs that can be looked at alone.
@Suite struct BulkTests {
  @Test func aFileOfBlocksCutAnywhereKeepsTheWholeOnesAndGoesOn() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("blocks")
    let blocks: [[UInt8]] = [[1, 2, 3], Array(repeating: 9, count: 40), [7]]
    var ends = [0]
    let file = try BlockFile(path) { _ in true }
    for block in blocks {
      try file.append(block)
      ends.append(ends[ends.count - 1] + 16 + block.count)
    }
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(whole.count == ends.last)
    for length in 0...whole.count {
      try folder.write(Array(whole.prefix(length)), to: "blocks")
      var found: [[UInt8]] = []
      let cut = try BlockFile(path) { block in
        found.append(block)
        return true
      }
      let kept = ends.lastIndex { $0 <= length }!
      #expect(found == Array(blocks.prefix(kept)), "cut after \(length) bytes")
      try cut.append([5, 5])
      var again: [[UInt8]] = []
      try cut.read { block in
        again.append(block)
        return true
      }
      #expect(again == Array(blocks.prefix(kept)) + [[5, 5]])
    }
  }

  @Test func aBlockWithAFlippedBitEndsTheFile() throws {
    let folder = try TemporaryFolder()
    let file = try BlockFile(folder.file("blocks")) { _ in true }
    for _ in 0..<3 { try file.append([1, 2, 3, 4]) }
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file.path)))
    bytes[20 + 18] ^= 1
    try folder.write(bytes, to: "blocks")
    var count = 0
    _ = try BlockFile(file.path) { _ in
      count += 1
      return true
    }
    #expect(count == 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)).count == 20)
  }

  @Test func tagsAreChosenByRankAndThreshold() {
    let model = ModelTags(["a", "b", "c", "d"], thresholds: [0.2, 0.95, 0.6, 0.4])
    let probabilities: [Float] = [0.2, 0.9, 0.5, 0.5]
    func tags(_ choice: TagChoice) -> [String] { choice.tags(probabilities, of: model).map(\.tag) }
    #expect(tags(TagChoice(top: 2)) == ["b", "c"])
    #expect(tags(TagChoice(top: nil, threshold: .probability(0.5))) == ["b", "c", "d"])
    #expect(tags(TagChoice(top: 1, threshold: .probability(0.5))) == ["b"])
    #expect(tags(TagChoice(top: 9)) == ["b", "c", "d", "a"])
    #expect(tags(TagChoice(top: nil, threshold: .own)) == ["d", "a"])
    #expect(tags(TagChoice(top: 1, threshold: .own)) == ["d"])
    #expect(TagChoice(top: 3).tags([], of: model).isEmpty)
  }

  @Test func aFilesEndingSaysItsForm() throws {
    for (path, form) in [("a.csv", TagFormat.csv), ("b/c.JSONL", .jsonl), ("x.y.h5", .hdf5), ("x.hdf5", .hdf5)] {
      #expect(try TagFormat(endingOf: path) == form)
    }
    for path in ["csv", "a.txt", "folder.csv/file"] {
      #expect(throws: (any Error).self) { try TagFormat(endingOf: path) }
    }
  }

  @Test func anAudioAnalysisIsReadAsATrackWhereItIsAskedFor() throws {
    let folder = try TemporaryFolder()
    let rows = (0..<3).map { row in
      #"{"start": \#(row), "pitches": [\#((0..<12).map { "0.0\(row)\($0 % 10)" }.joined(separator: ", "))]}"#
    }
    let path = try folder.write(Array(#"{"segments": [\#(rows.joined(separator: ","))]}"#.utf8), to: "song.json")
    let reader = TrackReader(.first(2))
    #expect(throws: SkippedFile.self) { try reader.contents(of: path) }
    reader.readsAnalyses = true
    guard case .song(let track) = try reader.contents(of: path) else { return #expect(Bool(false)) }
    #expect(track.trackID == "song" && track.segmentCount == 3)
    let expected: [UInt16] = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 10, 11,
    ]
    #expect(track.pitches == .thousandths(expected))
  }
}
