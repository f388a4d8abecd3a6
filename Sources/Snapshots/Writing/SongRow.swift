import Segments
import Tags
import Texts
import TrackFiles

/// What a snapshot keeps of a song beside its segments: one row of each column.
package struct SongRow: Equatable {
  package var trackID: String
  package var title: String
  package var artistName: String
  package var artistID: String
  package var segmentCount: Int
  package var labels: [UInt8]
  /// Of what the snapshot keeps of its segments, for each feature that is scaled; empty where it keeps no split.
  package var sums: [FeatureSums] = []
  /// Words beside the tags, each once, with weights from 0 to 1; empty where the snapshot keeps none.
  package var terms: [WeightedTag] = []

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
    message.write(sums.count)
    for sums in sums { message.write(numbers: sums.values) }
    message.write(terms.count)
    for term in terms { term.write(to: &message) }
  }

  package init(from message: inout PackedReader) throws {
    trackID = try message.readText()
    title = try message.readText()
    artistName = try message.readText()
    artistID = try message.readText()
    segmentCount = try message.readInt()
    labels = try message.readBytes()
    for _ in 0..<(try message.readInt()) {
      let values: [Double] = try message.readNumbers()
      sums.append(FeatureSums(values: values))
    }
    for _ in 0..<(try message.readInt()) { terms.append(try WeightedTag(from: &message)) }
  }
}
