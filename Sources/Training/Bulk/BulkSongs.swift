import Diagnosis
import Segments
import Snapshots
import Spectrograms
import Texts

/// The songs of a snapshot or of a file of spectrograms, as `predict` takes them: rows, with what is known of each.
final class BulkSongs {
  let path: String
  private let source: any SongSource
  /// Empty where the file tells none.
  private let titles: PackedTexts

  var count: Int { source.segmentCounts.count }
  /// Tells two sets of songs apart.
  var identity: String { source.identity }

  /// What an HDF5 file is to `predict`.
  enum Kind: Int {
    /// Read as a track file, whatever it turns out to be.
    case tracks, snapshot, spectrograms

    /// Another process looks first. A file that is called as the data set calls a track is taken for one at once.
    /// - Throws: `missingInput` where it cannot be read.
    init(of path: String) throws {
      if TrackIdentifier.isWellFormed(TrackIdentifier.stem(ofPath: path)) {
        self = .tracks
      } else if try Snapshot.isSnapshot(at: path) {
        self = .snapshot
      } else {
        self = try SpectrogramFile.isSpectrograms(at: path) ? .spectrograms : .tracks
      }
    }
  }

  /// - Throws: as `Snapshot.open` or `SpectrogramFile.open`.
  init(_ path: String, _ kind: Kind) throws {
    self.path = path
    if kind == .snapshot {
      let songs = try SnapshotSongs(path)
      (source, titles) = (songs, songs.titles)
    } else {
      (source, titles) = (try SpectrogramSongs(path), [])
    }
  }

  /// Refuses songs of which there is not what a network sees.
  /// - Throws: `badData`.
  func check(for prediction: Prediction) throws {
    try prediction.input.refuseOtherForm(source, checkpoint: prediction.source)
    for network in prediction.networks { try source.refuseOtherRows(than: network) }
  }

  /// The song of a row.
  /// - Throws: `badData` where its values cannot be read.
  func candidate(_ row: Int, for prediction: Prediction) throws -> Prediction.Candidate {
    let input = prediction.input
    var outcome = Prediction.Outcome(path: path, row: row)
    outcome.trackID = source.trackIDs[row]
    if !titles.isEmpty { outcome.title = titles[row] }
    if !source.artistNames.isEmpty { outcome.artistName = source.artistNames[row] }
    let count = source.segmentCounts[row]
    return try prediction.candidate(outcome, segments: count) {
      let window = input.steadyWindow(of: count)
      return try prediction.values(segments: window.count) {
        try source.values(of: $0, song: row, segments: window)
      } ofSong: {
        try source.values(of: $0, songs: row..<row + 1)
      }
    }
  }
}
