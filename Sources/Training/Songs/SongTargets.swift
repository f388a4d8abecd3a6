import Segments
import Tags

/// What a run knows of whole songs, in memory: numbers that the network sees, scaled, and auxiliary targets that it learns.
struct SongTargets {
  private let width: Int
  /// `[place][value]`, and of each song its place; −1: it is not here.
  private let values: [Float]
  private let places: [Int]
  private let terms: SongTerms?
  /// Of each word its column among the targets; −1: it is none.
  private let columns: [Int]
  private let outputs: Int

  /// Nothing of any song.
  init() {
    (width, outputs) = (0, 0)
    (values, places, columns, terms) = ([], [], [], nil)
  }

  /// - Parameters:
  ///   - songs: those whose numbers are wanted.
  ///   - chosen: the words that are targets, as places in the source's names; empty: none.
  init(_ source: any SongSource, _ input: SongInput, songs: [Int], chosen: [Int]) throws {
    width = input.songWidth
    outputs = chosen.count
    terms = chosen.isEmpty ? nil : source.terms
    var columns = [Int](repeating: -1, count: terms?.names.count ?? 0)
    for (column, word) in chosen.enumerated() { columns[word] = column }
    self.columns = columns
    var values: [Float] = []
    var places = [Int](repeating: -1, count: width > 0 ? source.segmentCounts.count : 0)
    if width > 0 {
      values.reserveCapacity(songs.count * width)
      for range in consecutive(songs) {
        let parts = try input.features.ofSong.map { ($0.width, try source.values(of: $0, songs: range)) }
        for (row, song) in range.enumerated() {
          places[song] = values.count / width
          values += input.scaled(songValues: parts.flatMap { $1[row * $0..<(row + 1) * $0] })
        }
      }
    }
    (self.values, self.places) = (values, places)
  }

  /// Bytes that so many songs take.
  static func bytes(_ input: SongInput, songs: Int) -> Int { songs * input.songWidth * MemoryLayout<Float>.stride }

  /// `[song][value]`
  func values(of songs: [Int]) -> [Float] {
    width == 0 ? [] : songs.flatMap { values[places[$0] * width..<(places[$0] + 1) * width] }
  }

  /// `[song][target]`
  func targets(of songs: [Int]) -> [Float] {
    guard let terms else { return [] }
    var targets = [Float](repeating: 0, count: songs.count * outputs)
    for (row, song) in songs.enumerated() {
      terms.write(song: song, columns: columns, to: &targets, at: row * outputs)
    }
    return targets
  }
}
