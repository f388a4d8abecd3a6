import Texts

/// The side of each of many songs, found by track id.
package struct TrackSides {
  private var songs = BySide { _ in TrackIDSet() }

  package init() {}

  /// Of an id that comes twice the first side counts.
  package init(_ sides: some Sequence<(String, SongSide?)>) {
    for (trackID, side) in sides {
      if let side, self[trackID] == nil { songs[side].insert(trackID) }
    }
  }

  /// The side of a song; nil for one that is on no list, or not known.
  package subscript(_ trackID: String) -> SongSide? {
    SongSide.allCases.first { songs[$0].contains(trackID) }
  }
}
