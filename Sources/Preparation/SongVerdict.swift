import FileTrees
import Tags
import Texts
import TrackFiles

/// What becomes of a location: of a song, of the first step at which it is lost, or that it is kept.
struct SongVerdict {
  var location: SongLocation
  var outcome: Outcome
  /// The song's tags to make a vocabulary of; nil where none are counted, or it has none that count.
  var candidate: Candidate?

  enum Outcome {
    case unreadable(SkippedFile)
    /// A file of so many songs, which are still to be read.
    case aggregate(songs: Int)
    /// A song whose track id an earlier one has.
    case duplicate(Track)
    /// A song that is not joined with tags.
    case unjoined(Track, Loss)
    /// Joined, but with fewer segments than asked for.
    case tooShort(Track, isTagged: Bool)
    /// Joined and long enough, without a tag of the vocabulary.
    case untagged(Track)
    /// A song that passed every step, with one label a tag of the vocabulary.
    case kept(Track, labels: [UInt8])
  }

  /// Why a song is not joined.
  enum Loss {
    case withoutRecord
    case badRecord(SkippedFile)
    case mismatched(Mismatch)
  }

  /// The song; nil for a file that is none.
  var track: Track? {
    switch outcome {
    case .unreadable, .aggregate: nil
    case .duplicate(let track), .unjoined(let track, _), .tooShort(let track, _), .untagged(let track),
      .kept(let track, _):
      track
    }
  }

  /// The file or record that is bad; nil where all could be read.
  var badFile: SkippedFile? {
    switch outcome {
    case .unreadable(let file), .unjoined(_, .badRecord(let file)): file
    default: nil
    }
  }

  /// The verdict on the same song where an earlier one has its track id.
  var asDuplicate: SongVerdict {
    track.map { SongVerdict(location: location, outcome: .duplicate($0)) } ?? self
  }

  /// Whether a file of one song that counts has not its track id for a name.
  var isMisnamed: Bool {
    if case .duplicate = outcome { return false }
    guard let track, location.row == nil else { return false }
    return TrackIdentifier.stem(ofPath: location.path) != track.trackID
  }
}
