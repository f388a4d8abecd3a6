import RandomNumbers

/// All that is decided about a song before its arrays are drawn: a pure function of the parameters and the song's
/// number, cheap enough to be made for every song on every rank.
struct SongPlan: Sendable {
  let number: Int
  let trackID: String
  let songID: String
  let title: String
  let artist: Artist
  let segments: Int
  let traits: SongTraits
  /// Each tag's probability, given the traits.
  let probabilities: [Double]
  /// The tags drawn, 1 for each that the song has.
  let labels: [UInt8]
  let record: RecordFate

  /// What becomes of the song's Last.fm record.
  enum RecordFate: Sendable, Equatable {
    case missing
    case present(isMismatched: Bool, tags: TagFate)
  }

  enum TagFate: Sendable, Equatable {
    case empty
    case othersOnly
    case drawn
  }

  struct Artist: Sendable, Equatable {
    let number: Int
    let id: String
    let name: String
  }

  init(_ parameters: SynthesisParameters, number: Int, process: TagProcess) {
    self.number = number
    let seed = parameters.seed
    var stream = RandomStream(seed: seed, purpose: .synthesis, first: UInt32(number), second: Use.plan.rawValue)
    traits = SongTraits(&stream)
    probabilities = process.probabilities(traits.values)
    labels = probabilities.map { stream.chance($0) ? 1 : 0 }
    record = Self.fate(parameters, &stream)
    segments = SongLength.segments(atShare: stream.uniform())
    title = Names.title(&stream)
    trackID = Names.id("TR", "128F", number: number, seed: seed, &stream)
    songID = Names.id("SO", "12A8", number: number, seed: seed, &stream)
    // Every sixteen songs share four artists: most artists have several songs.
    artist = Self.artist(number / 16 * 4 + stream.index(below: 4), seed: seed)
  }

  /// The track id alone, as `init` makes it.
  static func trackID(_ parameters: SynthesisParameters, number: Int, process: TagProcess) -> String {
    SongPlan(parameters, number: number, process: process).trackID
  }

  private static func fate(_ parameters: SynthesisParameters, _ stream: inout RandomStream) -> RecordFate {
    let isMissing = stream.chance(parameters.missingShare)
    let isMismatched = stream.chance(parameters.mismatchedShare)
    let position = stream.uniform()
    if isMissing { return .missing }
    let tags: TagFate =
      position < parameters.emptyShare
      ? .empty : position < parameters.emptyShare + parameters.otherTagsShare ? .othersOnly : .drawn
    return .present(isMismatched: isMismatched, tags: tags)
  }

  private static func artist(_ number: Int, seed: UInt64) -> Artist {
    var stream = RandomStream(seed: seed, purpose: .synthesis, first: UInt32(number), second: Use.artist.rawValue)
    return Artist(
      number: number, id: Names.id("AR", "1187", number: number, seed: seed, &stream), name: Names.artist(&stream))
  }
}

/// The streams of random numbers of one song, so that a change in one leaves the others as they are.
enum Use: UInt32 {
  case plan = 1
  case pitches = 2
  case analysis = 3
  case metadata = 4
  case record = 5
  case artist = 6
  case spectrogram = 7
  case similarArtist = 8
}
