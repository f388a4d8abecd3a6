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
    abstract: "Tells what a track file, tree, Last.fm source, snapshot, checkpoint or configuration is and holds.",
    discussion: """
      Examples:
        crnn-dist inspect songs-252.h5
        crnn-dist inspect configs/large-252.yaml --json

      A configuration or checkpoint is shown layer by layer with output shapes and parameters; a snapshot with the \
      songs left after each step of its making.
      """)

  @Argument(help: "The file or folder.")
  var path: String

  @Flag(help: "Print JSON for machines.")
  var json = false

  func run() throws {
    MPIProgram.run { communicator in
      let kind = try communicator.agree { try kindOfPath() }
      let inspection: (any Inspection)?
      if kind == .folder {
        inspection = try TreeInspection(path, communicator)
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

  private func inspectFile() throws -> any Inspection {
    switch URL(fileURLWithPath: path).pathExtension.lowercased() {
    case "json": return try RecordInspection(path)
    case "yaml", "yml": return try NetworkInspection(configurationAt: path)
    default: return try inspectHierarchicalFile()
    }
  }

  private func inspectHierarchicalFile() throws -> any Inspection {
    let file = try File.open(path)
    switch try? file.textAttribute("format") {
    case "crnn-dist snapshot": return try SnapshotInspection(Snapshot.open(path))
    case "crnn-dist checkpoint": return try NetworkInspection(checkpointAt: path)
    default:
      guard file.contains("analysis/songs"), file.contains("metadata/songs") else {
        throw Failure(
          .badData, "\(path): an HDF5 file, but no track file, snapshot or checkpoint",
          remedy: "it has no /analysis/songs and no attribute format")
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
