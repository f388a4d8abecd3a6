import Diagnosis
import Foundation
import HDF5
import Segments
import Tags
import Texts

/// Takes a file of spectrograms apart, checking every part against the others before memory is taken for it.
struct SpectrogramParts {
  let features: Dataset
  let songs: Int
  let bands: Int
  let frames: Int
  let isHalf: Bool
  private let file: File
  /// What the file's parts can hold at most: deflate shrinks to a thousandth at best.
  private let mostBytes: Int

  private static let bestDeflate = 1_100

  init(_ file: File) throws {
    self.file = file
    let size = (try? FileManager.default.attributesOfItem(atPath: file.filePath)[.size] as? Int) ?? 0
    mostBytes = size.multipliedReportingOverflow(by: Self.bestDeflate).partialValue
    guard SpectrogramFile.isSpectrograms(file) else {
      throw Failure(
        .badData, "\(file.filePath): an HDF5 file, but without /features: no file of spectrograms",
        remedy: "make one with scripts/spectrograms, or crnn-dist synthesize --spectrograms")
    }
    features = try file.dataset(SpectrogramFormat.features)
    let shape = features.shape
    let frameRange = SegmentLimits.taken
    guard shape.count == 3, shape[0] >= 1, SpectrogramFormat.bands.contains(shape[1]),
      frameRange.contains(shape[2])
    else {
      throw Self.unlike(
        file, SpectrogramFormat.features, "the shape \(shape)",
        "[songs, bands, frames], 1 to \(SpectrogramFormat.bands.upperBound) bands and to \(frameRange.upperBound) frames"
      )
    }
    (songs, bands, frames) = (shape[0], shape[1], shape[2])
    guard features.element.elementClass == .float, [2, 4].contains(features.element.bytes) else {
      throw Self.unlike(
        file, SpectrogramFormat.features, "\(features.element) elements", "16-bit or 32-bit floats")
    }
    isHalf = features.element.bytes == 2
    try require(songs * bands, frames * features.element.bytes, of: SpectrogramFormat.features)
  }

  func tags() throws -> [String] {
    let dataset = try file.dataset(SpectrogramFormat.tags)
    guard dataset.shape.count == 1, (1...Vocabulary.largestSize).contains(dataset.count) else {
      throw Self.unlike(
        file, SpectrogramFormat.tags, "the shape \(dataset.shape)", "[tags], 1 to \(Vocabulary.largestSize) names")
    }
    return try Vocabulary(strings(dataset), source: file.filePath).names
  }

  func labels(tags: Int) throws -> [UInt8] {
    let dataset = try file.dataset(SpectrogramFormat.labels)
    guard dataset.shape == [songs, tags] else {
      throw Self.unlike(
        file, SpectrogramFormat.labels, "the shape \(dataset.shape)",
        "\([songs, tags]), as /features and /tags have it")
    }
    try require(songs, tags, of: SpectrogramFormat.labels)
    guard dataset.element.isSame(as: .uint8) else {
      throw Self.unlike(file, SpectrogramFormat.labels, "\(dataset.element) elements", "8-bit unsigned integers")
    }
    let labels = try dataset.read(UInt8.self, limit: songs * tags)
    guard let wrong = labels.firstIndex(where: { $0 > 1 }) else { return labels }
    throw Failure(
      .badData,
      "\(file.filePath): /\(SpectrogramFormat.labels): song \(wrong / tags), tag \(wrong % tags): found "
        + "\(labels[wrong]), expected 0 or 1")
  }

  /// One text a song.
  func texts(_ path: String) throws -> PackedTexts {
    let dataset = try file.dataset(path)
    guard dataset.shape == [songs] else {
      throw Self.unlike(file, path, "the shape \(dataset.shape)", "\([songs]), a text for each song of /features")
    }
    let texts = try strings(dataset)
    guard let wrong = texts.firstIndex(where: { $0.isEmpty || $0.utf8.count > SpectrogramFormat.longestText })
    else { return PackedTexts(texts) }
    throw Failure(
      .badData,
      "\(file.filePath): /\(path): song \(wrong) has a text of \(texts[wrong].utf8.count) bytes, expected 1 to "
        + "\(SpectrogramFormat.longestText)")
  }

  func refuseTwins(_ ids: PackedTexts) throws {
    var seen: [String: Int] = [:]
    for song in ids.indices {
      if let twin = seen.updateValue(song, forKey: ids[song]) {
        throw Failure(
          .badData,
          "\(file.filePath): /\(SpectrogramFormat.ids): songs \(twin) and \(song) are both \"\(ids[song].prefix(80))\", "
            + "expected ids that differ")
      }
    }
  }

  private func strings(_ dataset: Dataset) throws -> [String] {
    switch dataset.element.elementClass {
    case .fixedString where dataset.element.bytes <= SpectrogramFormat.longestText: break
    // The texts themselves are in the file's heap, but their references are in the dataset.
    case .variableString: break
    default:
      throw Self.unlike(
        file, dataset.name, "\(dataset.element) elements", "texts of up to \(SpectrogramFormat.longestText) bytes")
    }
    try require(dataset.count, dataset.element.bytes, of: dataset.name)
    return try dataset.readStrings(limit: dataset.count)
  }

  /// Refuses what cannot be in a file of this size.
  private func require(_ count: Int, _ bytes: Int, of name: String) throws {
    let (total, overflow) = count.multipliedReportingOverflow(by: bytes)
    guard !overflow, total <= mostBytes else {
      throw Failure(
        .badData, "\(file.filePath): /\(name) says to hold more than a file of its size can",
        remedy: "is it cut? make or copy it again")
    }
  }

  private static func unlike(_ file: File, _ name: String, _ found: String, _ expected: String) -> Failure {
    Failure(
      .badData, "\(file.filePath): /\(name.drop { $0 == "/" }): found \(found), expected \(expected)",
      remedy: "docs/formats.md describes a file of spectrograms")
  }
}
