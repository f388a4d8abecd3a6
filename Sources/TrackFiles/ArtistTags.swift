/// Tags of a song's artist that stand in track files.
package enum ArtistTags: String, Sendable {
  /// The Echo Nest's terms: `/metadata/artist_terms`, with weights from 0 to 1.
  case terms
  /// MusicBrainz's tags: `/musicbrainz/artist_mbtags`, weighted by how many people gave them.
  case musicBrainz
  /// The Echo Nest's ids of artists like it: `/metadata/similar_artists`, up to 100, without weights.
  case similarArtists

  /// What stands before each of them where they are words among others: an artist's id is no term.
  package var prefix: String { self == .similarArtists ? "similar:" : "" }

  /// Whether a word is an artist that a song's own is like: it begins as those do.
  package static func isSimilarArtist(_ word: String) -> Bool {
    word.utf8.starts(with: ArtistTags.similarArtists.prefix.utf8)
  }
}
