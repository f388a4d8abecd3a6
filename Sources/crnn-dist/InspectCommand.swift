import ArgumentParser
import Diagnosis
import FileAccess
import Foundation
import HierarchicalData
import MessagePassing
import MillionSong

/// Tells what something is and holds.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: """
      Tells what track files (one, a tree, a list), Last.fm tags, a snapshot, checkpoint or configuration are and hold.
      """,
    discussion: """
      Examples:
        crnn-dist inspect songs-252.h5
        crnn-dist inspect configs/large-252.yaml --json

      A configuration or checkpoint is shown layer by layer with output shapes and parameters; a snapshot with the \
      songs left after each step of its making, the table of songs left at --thresholds and the spread of lengths.
      """)

  @Argument(help: "The file or folder.")
  var path: String

  @Option(help: "For a snapshot: tell how many songs have at least so many segments, for each of these.")
  var thresholds = Thresholds.standard

  @Flag(help: "Print JSON for machines.")
  var json = false

  func run() throws {
    MPIProgram.run { communicator in
      let kind = try communicator.agree { try kindOfPath() }
      let inspection: (any Inspection)?
      if kind == .folder {
        inspection = try TreeInspection(path, communicator)
      } else if try communicator.broadcast({ isList() }) {
        inspection = try ListInspection(path, communicator)
      } else {
        inspection = try communicator.agree { communicator.isRoot ? try inspectFile() : nil }
      }
      if communicator.isRoot, let inspection {
        if json { try printJSON(inspection) } else { print(inspection.text) }
      }
    }
  }

  private func kindOfPath() throws -> PathKind {
    do {
      return try PathKind(of: path)
    } catch {
      throw Failure(.missingInput, "\(path): \(error)")
    }
  }

  private var suffix: String { URL(fileURLWithPath: path).pathExtension.lowercased() }

  /// Whatever is text of no other kind.
  private func isList() -> Bool {
    !["json", "yaml", "yml"].contains(suffix) && !LastFMDatabase.isDatabase(path)
      && (try? TrackFiles.form(of: path)) == .list
  }

  private func inspectFile() throws -> any Inspection {
    switch suffix {
    case "json": return try RecordInspection(path)
    case "yaml", "yml": return try NetworkInspection(configurationAt: path)
    default: return LastFMDatabase.isDatabase(path) ? try DatabaseInspection(path) : try inspectHierarchicalFile()
    }
  }

  private func inspectHierarchicalFile() throws -> any Inspection {
    let file = try File.open(path)
    switch try? file.textAttribute("format") {
    case "crnn-dist snapshot": return try SnapshotInspection(Snapshot.open(path), thresholds: thresholds)
    case "crnn-dist checkpoint": return try NetworkInspection(checkpointAt: path)
    default:
      guard file.contains("analysis/songs"), file.contains("metadata/songs") else {
        throw Failure(
          .badData, "\(path): an HDF5 file, but no track file, snapshot or checkpoint",
          remedy: "it has no /analysis/songs and no attribute format")
      }
      if let songs = try TrackInspection.songs(in: path), songs > 1 {
        return try AggregateInspection(path, songs: songs)
      }
      return try TrackInspection(path)
    }
  }
}

/// What was found, for people and for machines.
protocol Inspection: Encodable {
  /// Lines without a final break.
  var text: String { get }
}

/// Lines of a name and a value each, the values below one another; a name without a value is a heading.
func table(_ rows: [(name: String, value: String)]) -> String {
  let width = (rows.filter { !$0.value.isEmpty }.map(\.name.count).max() ?? 0) + 2
  return rows.map { name, value in
    value.isEmpty ? name : name + String(repeating: " ", count: max(1, width - name.count)) + value
  }.joined(separator: "\n")
}
