import RandomNumbers

/// What a song's pitches show and its tags depend on. A song either has a trait or lacks it, with equal chance
/// and independently of the others.
public enum Trait: Int, CaseIterable, Sendable, Codable {
  /// The upper six pitch classes are played up, not the lower six.
  case register
  /// The chord changes often from one segment to the next.
  case motion
  /// Many notes sound at once.
  case density
  /// The other pitch classes are loud beside the chord.
  case haze
  /// Many segments are percussion: all pitch classes nearly alike.
  case percussion
}

/// One song's traits: whether it has each, and how strongly that shows.
struct SongTraits: Sendable, Equatable {
  /// 1 or -1 a trait: all that the tags depend on.
  let values: [Double]
  /// Between 0 and 1 a trait: 0 to 0.3 for a song that lacks it, 0.7 to 1 for one that has it.
  let strengths: [Double]

  init(_ stream: inout RandomStream) {
    values = Trait.allCases.map { _ in stream.chance(0.5) ? 1 : -1 }
    strengths = values.map { 0.5 + $0 * (0.2 + 0.3 * stream.uniform()) }
  }

  func strength(_ trait: Trait) -> Double { strengths[trait.rawValue] }
}
