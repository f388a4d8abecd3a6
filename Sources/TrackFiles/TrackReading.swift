import FileTrees

/// What was found at a location: a song, an aggregate, or why it cannot be read.
public struct TrackReading: Sendable {
  public var location: SongLocation
  public var result: Result<TrackFileContents, SkippedFile>

  /// The song that is there; an aggregate is none.
  public var song: Result<Track, SkippedFile> {
    result.flatMap { contents in
      switch contents {
      case .song(let track): .success(track)
      case .aggregate(let songs):
        .failure(SkippedFile(path: location.description, cause: "holds \(songs) songs, expected one"))
      }
    }
  }
}

/// What a track file turns out to hold.
public enum TrackFileContents: Sendable, Equatable {
  /// One song, as the data set publishes them.
  case song(Track)
  /// An aggregate: so many songs, in rows from 0.
  case aggregate(songs: Int)
}
