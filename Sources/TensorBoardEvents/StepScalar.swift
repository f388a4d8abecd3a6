import Diagnosis
import FileAccess
import Foundation
import SwiftProtobuf

/// A named number of one step.
public struct StepScalar: Equatable, Sendable {
  public var name: String
  public var step: Int
  public var value: Double
  /// When it was found, in seconds since 1970.
  public var wallTime: TimeInterval

  public init(_ name: String, step: Int, _ value: Double, wallTime: TimeInterval) {
    (self.name, self.step, self.value, self.wallTime) = (name, step, value, wallTime)
  }

  /// The paths of a folder's event files.
  public static func eventFiles(in folder: String) -> [String] {
    ((try? FolderListing(of: folder))?.files ?? []).filter { $0.hasPrefix("events.out.tfevents.") }.sorted().map {
      folder + "/" + $0
    }
  }

  /// All scalars of an event file, up to where it is torn; nil where it cannot be read, or holds anything that this
  /// program does not write: it is somebody else's then.
  public static func all(ofFile path: String) -> [StepScalar]? {
    guard let bytes = try? readWholeFile(path, limit: 1 << 30) else { return nil }
    var scalars: [StepScalar] = []
    for data in Record.data(in: bytes) {
      guard let event = try? ProtoEvent(serializedBytes: Data(data)), event.unknownFields.data.isEmpty else {
        return nil
      }
      switch event.what {
      case .fileVersion, .sessionLog, nil: continue
      case .summary(let summary):
        for value in summary.value {
          guard case .simpleValue(let number) = value.value, value.unknownFields.data.isEmpty else { return nil }
          scalars.append(
            StepScalar(value.tag, step: Int(event.step), Double(number), wallTime: event.wallTime))
        }
      }
    }
    return scalars
  }
}
