import MillionSong
import Networks

/// Fills batches into the same memory again and again.
final class BatchFiller {
  private let features: SongFeatures
  private let labels: [UInt8]
  private let tags: Int
  private let segments: Int
  private let width: Int
  private(set) var batch = Batch(songs: [], segments: [], features: [], labels: [])

  /// - Parameter labels: `[song][tag]` of the whole source; empty where only predictions are wanted.
  init(_ features: SongFeatures, labels: [UInt8], tags: Int, segments: Int) {
    self.features = features
    self.labels = labels
    self.tags = labels.isEmpty ? 0 : tags
    self.segments = segments
    width = segments * Track.pitchClasses
  }

  /// Makes `batch` hold these songs.
  func fill(_ songs: some Collection<Int>) {
    if batch.count != songs.count {
      batch.segments = Array(repeating: segments, count: songs.count)
      batch.features = Array(repeating: 0, count: songs.count * width)
      batch.labels = Array(repeating: 0, count: songs.count * tags)
    }
    batch.songs.removeAll(keepingCapacity: true)
    for (row, song) in songs.enumerated() {
      batch.songs.append(UInt32(song))
      features.copy(song, to: &batch.features, at: row * width)
      for tag in 0..<tags { batch.labels[row * tags + tag] = Float(labels[song * tags + tag]) }
    }
  }
}
