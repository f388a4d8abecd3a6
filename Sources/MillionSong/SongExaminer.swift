import Diagnosis

/// Looks at one track file after the other: reads it, finds its Last.fm record, joins, filters, labels.
struct SongExaminer {
  var reader: TrackReader
  var records: LastFMTree
  var join: JoinRule
  /// nil while the vocabulary is still being counted: then no song is labelled.
  var vocabulary: Vocabulary?
  var minimumTagWeight: Double
  var segments: Int

  /// What came of one track file.
  struct Finding {
    var path: String
    var reading: Reading
  }

  enum Reading {
    case skipped(SkippedFile)
    case read(Track, Joining)
  }

  enum Joining {
    case withoutRecord
    case badRecord(SkippedFile)
    case mismatched(Mismatch)
    /// With one label a tag of the vocabulary.
    case joined(LastFMRecord, labels: [UInt8])
  }

  func examine(_ path: String) -> Finding {
    do {
      let track = try reader.read(path)
      return Finding(path: path, reading: .read(track, joining(of: track)))
    } catch {
      return Finding(path: path, reading: .skipped(error))
    }
  }

  private func joining(of track: Track) -> Joining {
    guard let path = records.path(of: track.trackID) else { return .withoutRecord }
    do {
      let record = try LastFMRecord.read(path)
      if let mismatch = join.difference(between: track, and: record) { return .mismatched(mismatch) }
      return .joined(
        record, labels: vocabulary?.labels(of: record.tags, minimumWeight: minimumTagWeight) ?? [])
    } catch {
      return .badRecord(error)
    }
  }
}

/// A song that passed every step, as one row of a snapshot.
struct KeptSong: Equatable {
  var trackID: String
  var title: String
  var artistName: String
  var artistID: String
  var segmentCount: Int
  var labels: [UInt8]

  init(_ track: Track, labels: [UInt8]) {
    trackID = track.trackID
    title = track.title
    artistName = track.artistName
    artistID = track.artistID
    segmentCount = track.segmentCount
    self.labels = labels
  }

  func write(to message: inout PackedWriter) {
    for text in [trackID, title, artistName, artistID] { message.write(text) }
    message.write(segmentCount)
    message.write(labels)
  }

  init(from message: inout PackedReader) throws {
    trackID = try message.readText()
    title = try message.readText()
    artistName = try message.readText()
    artistID = try message.readText()
    segmentCount = try message.readInt()
    labels = try message.readBytes()
  }
}
