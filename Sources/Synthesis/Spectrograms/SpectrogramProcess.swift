import Foundation
import RandomNumbers

/// How a song's spectrogram follows from its traits: lines of chords, haze between them, strokes of percussion, noise
/// over all. docs/synthesis.md states it in formulas.
struct SpectrogramProcess {
  /// Frames between two chances of another chord, and between two of a stroke.
  private static let framesOfChord = 16
  private static let framesOfStroke = 24
  /// Decibels.
  private static let noise = 4.0
  private static let line = 14.0
  private static let stroke = 12.0
  private static let range = -80.0...0.0

  private let changeChance: Double
  private let strokeChance: Double
  private let lines: Int
  private let haze: Double
  private let tilt: Double

  init(_ traits: SongTraits) {
    changeChance = 0.05 + 0.9 * traits.strength(.motion)
    strokeChance = 0.9 * traits.strength(.percussion)
    lines = 2 + Int((10 * traits.strength(.density)).rounded())
    haze = 10 * traits.strength(.haze)
    tilt = 16 * (traits.strength(.register) - 0.5)
  }

  /// Decibels `[band][frame]`.
  func decibels(bands: Int, frames: Int, _ stream: inout RandomStream) -> [Float] {
    var values = [Float](repeating: 0, count: bands * frames)
    // Lower bands are louder in music too.
    let base = (0..<bands).map { band in
      let place = bands > 1 ? 2 * Double(band) / Double(bands - 1) - 1 : 0
      return -48 - 8 * place + tilt * place + haze
    }
    var chord = self.chord(bands, &stream)
    var strokeFrame = -Self.framesOfStroke
    for frame in 0..<frames {
      if frame % Self.framesOfChord == 0, frame > 0, stream.chance(changeChance) {
        chord = self.chord(bands, &stream)
      }
      if frame % Self.framesOfStroke == 0, stream.chance(strokeChance) { strokeFrame = frame }
      let sounding = Self.stroke * pow(0.6, Double(frame - strokeFrame))
      for band in 0..<bands {
        let value = base[band] + chord[band] + sounding + Self.noise * stream.normal()
        values[band * frames + frame] = Float(min(max(value, Self.range.lowerBound), Self.range.upperBound))
      }
    }
    return values
  }

  /// What a chord adds to each band.
  private func chord(_ bands: Int, _ stream: inout RandomStream) -> [Double] {
    var chord = [Double](repeating: 0, count: bands)
    for _ in 0..<lines { chord[stream.index(below: bands)] = Self.line }
    return chord
  }
}
