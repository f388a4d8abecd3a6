import Diagnosis
import Segments

extension SongFacts {
  /// Far beyond what any song has, and far below where single precision ends.
  private static let range = -1e6...1e6

  /// What a file says of a whole song.
  /// - Parameter columns: those of `SongFacts.columns`, in their order, with the names that the file has for them.
  /// - Throws: `badData` for a value that no song has.
  init(_ path: String, columns: [(name: String, value: Double)], segments: Int, beats: Int, sections: Int) throws {
    if let wrong = columns.first(where: { !Self.range.contains($0.value) }) {
      throw Failure(
        .badData,
        "\(path): \(wrong.name): found \(wrong.value), expected \(Int(Self.range.lowerBound)) to "
          + "\(Int(Self.range.upperBound))")
    }
    self.init(columns: columns.map(\.value), segments: segments, beats: beats, sections: sections)
  }
}
