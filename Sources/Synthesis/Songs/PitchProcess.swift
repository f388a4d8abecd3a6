import Foundation
import RandomNumbers

/// How a song's pitches follow from its traits: a chain of chords with haze and percussion between them.
/// docs/synthesis.md states it in formulas.
struct PitchProcess {
  static let pitchClasses = 12

  private let changeChance: Double
  private let percussionChance: Double
  private let meanNotes: Double
  private let floor: Double
  /// How much each pitch class is played up or down.
  private let emphasis: [Double]

  init(_ traits: SongTraits) {
    changeChance = 0.06 * pow(0.8 / 0.06, traits.strength(.motion))
    percussionChance = 0.4 * traits.strength(.percussion)
    meanNotes = 1 + 5 * traits.strength(.density)
    floor = 0.02 + 0.43 * traits.strength(.haze)
    let upper = traits.strength(.register)
    emphasis = (0..<Self.pitchClasses).map { $0 >= 6 ? 0.3 + 0.7 * upper : 1 - 0.7 * upper }
  }

  /// The song's pitches, [segments][12], row by row: three decimals, each row's largest value exactly 1.
  func pitches(segments: Int, _ stream: inout RandomStream) -> [Double] {
    var pitches: [Double] = []
    pitches.reserveCapacity(segments * Self.pitchClasses)
    var chord = self.chord(&stream)
    for segment in 0..<segments {
      if segment > 0, stream.chance(changeChance) { chord = self.chord(&stream) }
      let row = stream.chance(percussionChance) ? percussion(&stream) : chordal(chord, &stream)
      let largest = row.max() ?? 1
      for value in row { pitches.append((value / largest * 1000).rounded() / 1000) }
    }
    // In 13 % of the real files the first row is all ones: nothing sounds yet.
    if stream.chance(0.13) { for index in 0..<min(Self.pitchClasses, pitches.count) { pitches[index] = 1 } }
    return pitches
  }

  /// Loudness of each pitch class in a chord: notes one to four semitones above one another from a random root.
  private func chord(_ stream: inout RandomStream) -> [Double] {
    let whole = meanNotes.rounded(.down)
    let notes = Int(whole) + (stream.chance(meanNotes - whole) ? 1 : 0)
    var chord = [Double](repeating: 0, count: Self.pitchClasses)
    var note = stream.index(below: Self.pitchClasses)
    for _ in 0..<notes {
      chord[note] = 0.75 + 0.25 * stream.uniform()
      note = (note + 1 + stream.index(below: 4)) % Self.pitchClasses
    }
    return chord
  }

  private func percussion(_ stream: inout RandomStream) -> [Double] {
    (0..<Self.pitchClasses).map { _ in 0.75 + 0.25 * stream.uniform() }
  }

  private func chordal(_ chord: [Double], _ stream: inout RandomStream) -> [Double] {
    zip(chord, emphasis).map { loudness, emphasis in
      max(loudness * (0.9 + 0.1 * stream.uniform()), floor * (0.5 + stream.uniform())) * emphasis
    }
  }
}
