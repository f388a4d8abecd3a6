import FileTrees
import Foundation
import TestFolders
import TestTracks
import Testing
import Texts
import TrackFiles

@Suite struct TrackReaderTests {
  /// Paths of some real track files.
  private static var realTracks: [String] {
    guard let folder = RealData.folder, let files = FileManager.default.enumerator(atPath: folder + "/msd") else {
      return []
    }
    return files.compactMap { $0 as? String }.filter { $0.hasSuffix(".h5") }.sorted().map { "\(folder)/msd/\($0)" }
  }

  @Test(.enabled(if: RealData.isInstalled, "no real files here")) func readsEveryRealFile() throws {
    let paths = TrackReaderTests.realTracks
    #expect(paths.count == 574)
    for path in paths {
      let track = try TrackReader(segments: 252).read(SongLocation(path))
      #expect(path.hasSuffix(track.trackID + ".h5"))
      #expect(track.artistID.hasPrefix("AR") && !track.title.isEmpty && !track.artistName.isEmpty)
      guard case .thousandths(let values)? = track.pitches else {
        Issue.record("\(path): pitches with more than three decimals")
        continue
      }
      #expect(values.count == min(252, track.segmentCount) * 12)
    }
  }

  @Test(.enabled(if: RealData.isInstalled, "no real files here")) func saysWhatIsWrongWithDamagedCopies() throws {
    let folder = try TemporaryFolder()
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: TrackReaderTests.realTracks[0])))
    func cause(_ bytes: [UInt8]) throws -> String {
      let path = try folder.write(bytes, to: "track.h5")
      let skipped = #expect(throws: SkippedFile.self) { try TrackReader(segments: 252).read(SongLocation(path)) }
      #expect(skipped?.path == path)
      #expect(skipped?.cause.contains(path) == false)
      #expect(skipped?.cause.contains("\n") == false)
      return skipped?.cause ?? ""
    }
    #expect(try cause([UInt8]("no song at all".utf8)).contains("not an HDF5 file"))
    #expect(try cause([]).contains("not an HDF5 file"))
    #expect(try !cause(Array(whole.prefix(whole.count / 2))).isEmpty)
    #expect(try !cause(Array(whole.prefix(500))).isEmpty)
  }

  @Test func foldersAndMissingFilesAreNamedNotWaitedFor() throws {
    let folder = try TemporaryFolder()
    let none = #expect(throws: SkippedFile.self) {
      try TrackReader(segments: 1).read(SongLocation(folder.path + "/none.h5"))
    }
    #expect(none?.cause == "No such file or directory")
    let notFile = #expect(throws: SkippedFile.self) {
      try TrackReader(segments: 1).read(SongLocation(folder.path))
    }
    #expect(notFile?.cause == "is not a regular file")
  }
}

@Suite struct TrackIdentifierTests {
  @Test func knowsTheForm() {
    #expect(TrackIdentifier.isWellFormed("TRAAABD128F429CF47"))
    for wrong in [
      "", "TRAAABD128F429CF4", "TRAAABD128F429CF477", "XXAAABD128F429CF47", "TRAAA1D128F429CF47",
      "TRAAABD128F429CF4G", "TRAAABD128f429cf47",
    ] {
      #expect(!TrackIdentifier.isWellFormed(wrong), "\(wrong)")
    }
  }
}
