import Diagnosis
import FileTrees
import Segments
import Tags
import TrackFiles

/// Looks at songs: reads them, finds their tags, joins, labels.
struct SongExaminer {
  var reader: TrackReader
  var tags: any SongTags
  var join: JoinRule
  var labelling: Labelling
  var minimumTagWeight: Double
  /// Shorter songs are left out.
  var fewestSegments: Int

  /// What is done with the tags of a song that joined.
  enum Labelling {
    /// They are looked up in the vocabulary.
    case tags(Vocabulary)
    /// They are counted, to make a vocabulary; no song is labelled.
    case counting
    /// Nothing.
    case none
  }

  /// What reading a location gave.
  struct Reading {
    var location: SongLocation
    var result: Result<TrackFileContents, SkippedFile>
  }

  /// What came of one location.
  struct Finding {
    var location: SongLocation
    var outcome: Outcome

    /// What the other ranks are told of it.
    var mark: Mark {
      switch outcome {
      case .skipped: Mark(trackID: "")
      case .aggregate(let songs): Mark(trackID: "", songs: songs)
      case .read(let track, _): Mark(trackID: track.trackID)
      }
    }
  }

  struct Mark {
    /// Empty for a file that could not be read.
    var trackID: String
    /// For an aggregate, whose songs are still to be read.
    var songs: Int?
  }

  enum Outcome {
    case skipped(SkippedFile)
    case aggregate(songs: Int)
    case read(Track, Joining)
  }

  enum Joining {
    case withoutRecord
    case badRecord(SkippedFile)
    case mismatched(Mismatch)
    /// With one label a tag of the vocabulary.
    case joined(TagRecord, labels: [UInt8])
  }

  /// Reads the song, or looks at the file, that the stream comes to next.
  func read(_ location: SongLocation, from stream: TrackStream) -> Reading {
    Reading(location: location, result: Result { () throws(SkippedFile) in try stream.next() })
  }

  /// Joins songs with their tags, all at once: a source may find many sooner than one by one.
  func join(_ readings: [Reading]) -> [Finding] {
    let tracks = readings.compactMap { if case .success(.song(let track)) = $0.result { track } else { nil } }
    var lookups = tags.records(of: tracks)[...]
    return readings.map { reading in
      let outcome: Outcome =
        switch reading.result {
        case .failure(let file): .skipped(file)
        case .success(.aggregate(let songs)): .aggregate(songs: songs)
        case .success(.song(let track)): .read(track, joining(of: track, lookups.removeFirst()))
        }
      return Finding(location: reading.location, outcome: outcome)
    }
  }

  private func joining(of track: Track, _ lookup: TagLookup) -> Joining {
    switch lookup {
    case .none: return .withoutRecord
    case .bad(let file): return .badRecord(file)
    case .found(let record):
      if let mismatch = join.difference(between: track, and: record) { return .mismatched(mismatch) }
      return .joined(record, labels: labels(of: record))
    }
  }

  private func labels(of record: TagRecord) -> [UInt8] {
    guard case .tags(let vocabulary) = labelling else { return [] }
    return vocabulary.labels(of: record.tags, minimumWeight: minimumTagWeight)
  }
}
