import FileTrees
import TestFolders
import TestTracks
import Testing
import TrackFiles

@Suite struct AggregateTests {
  /// Songs of 3, 5, 0, 7, 2, 4 segments.
  private func aggregate() -> TestAggregate {
    TestAggregate(
      songs: [3, 5, 0, 7, 2, 4].enumerated().map { number, segments in
        TestAggregate.Song(
          trackID: TestSongs.trackID(number), title: "Title \(number)", segments: segments, thousandths: number)
      })
  }

  private func write(_ aggregate: TestAggregate) throws -> (folder: TemporaryFolder, path: String) {
    let folder = try TemporaryFolder()
    return (folder, try folder.write(try aggregate.image(), to: "aggregate.h5"))
  }

  @Test func everySongHasItsOwnSegmentsAndTheLastRunsToTheEnd() throws {
    let (folder, path) = try write(aggregate())
    let reader = TrackReader(segments: nil)
    #expect(try reader.contents(of: path) == .aggregate(songs: 6))
    for (number, segments) in [3, 5, 0, 7, 2, 4].enumerated().reversed() {
      let track = try reader.read(SongLocation(path, row: number))
      #expect(track.trackID == TestSongs.trackID(number))
      #expect(track.title == "Title \(number)")
      #expect(track.segmentCount == segments)
      #expect(track.pitches?.floats == Array(repeating: Float(Double(number) / 1000), count: segments * 12))
    }
    #expect(try TrackReader(segments: 2).read(SongLocation(path, row: 3)).pitches?.floats.count == 24)
    withExtendedLifetime(folder) {}
  }

  @Test func manySongsAreReadWhateverTheOrder() throws {
    let songs = (0..<500).map {
      TestAggregate.Song(trackID: TestSongs.trackID($0), segments: $0 % 4, thousandths: $0)
    }
    let (folder, path) = try write(TestAggregate(songs: songs))
    let reader = TrackReader(segments: nil)
    for number in (0..<500).map({ $0 * 77 % 500 }) {
      let track = try reader.read(SongLocation(path, row: number))
      #expect(track.trackID == TestSongs.trackID(number) && track.segmentCount == number % 4)
    }
    withExtendedLifetime(folder) {}
  }

  /// Rows that cannot be read, with the starts given instead of 0, 3, 8, 8, 15, 17.
  @Test(
    arguments: [
      ([0, 3, 8, 8, 15, 17], []),
      // One start out of order: it or its neighbour is wrong, so nothing that touches either is believed.
      ([0, 3, 8, 16, 15, 17], [2, 3, 4]),
      ([0, 3, 8, 8, 15, 22], [4, 5]),
      ([0, 3, 8, 8, 15, -1], [4, 5]),
      ([2, 3, 8, 8, 15, 17], [0]),
      ([-2, 3, 8, 8, 15, 17], [0]),
      ([0, 21, 8, 8, 15, 17], [0, 1, 2]),
      ([0, 3, .max, 8, 15, 17], [1, 2]),
    ] as [([Int32], [Int])])
  func startsOutOfOrderCostTheSongsBesideThemAlone(starts: [Int32], bad: [Int]) throws {
    var wrong = aggregate()
    for column in ["idx_segments_pitches", "idx_segments_start", "idx_segments_timbre"] {
      wrong.starts[column] = starts
    }
    let (folder, path) = try write(wrong)
    let reader = TrackReader(segments: nil)
    var refused: [Int] = []
    for row in 0..<6 {
      do {
        let track = try reader.read(SongLocation(path, row: row))
        #expect(track.pitches?.floats.allSatisfy { $0 == Float(Double(row) / 1000) } == true)
      } catch {
        #expect(error.path == "\(path)[\(row)]")
        #expect(error.cause.contains("idx_segments_pitches around the song \(row) is"))
        refused.append(row)
      }
    }
    #expect(refused == bad)
    withExtendedLifetime(folder) {}
  }

  @Test func startsThatContradictOneAnotherAreRefused() throws {
    var wrong = aggregate()
    wrong.starts["idx_segments_timbre"] = [0, 3, 8, 8, 14, 17]
    let (folder, path) = try write(wrong)
    let reader = TrackReader(segments: nil)
    let skipped = #expect(throws: SkippedFile.self) { try reader.read(SongLocation(path, row: 3)) }
    #expect(skipped?.cause.contains("idx_segments_pitches and idx_segments_timbre differ") == true)
    #expect(try reader.read(SongLocation(path, row: 0)).segmentCount == 3)
    withExtendedLifetime(folder) {}
  }

  @Test func filesThatHoldNoSongsSayWhy() throws {
    for (cause, change): (String, (inout TestAggregate) -> Void) in [
      ("no song in it", { $0.songs = [] }),
      ("a summary of songs, without their segments", { $0.leftOut = ["segments_pitches"] }),
      ("/metadata/songs has 4 rows, /analysis/songs 6", { $0.missingMetadata = 2 }),
    ] {
      var wrong = aggregate()
      change(&wrong)
      let (folder, path) = try write(wrong)
      let skipped = #expect(throws: SkippedFile.self) { try TrackReader(segments: 0).contents(of: path) }
      #expect(skipped?.path == path)
      #expect(skipped?.cause.contains(cause) == true, "\(skipped?.cause ?? "none")")
      withExtendedLifetime(folder) {}
    }
  }

  @Test func aRowThatIsNotThereAndAColumnThatIsMissingAreNamed() throws {
    var wrong = aggregate()
    wrong.leftOut = ["idx_segments_pitches"]
    let (folder, path) = try write(wrong)
    let reader = TrackReader(segments: nil)
    let missing = #expect(throws: SkippedFile.self) { try reader.read(SongLocation(path, row: 0)) }
    #expect(missing?.cause.contains("no field idx_segments_pitches") == true)
    let beyond = #expect(throws: SkippedFile.self) { try reader.read(SongLocation(path, row: 6)) }
    #expect(beyond?.cause.contains("there is no song 6 in it, it has 6") == true)
    withExtendedLifetime(folder) {}
  }

  @Test(.enabled(if: RealData.isInstalled)) func theRealAggregateIsReadSongBySong() throws {
    let path = RealData.folder! + "/aggregate/msd_aggregate.h5"
    let reader = TrackReader(segments: 10)
    guard case .aggregate(let songs) = try reader.contents(of: path) else {
      Issue.record("no aggregate")
      return
    }
    #expect(songs == 298)
    let tracks = try (0..<songs).map { try reader.read(SongLocation(path, row: $0)) }
    #expect(tracks.map(\.segmentCount).reduce(0, +) == 234_361)
    #expect(tracks[0].trackID == "TRARBJW128E0788A1A" && tracks[0].segmentCount == 660)
    #expect(Set(tracks.map(\.trackID)).count == 298)
  }
}
