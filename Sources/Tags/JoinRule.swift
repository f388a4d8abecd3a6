import Texts
import TrackFiles

/// When a track and a Last.fm record are the same song.
public enum JoinRule: String, Sendable, Codable, CaseIterable {
  /// Track id, title and artist name, all exactly: the paper's key, since ids alone are not wholly reliable.
  case paper
  /// The same, but that titles and names may differ in how letters are encoded, in case and in white space.
  case normalised
  /// The track id alone.
  case trackID = "track-id"

  /// The first field in which the two differ, or nil where they agree.
  package func difference(between track: Track, and record: TagRecord) -> Mismatch? {
    var fields: [(Mismatch.Field, String, String?)] = [(.trackID, track.trackID, record.trackID)]
    if self != .trackID {
      fields += [(.artist, track.artistName, record.artist), (.title, track.title, record.title)]
    }
    return fields.first { !areEqual($0.1, $0.2 ?? "") }.map { field, _, _ in
      Mismatch(
        trackID: track.trackID, field: field, trackArtist: track.artistName, recordArtist: record.artist ?? "",
        trackTitle: track.title, recordTitle: record.title ?? "")
    }
  }

  private func areEqual(_ first: String, _ second: String) -> Bool {
    if ExactText(first) == ExactText(second) { return true }
    return self == .normalised && ExactText(NormalisedText.of(first)) == ExactText(NormalisedText.of(second))
  }
}
