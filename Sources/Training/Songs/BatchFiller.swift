import Networks

/// Makes batches of songs.
final class BatchFiller {
  private let store: any SongStore
  private let input: SongInput
  private let counts: [Int]
  private let labels: [UInt8]
  private let tags: Int
  private let isTagged: [Bool]
  private let songs: SongTargets
  private let seed: UInt64
  /// Whether a batch's memory is to serve the next one.
  private let reusesMemory: Bool
  private var batch = Batch(songs: [], segments: [], features: [], labels: [])

  /// - Parameters:
  ///   - labels: `[song][tag]` of the whole source; empty where only predictions are wanted.
  ///   - isTagged: of each song of the source; empty: all are.
  ///   - songs: what is known of whole songs.
  ///   - seed: decides random crops.
  init(
    _ store: any SongStore, _ source: any SongSource, _ input: SongInput, labels: [UInt8], isTagged: [Bool] = [],
    songs: SongTargets = SongTargets(), seed: UInt64, reusesMemory: Bool = true
  ) {
    self.store = store
    self.input = input
    counts = source.segmentCounts
    self.labels = labels
    self.isTagged = isTagged
    self.songs = songs
    tags = labels.isEmpty ? 0 : source.tags.count
    self.seed = seed
    self.reusesMemory = reusesMemory
  }

  /// A batch of these songs.
  /// - Parameter epoch: whose crops are wanted; nil: an evaluation's.
  func batch(of songs: [Int], epoch: Int?) throws -> Batch {
    let windows = songs.map { song in
      epoch.map { input.window(of: counts[song], song: song, epoch: $0, seed: seed) }
        ?? input.steadyWindow(of: counts[song])
    }
    var next = batch
    batch = Batch(songs: [], segments: [], features: [], labels: [])
    next.songs = songs.map { UInt32($0) }
    next.segments = windows.map(\.count)
    let values = next.segments.reduce(0, +) * input.width
    if next.features.count != values { next.features = Array(repeating: 0, count: values) }
    if next.labels.count != songs.count * tags { next.labels = Array(repeating: 0, count: songs.count * tags) }
    var offset = 0
    for (row, song) in songs.enumerated() {
      try store.copy(song, windows[row], input, to: &next.features, at: offset)
      offset += windows[row].count * input.width
      for tag in 0..<tags { next.labels[row * tags + tag] = Float(labels[song * tags + tag]) }
    }
    next.songValues = self.songs.values(of: songs)
    next.auxiliary = labels.isEmpty ? [] : self.songs.targets(of: songs)
    next.isTagged = isTagged.isEmpty || labels.isEmpty ? [] : songs.map { isTagged[$0] }
    if reusesMemory { batch = next }
    return next
  }
}
