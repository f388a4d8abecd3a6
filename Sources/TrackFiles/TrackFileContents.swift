/// What a track file turns out to hold.
public enum TrackFileContents: Sendable, Equatable {
  /// One song, as the data set publishes them.
  case song(Track)
  /// An aggregate: so many songs, in rows from 0.
  case aggregate(songs: Int)
}
