import Diagnosis
import FileAccess
import Splits
import Texts

/// The rows of a snapshot that is being made, on the disk until all songs are known: only then is it known how long the
/// texts of a column are. Rank 0 has one; the segments' values are not in it.
package final class SongRowFile {
  private let file: SpillFile
  /// Read from the file, not asked for yet.
  private var waiting: [SongRow] = []
  private(set) var count = 0
  /// Bytes of the longest text in each column of texts.
  private(set) var widths = [Int](repeating: 0, count: SongRow.texts.count)

  /// - Parameter path: where the file stands for a moment.
  init(_ path: String) throws { file = try SpillFile(path) }

  /// Bytes on the disk.
  var bytes: Int { file.count }

  func append(_ songs: [SongRow]) throws {
    guard !songs.isEmpty else { return }
    var message = PackedWriter()
    for song in songs {
      song.write(to: &message)
      for (column, text) in SongRow.texts.enumerated() {
        widths[column] = max(widths[column], song[keyPath: text.value].utf8.count)
      }
    }
    var head = PackedWriter()
    head.write(songs.count)
    head.write(message.bytes.count)
    try file.append(head.bytes + message.bytes)
    count += songs.count
  }

  /// The next songs, fewer at the end only.
  func next(_ wanted: Int) throws -> [SongRow] {
    while waiting.count < wanted, !file.isAtEnd {
      var head = PackedReader(try file.read(16))
      let songs = try head.readInt()
      var message = PackedReader(try file.read(try head.readInt()))
      for _ in 0..<songs { waiting.append(try SongRow(from: &message)) }
    }
    defer { waiting.removeFirst(min(wanted, waiting.count)) }
    return Array(waiting.prefix(wanted))
  }

  /// Something of every song, from the first on; `next` then begins with the first again.
  package func map<Value>(_ transform: (SongRow) -> Value) throws -> [Value] {
    rewind()
    defer { rewind() }
    var values: [Value] = []
    values.reserveCapacity(count)
    while true {
      let songs = try next(SongRowFile.songsAtOnce)
      if songs.isEmpty { return values }
      for song in songs { values.append(transform(song)) }
    }
  }

  private static let songsAtOnce = 1_024

  /// Lets `next` begin with the first song again.
  func rewind() {
    waiting = []
    file.rewind()
  }
}

extension SplitSongs {
  /// The songs of a snapshot, as far as a split looks at them.
  package init(_ rows: SongRowFile, labels needsLabels: Bool) throws {
    var (trackIDs, artistIDs, artistNames) = (PackedTexts(), PackedTexts(), PackedTexts())
    var labels: [UInt8] = []
    var tagCount = 0
    _ = try rows.map { song in
      trackIDs.append(song.trackID)
      artistIDs.append(song.artistID)
      artistNames.append(song.artistName)
      tagCount = song.labels.count
      if needsLabels { labels += song.labels }
    }
    self.init(
      trackIDs: trackIDs, artistIDs: artistIDs, artistNames: artistNames, labels: labels, tagCount: tagCount)
  }
}
