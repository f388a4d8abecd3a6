import Diagnosis
import FileAccess
import Foundation
import HDF5
import MessagePassing
import Synthesis
import Tags
import TestFolders
import Testing
import Texts
import TrackFiles

@Suite struct TreeSynthesisTests {
  @Test func worldSizeDoesNotChangeAByte() throws {
    let folder = try TemporaryFolder()
    let parameters = SynthesisParameters(songs: 13, seed: 5)
    var trees: [[String: [UInt8]]] = []
    for size in [1, 2, 3] {
      let path = folder.file("\(size)")
      _ = try InProcessCommunicator.run(size: size) { try TreeSynthesis(parameters, into: path).run($0).complete }
      trees.append(try contents(of: path))
    }
    #expect(trees[0].keys.filter { $0.hasPrefix("msd/") }.count == 13)
    #expect(trees[0] == trees[1])
    #expect(trees[0] == trees[2])
  }

  @Test func anotherSeedGivesOtherSongs() throws {
    let folder = try TemporaryFolder()
    try synthesize(SynthesisParameters(songs: 3, seed: 1), into: folder.file("a"))
    try synthesize(SynthesisParameters(songs: 3, seed: 2), into: folder.file("b"))
    #expect(try Set(contents(of: folder.file("a")).keys).isDisjoint(with: ["synthesis.json"]) == false)
    let first = try Set(contents(of: folder.file("a")).keys.filter { $0.hasPrefix("msd/") })
    let second = try Set(contents(of: folder.file("b")).keys.filter { $0.hasPrefix("msd/") })
    #expect(first.isDisjoint(with: second))
  }

  @Test func theTrackReaderReadsWhatIsWrittenAndPitchesAreLikeRealOnes() throws {
    let folder = try TemporaryFolder()
    try synthesize(SynthesisParameters(songs: 40, seed: 9, missingShare: 0), into: folder.path)
    var artists: [String: Int] = [:]
    var agreeing = 0
    for name in try contents(of: folder.path).keys.sorted() where name.hasPrefix("msd/") {
      let track = try TrackReader(segments: nil).read(SongLocation(folder.file(name)))
      let letters = Array(track.trackID)[2...4].map(String.init).joined(separator: "/")
      #expect(TrackIdentifier.isWellFormed(track.trackID))
      #expect(name == "msd/\(letters)/\(track.trackID).h5")
      #expect((4...5000).contains(track.segmentCount))
      guard case .thousandths(let values) = try #require(track.pitches) else {
        Issue.record("\(name): pitches with more than three decimals")
        continue
      }
      #expect(values.count == track.segmentCount * 12)
      for row in stride(from: 0, to: values.count, by: 12) { #expect(values[row..<(row + 12)].max() == 1000) }
      artists[track.artistID, default: 0] += 1
      let record = try LastFMRecord.read(folder.file("lastfm/\(letters)/\(track.trackID).json"))
      #expect(record.trackID == track.trackID)
      agreeing += record.title == track.title && record.artist == track.artistName ? 1 : 0
    }
    #expect(artists.values.max()! > 1)
    #expect((25..<40).contains(agreeing))
  }

  @Test func idsAreUnique() throws {
    let folder = try TemporaryFolder()
    let report = try synthesize(SynthesisParameters(songs: 300, seed: 3), into: folder.path)
    let files = try contents(of: folder.path).keys
    #expect(files.filter { $0.hasPrefix("msd/") }.count == 300)
    let counts = try #require(report.counts)
    #expect(files.filter { $0.hasPrefix("lastfm/") }.count == 300 - counts.missing)
    #expect(
      counts.missing + counts.mismatched + counts.empty + counts.otherTags + counts.usable == counts.songs)
    #expect((0.30..<0.60).contains(Double(counts.usable) / 300))
  }

  @Test func permutedTagsKeepEverythingElse() throws {
    let folder = try TemporaryFolder()
    let plain = try synthesize(SynthesisParameters(songs: 60, seed: 4), into: folder.file("plain"))
    let permuted = try synthesize(
      SynthesisParameters(songs: 60, seed: 4, permuteTags: true), into: folder.file("permuted"))
    let first = try contents(of: folder.file("plain"))
    let second = try contents(of: folder.file("permuted"))
    #expect(first.keys == second.keys)
    for (name, bytes) in first where name.hasPrefix("msd/") { #expect(second[name] == bytes) }
    let differing = first.filter { $0.key.hasPrefix("lastfm/") && second[$0.key] != $0.value }
    #expect(differing.count > 15)
    #expect(plain.counts == permuted.counts)
    #expect(permuted.best?.macroAUC == 0.5)
    #expect(plain.best!.macroAUC > 0.75)
  }

  @Test func theBestAUCIsKnownAndImperfect() throws {
    var report = SynthesisReport(starting: SynthesisParameters(songs: 4000, seed: 7))
    try report.finish()
    let best = try #require(report.best)
    #expect((0.84..<0.87).contains(best.macroAUC))
    #expect(best.undefinedTags == 0)
    let usable = try #require(report.counts?.usable)
    #expect((0.42..<0.47).contains(Double(usable) / 4000))
    for (tag, result) in zip(report.tags, try #require(report.tagResults)) {
      #expect(abs(Double(result.positives) / Double(usable) - tag.baseRate) < 0.05)
    }
  }

  @Test func aFolderWithOtherFilesIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    try folder.write([1], to: "thesis.tex")
    for replacing in [false, true] {
      let failure = try #require(throws: Failure.self) {
        try synthesize(SynthesisParameters(songs: 2), into: folder.path, replacing: replacing)
      }
      #expect(failure.kind == .usage)
      #expect(failure.message == "\(folder.path): holds other files (thesis.tex)")
    }
    #expect(try contents(of: folder.path) == ["thesis.tex": [1]])
  }

  @Test func anotherSetIsReplacedOnlyWhenAsked() throws {
    let folder = try TemporaryFolder()
    let report = try synthesize(SynthesisParameters(songs: 20, seed: 1), into: folder.path)
    #expect(report.best != nil)
    let before = try contents(of: folder.path)
    try synthesize(SynthesisParameters(songs: 20, seed: 1), into: folder.path)
    #expect(try contents(of: folder.path) == before)
    #expect(throws: Failure.self) { try synthesize(SynthesisParameters(songs: 2, seed: 1), into: folder.path) }
    #expect(try contents(of: folder.path) == before)
    try synthesize(SynthesisParameters(songs: 2, seed: 1), into: folder.path, replacing: true)
    #expect(try contents(of: folder.path).keys.filter { $0.hasPrefix("msd/") }.count == 2)
  }

  @Test func senselessParametersAreRefused() {
    for parameters in [
      SynthesisParameters(songs: 0), SynthesisParameters(songs: 1 << 29),
      SynthesisParameters(songs: 1, missingShare: 2),
      SynthesisParameters(songs: 1, emptyShare: 0.8, otherTagsShare: 0.3),
      SynthesisParameters(songs: 1, emptyShare: .nan),
    ] {
      let failure = #expect(throws: Failure.self) { try parameters.validate() }
      #expect(failure?.kind == .usage)
    }
  }

  @discardableResult
  private func synthesize(
    _ parameters: SynthesisParameters, into path: String, replacing: Bool = false
  ) throws -> SynthesisReport {
    try InProcessCommunicator.run(size: 1) {
      try TreeSynthesis(parameters, into: path).run($0, replacing: replacing)
    }[0]
  }

  /// Every file below a folder with its bytes, by its path from there.
  private func contents(of folder: String) throws -> [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for case let name as String in try #require(FileManager.default.enumerator(atPath: folder)) {
      guard try PathKind(of: folder + "/" + name) == .file else { continue }
      contents[name] = try readWholeFile(folder + "/" + name, limit: 1 << 24)
    }
    return contents
  }
}
