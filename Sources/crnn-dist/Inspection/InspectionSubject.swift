import Diagnosis
import FileAccess
import Foundation
import Tags
import TrackFiles

/// What a path turns out to be.
enum Subject: String, Codable {
  case folder, run, list, aggregate, track, record, database, snapshot, spectrograms, checkpoint, configuration

  /// - Throws: `missingInput` where there is nothing, `badData` for a file of no known kind.
  init(of path: String) throws {
    do {
      if try PathKind(of: path) == .folder {
        self = RunInspection.isRun(path) ? .run : .folder
        return
      }
    } catch {
      throw Failure(.missingInput, "\(path): \(error)")
    }
    switch URL(fileURLWithPath: path).pathExtension.lowercased() {
    case "json": self = .record
    case "yaml", "yml": self = .configuration
    default:
      if LastFMDatabase.isDatabase(path) {
        self = .database
      } else if (try? TrackFileSearch.form(of: path)) == .list {
        // Whatever is text of no other kind.
        self = .list
      } else {
        self = try Subject(ofHDF5File: path)
      }
    }
  }

  private init(ofHDF5File path: String) throws {
    self =
      switch try HDF5FileKind(of: path) {
      case .snapshot: .snapshot
      case .checkpoint: .checkpoint
      case .spectrograms: .spectrograms
      case .track: try TrackInspection.songs(in: path) ?? 1 > 1 ? .aggregate : .track
      }
  }

  var inWords: String {
    switch self {
    case .folder: "a folder"
    case .run: "a run's folder"
    case .list: "a list of track files"
    case .aggregate, .track: "a track file"
    case .record: "a Last.fm record"
    case .database: "a database of Last.fm tags"
    case .snapshot: "a snapshot"
    case .spectrograms: "a file of spectrograms"
    case .checkpoint: "a checkpoint"
    case .configuration: "a configuration"
    }
  }
}
