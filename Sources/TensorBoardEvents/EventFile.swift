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

  /// Starts a new file in a folder, which is made where it is missing. It appears with all that it begins with.
  ///
  /// - Parameters:
  ///   - folder: where the file is made.
  ///   - resumedAt: the step a resumed run goes on from; TensorBoard then drops what earlier files say of later steps.
  ///   - scalars: what it begins with, in the order of the steps.
  ///   - now: the time in the file's name and of its start; scalars have their own.
  public init(
    folder: String, resumedAt: Int? = nil, beginningWith scalars: [StepScalar] = [], now: Date = Date()
  ) throws {
    try makeFolders(folder)
    path = Self.freePath(in: folder, now: now)
    var first = ProtoEvent()
    first.wallTime = now.timeIntervalSince1970
    first.fileVersion = "brain.Event:2"
    var bytes = try Self.record(first, path)
    for scalar in scalars {
      if let event = Self.event([(scalar.name, scalar.value)], step: scalar.step, wallTime: scalar.wallTime) {
        bytes += try Self.record(event, path)
      }
    }
    if let resumedAt {
      var start = ProtoEvent()
      start.wallTime = now.timeIntervalSince1970
      start.step = Int64(resumedAt + 1)
      start.sessionLog.status = .start
      bytes += try Self.record(start, path)
    }
    try replaceFile(path, with: bytes)
    file = try AppendedFile(path)
  }

  /// Writes scalars of one step. Values that are not finite are left out: TensorBoard cannot draw them.
  public func write(_ scalars: [(name: String, value: Double)], step: Int, now: Date = Date()) throws {
    guard let event = Self.event(scalars, step: step, wallTime: now.timeIntervalSince1970) else { return }
    try file.append(Self.record(event, path))
  }

  /// Nil where no value is finite.
  private static func event(
    _ scalars: [(name: String, value: Double)], step: Int, wallTime: TimeInterval
  ) -> ProtoEvent? {
    var event = ProtoEvent()
    event.wallTime = wallTime
    event.step = Int64(step)
    event.summary.value = scalars.filter(\.value.isFinite).map { scalar in
      var value = ProtoSummary.Value()
      value.tag = scalar.name
      value.simpleValue = Float(scalar.value)
      return value
    }
    return event.summary.value.isEmpty ? nil : event
  }

  /// Tries once more to write what could not be written before.
  public func flush() throws { try file.flush() }

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

  private static func record(_ event: ProtoEvent, _ path: String) throws -> [UInt8] {
    do {
      return Record.framed([UInt8](try event.serializedData()))
    } catch {
      throw Failure(wrapping: error, while: "\(path): encoding")
    }
  }
}
