import Segments
import Texts

/// What a snapshot keeps of a song beside its segments: one row of each column.
package struct SongRow: Equatable {
  package var trackID: String
  package var title: String
  package var artistName: String
  package var artistID: String
  package var segmentCount: Int
  package var labels: [UInt8]
  /// Of the timbre that the snapshot keeps of it; nil where it keeps none, or no split.
  package var timbre: TimbreSums?

  package init(
    trackID: String, title: String, artistName: String, artistID: String, segmentCount: Int, labels: [UInt8]
  ) {
    self.trackID = trackID
    self.title = title
    self.artistName = artistName
    self.artistID = artistID
    self.segmentCount = segmentCount
    self.labels = labels
  }

  /// The columns of texts, by their paths in a snapshot.
  static let texts: KeyValuePairs<String, WritableKeyPath<SongRow, String> & Sendable> = [
    SnapshotFormat.Path.trackIDs: \.trackID, SnapshotFormat.Path.titles: \.title,
    SnapshotFormat.Path.artistNames: \.artistName, SnapshotFormat.Path.artistIDs: \.artistID,
  ]

  package func write(to message: inout PackedWriter) {
    for text in [trackID, title, artistName, artistID] { message.write(text) }
    message.write(segmentCount)
    message.write(labels)
    message.write(numbers: timbre?.values ?? [])
  }

  package init(from message: inout PackedReader) throws {
    trackID = try message.readText()
    title = try message.readText()
    artistName = try message.readText()
    artistID = try message.readText()
    segmentCount = try message.readInt()
    labels = try message.readBytes()
    let sums: [Double] = try message.readNumbers()
    timbre = sums.isEmpty ? nil : TimbreSums(values: sums)
  }
}
