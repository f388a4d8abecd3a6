import Diagnosis
import Texts

/// An artist with songs on two sides of a split.
public struct ArtistLeak: Sendable, Equatable {
  /// The artist's id, or name where the leak goes by names.
  public var artist: String
  /// One song of each of two sides.
  public var songs: [Int]
  public var sides: [SongSide]
}

extension Split {
  /// Throws `badData` when an artist id is on two sides, naming the artist.
  ///
  /// All songs without an artist id count as one artist's: they might be.
  public func checkNoArtistOnTwoSides(_ songs: SplitSongs) throws {
    let leaks = leaks { ExactText(songs.artistIDs[$0]) }
    guard let first = leaks.first else { return }
    let name = songs.artistNames.isEmpty ? "" : " (\(songs.artistNames[first.songs[0]]))"
    let artist = first.artist.isEmpty ? "without an id" : first.artist + name
    let more = leaks.count == 1 ? "" : "; \(leaks.count - 1) more artists too"
    throw Failure(
      .badData,
      "the artist \(artist) is on two sides of the split: \(songs.trackIDs[first.songs[0]]) is for "
        + "\(first.sides[0].name), \(songs.trackIDs[first.songs[1]]) for \(first.sides[1].name)\(more)")
  }

  /// Artist ids on two sides.
  func artistsOnTwoSides(_ songs: SplitSongs) -> [ArtistLeak] {
    leaks { ExactText(songs.artistIDs[$0]) }
  }

  /// Artist names on two sides, case and white space around them aside. In a split by artist each stands under
  /// two ids: two artists of one name, or one that the data set has twice.
  func namesOnTwoSides(_ songs: SplitSongs) -> [ArtistLeak] {
    guard !songs.artistNames.isEmpty else { return [] }
    return leaks { song in
      let name = songs.artistNames[song].lowercased().drop(while: \.isWhitespace)
      return name.isEmpty ? nil : ExactText(String(name.reversed().drop(while: \.isWhitespace).reversed()))
    }
  }

  /// Keys that songs of two sides have, in the order in which they are noticed.
  private func leaks(by key: (Int) -> ExactText?) -> [ArtistLeak] {
    var firstOfKey: [ExactText: (side: SongSide, song: Int)] = [:]
    var found: [ArtistLeak] = []
    var isTold: Set<ExactText> = []
    for (side, songs) in sides {
      for song in songs {
        guard let key = key(song) else { continue }
        guard let first = firstOfKey[key] else {
          firstOfKey[key] = (side, song)
          continue
        }
        guard first.side != side, isTold.insert(key).inserted else { continue }
        found.append(ArtistLeak(artist: key.text, songs: [first.song, song], sides: [first.side, side]))
      }
    }
    return found
  }
}
