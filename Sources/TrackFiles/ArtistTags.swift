/// Tags of a song's artist that stand in track files.
package enum ArtistTags: String, Sendable {
  /// The Echo Nest's terms: `/metadata/artist_terms`, with weights from 0 to 1.
  case terms
  /// MusicBrainz's tags: `/musicbrainz/artist_mbtags`, weighted by how many people gave them.
  case musicBrainz
}
