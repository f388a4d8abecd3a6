import FileTrees
import TestFolders
import TestTracks
import Testing
import TrackFiles

@Suite struct TrackStreamTests {
  @Test func everyLocationComesOnceInOrderWithWhatIsThere() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write(try TestTrack(trackID: TestSongs.trackID(1), segments: 20).image(), to: "good.h5")
    let songs = [3, 5].enumerated().map { TestAggregate.Song(trackID: TestSongs.trackID($0), segments: $1) }
    let many = try folder.write(try TestAggregate(songs: songs).image(), to: "many.h5")
    let text = try folder.write("text", to: "text.h5")
    let stream = TrackStream(TrackReader(segments: 0), isolated: false)
    stream.add([good, text, many])
    stream.add([SongLocation(many, row: 1), SongLocation(many, row: 2)])

    let first = stream.next(2)
    #expect(first.map(\.location.description) == [good, text])
    #expect(try first[0].song.get().trackID == TestSongs.trackID(1))
    #expect(#expect(throws: SkippedFile.self) { try first[1].song.get() }?.path == text)

    let rest = Array(stream)
    #expect(rest.map(\.location.description) == [many, "\(many)[1]", "\(many)[2]"])
    #expect(rest[0].result == .success(.aggregate(songs: 2)))
    #expect(#expect(throws: SkippedFile.self) { try rest[0].song.get() }?.cause == "holds 2 songs, expected one")
    #expect(try rest[1].song.get().segmentCount == 5)
    #expect(throws: SkippedFile.self) { try rest[2].song.get() }
    #expect(stream.next(3).isEmpty)
  }

  @Test func moreCanBeAddedWhenAllHasBeenRead() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(try TestTrack(trackID: TestSongs.trackID(1), segments: 20).image(), to: "track.h5")
    let stream = TrackStream(TrackReader(segments: 0), isolated: false)
    #expect(stream.next(1).isEmpty)
    stream.add([path])
    #expect(stream.next()?.location == SongLocation(path))
    #expect(stream.next(1).isEmpty)
  }
}
