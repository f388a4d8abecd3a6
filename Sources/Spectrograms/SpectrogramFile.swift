import Diagnosis
import Foundation
import HDF5
import Isolation
import Segments
import Tags
import Texts

/// A file of mel spectrograms opened for reading: all but the spectrograms is in memory, these are read song by song.
///
/// Not Sendable: one thread at a time uses it.
public final class SpectrogramFile {
  public let path: String
  public let bands: Int
  public let frames: Int
  /// Whether values are kept in half precision.
  public let isHalf: Bool
  /// Tag names in the order of the labels' columns.
  public let tags: [String]
  public let ids: PackedTexts
  /// An artist for each song; nil where the file tells none.
  public let artists: PackedTexts?
  /// `[song][tag]`, 0 or 1.
  public let labels: [UInt8]
  /// A hash of ids, tags and shape, in order.
  public let identity: String
  private let features: Dataset
  /// Keeps the file open as long as its datasets.
  private let file: File

  public var songs: Int { ids.count }

  /// Opens a file and checks all of it but the values. Another process tries it first, since damage can make the library
  /// crash before anything is checked.
  ///
  ///     let file = try SpectrogramFile.open("spectrograms.h5")
  ///     let frames = try file.values(songs: 0..<1).floats
  ///
  /// - Throws: `missingInput` where there is no such file, `badData` where it holds something else, or is damaged.
  public static func open(_ path: String) throws -> SpectrogramFile {
    try TrialProcess().run(trial, on: path)
    return try SpectrogramFile(path)
  }

  private static let trial = "spectrograms"
  /// What is tried of a file before it is opened: the same, and to find every chunk of the values.
  public static let trials: [String: TrialProcess.Trial] = [
    trial: { try SpectrogramFile($0).features.checkChunks() }
  ]

  /// Whether a file is to be taken for one of spectrograms: no other file of this program has the values there.
  public static func isSpectrograms(_ file: File) -> Bool { file.contains(SpectrogramFormat.features) }

  private init(_ path: String) throws {
    let file = try File.open(path)
    let parts = try SpectrogramParts(file)
    self.path = path
    self.file = file
    features = parts.features
    (bands, frames, isHalf) = (parts.bands, parts.frames, parts.isHalf)
    tags = try parts.tags()
    labels = try parts.labels(tags: tags.count)
    let ids = try parts.texts(SpectrogramFormat.ids)
    try parts.refuseTwins(ids)
    self.ids = ids
    artists = file.contains(SpectrogramFormat.artists) ? try parts.texts(SpectrogramFormat.artists) : nil
    var hash = Fingerprint()
    hash.add("\(bands) bands, \(frames) frames, \(ids.count) songs, \(tags.count) tags")
    for index in ids.indices { hash.add(ids[index]) }
    for tag in tags { hash.add(tag) }
    identity = hash.text
  }

  /// Songs in a row: `[song][frame][band]`, which is the order of time.
  /// - Throws: `badData` where the file is damaged, or a value is no number that a spectrogram can have.
  public func values(songs: Range<Int>) throws -> SegmentValues {
    precondition(songs.lowerBound >= 0 && songs.upperBound <= self.songs, "songs of the file")
    if isHalf {
      let halves = try features.read(HalfFloat.self, rows: songs).map(\.bits)
      if let wrong = halves.firstIndex(where: { $0 & 0x7C00 == 0x7C00 }) {
        throw notANumber(wrong, SegmentValues.floatsOfHalves[Int(halves[wrong])], first: songs.lowerBound)
      }
      return .halves(turned(halves))
    }
    let floats = try features.read(Float.self, rows: songs)
    let range = Feature.spectrogram.range
    if let wrong = floats.firstIndex(where: { !range.contains(Double($0)) }) {
      throw notANumber(wrong, floats[wrong], first: songs.lowerBound)
    }
    return .floats(turned(floats))
  }

  /// From `[song][band][frame]` to `[song][frame][band]`.
  private func turned<Value>(_ values: [Value]) -> [Value] {
    let (bands, frames) = (bands, frames)
    let block = 16
    return [Value](unsafeUninitializedCapacity: values.count) { target, count in
      for song in stride(from: 0, to: values.count, by: bands * frames) {
        // A few bands at a time, whose rows stay in cache.
        for first in stride(from: 0, to: bands, by: block) {
          for frame in 0..<frames {
            for band in first..<min(first + block, bands) {
              target.initializeElement(
                at: song + frame * bands + band, to: values[song + band * frames + frame])
            }
          }
        }
      }
      count = values.count
    }
  }

  private func notANumber(_ place: Int, _ value: Float, first: Int) -> Failure {
    let (song, rest) = (first + place / (bands * frames), place % (bands * frames))
    let range = Feature.spectrogram.range
    return Failure(
      .badData,
      "\(path): /features: song \(song) (\(ids[song].prefix(80))), band \(rest / frames), frame \(rest % frames): found "
        + "\(value), expected decibels from \(Int(range.lowerBound)) to \(Int(range.upperBound))",
      remedy: "make the file again without that song")
  }
}
