import Diagnosis
import FileTrees
import Foundation
import MessagePassing
import Preparation
import RandomNumbers
import Segments
import Snapshots
import TestFolders
import TestTracks
import Testing
import TrackFiles

/// What a snapshot keeps of the segments, against what the track files hold.
@Suite struct SegmentsTests {
  /// Songs of random lengths with random values: pitches of three decimals, timbre of three decimals up to and
  /// beyond what real songs have, and its extremes.
  private func randomSongs(_ lengths: [Int], decimals: (Int) -> Double = { _ in 1000 }) throws -> (
    songs: TestSongs, pitches: [[Double]], timbre: [[Double]]
  ) {
    let songs = try TestSongs()
    var all: ([[Double]], [[Double]]) = ([], [])
    for (number, segments) in lengths.enumerated() {
      var stream = RandomStream(seed: 17, purpose: .test, first: UInt32(number))
      let scale = decimals(number)
      let pitches = (0..<segments * 12).map { _ in
        Double(stream.index(below: Int(scale) + 1)) / scale
      }
      let timbre = (0..<segments * 12).map { position -> Double in
        if position < 4 { return [-1_000_000, 1_000_000, -0.001, 999.999][position] }
        return Double(stream.index(below: 2_000_001) - 1_000_000) / scale
      }
      var track = TestTrack(trackID: TestSongs.trackID(number), segments: segments)
      track.pitch = { pitches[$0 * 12 + $1] }
      track.timbre = { timbre[$0 * 12 + $1] }
      try songs.add(track)
      try songs.add(record: track.trackID, tags: #"["rock", "100"]"#)
      all.0.append(pitches)
      all.1.append(timbre)
    }
    return (songs, all.0, all.1)
  }

  private func prepare(_ songs: TestSongs, _ change: (inout PreparationOptions) -> Void) throws -> Snapshot {
    var options = PreparationOptions(trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: .all)
    options.features = .both
    change(&options)
    let path = songs.folder.path + "/songs.h5"
    let fixed = options
    _ = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(fixed, output: path, replacing: true, communicator: $0)
    }
    return try Snapshot.open(path)
  }

  /// The doubles that values stand for: thousandths divided by a thousand.
  private func doubles(_ values: SegmentValues) -> [Double] {
    switch values {
    case .thousandths(let values): values.map { Double($0) / 1000 }
    case .wideThousandths(let values): values.map { Double($0) / 1000 }
    case .floats, .halves: values.floats.map(Double.init)
    }
  }

  private static let lengths = [12, 700, 13, 512, 499, 1024, 30, 12, 2000, 85]

  @Test func wholeSongsEqualTheFilesBitForBit() throws {
    let (songs, pitches, timbre) = try randomSongs(Self.lengths)
    let snapshot = try prepare(songs) { _ in }
    #expect(snapshot.encodings == [.pitches: .thousandths, .timbre: .thousandths])
    #expect(snapshot.segmentCounts == Self.lengths)
    #expect(snapshot.segments == .all)
    for (feature, expected) in [(Feature.pitches, pitches), (.timbre, timbre)] {
      for song in expected.indices {
        let found = doubles(try snapshot.values(of: feature, songs: song..<song + 1))
        #expect(found.map(\.bitPattern) == expected[song].map(\.bitPattern))
        let part = doubles(try snapshot.values(of: feature, song: song, segments: 3..<11))
        #expect(part == Array(expected[song][36..<132]))
      }
      #expect(doubles(try snapshot.values(of: feature, songs: 0..<expected.count)) == expected.flatMap { $0 })
    }
  }

  @Test(arguments: [Crop.first, .middle]) func aNumberOfSegmentsEqualsTheFilesBitForBit(_ crop: Crop) throws {
    let (songs, pitches, timbre) = try randomSongs(Self.lengths)
    let snapshot = try prepare(songs) {
      $0.segments = 100
      $0.crop = crop
    }
    let kept = Self.lengths.indices.filter { Self.lengths[$0] >= 100 }
    #expect(Array(snapshot.trackIDs) == kept.map(TestSongs.trackID))
    for (feature, expected) in [(Feature.pitches, pitches), (.timbre, timbre)] {
      for (row, song) in kept.enumerated() {
        let start = crop == .first ? 0 : (Self.lengths[song] - 100) / 2
        let found = doubles(try snapshot.values(of: feature, songs: row..<row + 1))
        #expect(found.map(\.bitPattern) == expected[song][start * 12..<(start + 100) * 12].map(\.bitPattern))
      }
    }
  }

  /// One song with four decimals: its feature is kept in single precision, the nearest to every value.
  @Test func moreDecimalsAreTheNearestSinglePrecisionValues() throws {
    let (songs, pitches, timbre) = try randomSongs([40, 50, 60]) { $0 == 1 ? 10_000 : 1000 }
    let snapshot = try prepare(songs) { _ in }
    #expect(snapshot.encodings == [.pitches: .float32, .timbre: .float32])
    for (feature, expected) in [(Feature.pitches, pitches), (.timbre, timbre)] {
      guard case .floats(let found) = try snapshot.values(of: feature, songs: 0..<3) else {
        Issue.record("no floats")
        continue
      }
      #expect(found.map(\.bitPattern) == expected.flatMap { $0.map { Float($0).bitPattern } })
    }
  }

  @Test func wholeSongsAreCutAfterTheLongestLengthAndTooShortOnesLeftOut() throws {
    let (songs, pitches, _) = try randomSongs([11, 12, 300])
    let snapshot = try prepare(songs) { $0.longest = 200 }
    #expect(snapshot.segmentCounts == [12, 200])
    #expect(snapshot.record.counts.tooShort == 1)
    #expect(doubles(try snapshot.values(of: .pitches, songs: 1..<2)) == Array(pitches[2].prefix(2400)))
    let whole = try prepare(songs) { _ in }
    #expect(whole.identity != snapshot.identity)
  }

  @Test func badTimbreIsRefusedWithItsCause() throws {
    let folder = try TemporaryFolder()
    var track = TestTrack(trackID: TestSongs.trackID(1), segments: 20)
    func cause() throws -> String {
      let path = try folder.write(try track.image(), to: "track.h5")
      return #expect(throws: SkippedFile.self) {
        try TrackReader(segments: 10, features: .both).read(SongLocation(path))
      }?.cause
        ?? ""
    }
    #expect(try cause().contains("segments_timbre"))
    track.timbre = { $0 == 2 && $1 == 7 ? .nan : 1 }
    #expect(try cause().contains("/analysis/segments_timbre: segment 2, coefficient 7 is nan"))
    track.timbre = { _, _ in 1e7 }
    #expect(try cause().contains("expected -1000000 to 1000000"))
    track.timbre = { _, _ in 1 }
    track.timbreSegments = 19
    #expect(try cause().contains("shape [19, 12], expected [20, 12]"))
  }

  @Test func aFeatureThatIsNotThereIsNamed() throws {
    let (songs, _, _) = try randomSongs([20])
    let snapshot = try prepare(songs) { $0.features = .timbre }
    let failure = #expect(throws: Failure.self) { try snapshot.values(of: .pitches, songs: 0..<1) }
    #expect(failure?.remedy == "prepare it with --features pitches")
  }

  @Test func optionsThatDoNotGoTogetherAreRefused() throws {
    let (songs, _, _) = try randomSongs([20])
    for change: (inout PreparationOptions) -> Void in [
      { $0.crop = .random }, { $0.crop = .middle }, { $0.longest = 11 },
      {
        $0.segments = 20
        $0.longest = 30
      }, { $0.segments = 0 },
    ] {
      #expect(#expect(throws: Failure.self) { try prepare(songs, change) }?.kind == .usage)
    }
  }

  /// Ranks with random rows, for several appends: every row is written once, at its place, in whole chunks.
  @Test(arguments: [1, 7, 64]) func everyRowOfAChunkIsWrittenByOneRank(_ chunkRows: Int) {
    var stream = RandomStream(seed: 23, purpose: .test, first: UInt32(chunkRows))
    for _ in 0..<200 {
      let counts = (0..<1 + stream.index(below: 6)).map { _ in
        stream.chance(0.3) ? 0 : stream.index(below: 4 * chunkRows)
      }
      let plan = ChunkPlan(counts: counts, chunkRows: chunkRows)
      let starts = counts.indices.map { counts[..<$0].reduce(0, +) }
      let total = counts.reduce(0, +)
      #expect(plan.wholeRows == total / chunkRows * chunkRows)
      var written = [Int](repeating: 0, count: total)
      for (rank, part) in plan.parts.enumerated() where part.starting > 0 {
        #expect(part.firstRow == starts[rank] + part.head && part.firstRow % chunkRows == 0)
        let end = part.firstRow + part.starting + part.missing
        #expect(end % chunkRows == 0 && end <= plan.wholeRows)
        for row in part.firstRow..<end { written[row] += 1 }
        // What it lacks are the heads of the ranks behind it.
        let heads = plan.parts[(rank + 1)...].reduce(0) { $0 + $1.head }
        #expect(part.missing <= heads)
      }
      #expect(written.indices.allSatisfy { written[$0] == ($0 < plan.wholeRows ? 1 : 0) })
      if let last = plan.lastStarter {
        #expect(starts[last.rank] + last.offset == plan.wholeRows && last.offset < counts[last.rank])
      } else {
        #expect(plan.wholeRows == total)
      }
    }
  }
}
