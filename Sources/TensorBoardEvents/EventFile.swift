import Diagnosis
import FileAccess
import Foundation
import SwiftProtobuf

/// An event file that TensorBoard reads: named scalars over steps.
///
/// Each start of a run writes a file of its own; TensorBoard shows all files of a folder as one run.
public final class EventFile {
  public let path: String
  private let file: AppendedFile

  /// Starts a new file in a folder, which is made where it is missing.
  ///
  /// - Parameter resumedAt: the step a resumed run goes on from; TensorBoard then drops what earlier files say of
  ///   later steps.
  public init(folder: String, resumedAt: Int? = nil, now: Date = Date()) throws {
    try makeFolders(folder)
    path = Self.freePath(in: folder, now: now)
    file = try AppendedFile(path, isNew: true)
    var first = ProtoEvent()
    first.wallTime = now.timeIntervalSince1970
    first.fileVersion = "brain.Event:2"
    try write(first)
    if let resumedAt {
      var start = ProtoEvent()
      start.wallTime = now.timeIntervalSince1970
      start.step = Int64(resumedAt + 1)
      start.sessionLog.status = .start
      try write(start)
    }
  }

  /// Writes scalars of one step. Values that are not finite are left out: TensorBoard cannot draw them.
  public func write(_ scalars: [(name: String, value: Double)], step: Int, now: Date = Date()) throws {
    var event = ProtoEvent()
    event.wallTime = now.timeIntervalSince1970
    event.step = Int64(step)
    event.summary.value = scalars.filter(\.value.isFinite).map { scalar in
      var value = ProtoSummary.Value()
      value.tag = scalar.name
      value.simpleValue = Float(scalar.value)
      return value
    }
    if !event.summary.value.isEmpty { try write(event) }
  }

  /// A path where nothing is: TensorBoard wants the time first and `tfevents` in the name.
  private static func freePath(in folder: String, now: Date) -> String {
    let process = ProcessInfo.processInfo
    let stem =
      "events.out.tfevents.\(Int(now.timeIntervalSince1970)).\(process.hostName).\(process.processIdentifier)"
    var number = 0
    var path: String { "\(folder)/\(stem).\(number)" }
    while FileManager.default.fileExists(atPath: path) { number += 1 }
    return path
  }

  private func write(_ event: ProtoEvent) throws {
    let data: Data
    do { data = try event.serializedData() } catch { throw Failure(wrapping: error, while: "\(path): encoding") }
    try file.append(Record.framed([UInt8](data)))
  }
}
