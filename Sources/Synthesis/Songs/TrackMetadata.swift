import HDF5
import RandomNumbers

/// What the file says of the artist and the release; made up, and no hint at the tags.
struct TrackMetadata {
  let similarArtists: [String]
  let terms: [String]
  let termFrequencies: [Double]
  let termWeights: [Double]
  let musicBrainzTags: [String]
  let year: Int32
  private let release: String
  private let location: String
  private let hotness: Double
  private let familiarity: Double
  private let loudness: Double
  private let key: Int32
  private let mode: Int32
  private let digest: String

  init(_ stream: inout RandomStream) {
    // A stretch of a few hundred: as in the real files, some are like many.
    let like = stream.index(below: 200)
    similarArtists = (like..<like + 100).map(Names.similarArtist)
    let first = stream.index(below: OtherTags.names.count)
    let termCount = 10 + stream.index(below: 30)
    terms = (0..<termCount).map { OtherTags.names[(first + $0) % OtherTags.names.count] }
    termFrequencies = terms.map { _ in stream.uniform() }
    termWeights = terms.indices.map { 1 / Double($0 + 1) }
    // Empty in nearly half of the real files; a year of 0 is an unknown one.
    musicBrainzTags = stream.chance(0.46) ? [] : Array(terms.prefix(1 + stream.index(below: 5)))
    year = stream.chance(0.31) ? 0 : Int32(1960 + stream.index(below: 51))
    release = Names.title(&stream)
    location = stream.chance(0.4) ? "" : Names.word(&stream, syllables: 3)
    hotness = stream.uniform()
    familiarity = stream.uniform()
    loudness = rounded(-4 - 16 * stream.uniform(), 3)
    key = Int32(stream.index(below: 12))
    mode = Int32(stream.index(below: 2))
    digest = (0..<32).map { _ in String(stream.index(below: 16), radix: 16) }.joined()
  }

  func fillAnalysis(_ record: inout Record, _ plan: SongPlan, _ analysis: TrackAnalysis) throws {
    try record.set("analysis_sample_rate", Int32(22_050))
    try record.set("audio_md5", digest)
    try record.set("duration", analysis.duration)
    try record.set("start_of_fade_out", rounded(analysis.duration * 0.97, 3))
    try record.set("key", key)
    try record.set("key_confidence", rounded(familiarity, 3))
    try record.set("loudness", loudness)
    try record.set("mode", mode)
    try record.set("mode_confidence", rounded(hotness, 3))
    try record.set("tempo", analysis.tempo)
    try record.set("time_signature", Int32(4))
    try record.set("time_signature_confidence", 1.0)
    try record.set("track_id", plan.trackID)
  }

  func fillMetadata(_ record: inout Record, _ plan: SongPlan) throws {
    try record.set("artist_7digitalid", Int32(plan.artist.number))
    try record.set("artist_familiarity", familiarity)
    try record.set("artist_hotttnesss", hotness)
    try record.set("artist_id", plan.artist.id)
    try record.set("artist_latitude", Double.nan)
    try record.set("artist_location", location)
    try record.set("artist_longitude", Double.nan)
    try record.set("artist_name", plan.artist.name)
    try record.set("artist_playmeid", Int32(-1))
    try record.set("release", release)
    try record.set("release_7digitalid", Int32(plan.number))
    try record.set("song_hotttnesss", hotness)
    try record.set("song_id", plan.songID)
    try record.set("title", plan.title)
    try record.set("track_7digitalid", Int32(plan.number))
  }
}
