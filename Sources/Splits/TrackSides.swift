import Texts

/// The side of each of many songs, found by track id.
package struct TrackSides {
  private var songs = [TrackIDSet](repeating: TrackIDSet(), count: 3)

  package init() {}

  /// Of an id that comes twice the first side counts.
  package init(_ sides: some Sequence<(String, SongSide)>) {
    for (trackID, side) in sides where side != .none && self[trackID] == .none {
      songs[Int(side.rawValue)].insert(trackID)
    }
  }

  /// The side of a song; none for one that is on no list, or not known.
  package subscript(_ trackID: String) -> SongSide {
    let side = songs.firstIndex { $0.contains(trackID) }
    return side.flatMap { SongSide(rawValue: UInt8($0)) } ?? .none
  }
}
