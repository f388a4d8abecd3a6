import Diagnosis
import HDF5
import Tags

extension SnapshotParts {
  /// The words of songs beside their tags.
  /// - Throws: `badData` where they are not what they should be.
  func terms() throws -> SongTerms {
    let count = try file.dataset(SnapshotFormat.Path.termNames).count
    guard count <= TermColumns.most else {
      throw Self.damaged(
        file, "/\(SnapshotFormat.Path.termNames) has \(count) names, expected at most \(TermColumns.most)")
    }
    let names =
      count == 0 ? [] : try textDataset(SnapshotFormat.Path.termNames, count: count).readStrings(limit: count)
    let ends = try file.dataset(SnapshotFormat.Path.termStarts)
    guard ends.shape == [songs + 1], try fits(songs + 1, MemoryLayout<Int64>.size) else {
      throw Self.damaged(
        file, "/\(SnapshotFormat.Path.termStarts) has the shape \(ends.shape), expected \([songs + 1])")
    }
    let starts = try ends.read(Int64.self, limit: songs + 1)
    let numbers = try file.dataset(SnapshotFormat.Path.termNumbers)
    let weights = try file.dataset(SnapshotFormat.Path.termWeights)
    let total = numbers.shape.count == 1 ? numbers.shape[0] : -1
    guard total >= 0, weights.shape == [total], try fits(total, 2 * MemoryLayout<Int32>.size) else {
      throw Self.damaged(
        file,
        "/\(SnapshotFormat.Path.termNumbers) has the shape \(numbers.shape), /\(SnapshotFormat.Path.termWeights) "
          + "\(weights.shape): expected one number a word")
    }
    guard starts.first == 0, starts.last == Int64(total), zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 })
    else {
      throw Self.damaged(file, "/\(SnapshotFormat.Path.termStarts) does not rise from 0 to \(total)")
    }
    let terms = SongTerms(
      names: names, starts: starts.map(Int.init), numbers: try numbers.read(Int32.self, limit: total),
      weights: try weights.read(Float.self, limit: total))
    guard terms.areSound else {
      throw Self.damaged(
        file,
        "/\(SnapshotFormat.Path.termNumbers) or /\(SnapshotFormat.Path.termWeights) has values outside 0 to "
          + "\(count - 1), or 0 to 1")
    }
    return terms
  }
}
