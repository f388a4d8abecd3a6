import FileAccess
import Foundation

/// An event file of values that are no scalars.
public final class SummaryFile {
  private let file: AppendedFile

  /// Starts a file in a folder, which is made where it is missing.
  /// - Parameters:
  ///   - folder: where the file is made.
  ///   - resumedAt: the step that a resumed run goes on from; TensorBoard then drops what earlier files say of later
  ///     steps.
  public init(folder: String, resumedAt: Int? = nil) throws {
    file = try AppendedFile(EventFile(folder: folder, resumedAt: resumedAt).path)
  }

  public func write(_ values: [SummaryValue], step: Int, now: Date = Date()) throws {
    guard !values.isEmpty else { return }
    try file.append(Record.framed(Self.event(values, step: step, now: now)))
  }

  /// Puts a whole file of values that belong to no step in place of any at this path. Read before the scalars of its
  /// folder, it has to sort before their files.
  public static func replace(_ path: String, with values: [SummaryValue], now: Date = Date()) throws {
    var version = ProtoFields()
    version.add(1, now.timeIntervalSince1970)
    version.add(3, "brain.Event:2")
    try replaceFile(path, with: Record.framed(version.bytes) + Record.framed(event(values, step: 0, now: now)))
  }

  private static func event(_ values: [SummaryValue], step: Int, now: Date) -> [UInt8] {
    var event = ProtoFields()
    event.add(1, now.timeIntervalSince1970)
    event.add(2, step)
    event.add(5) { summary in for value in values { summary.add(1, value.bytes) } }
    return event.bytes
  }
}
