import DataParallel
import Diagnosis
import FileAccess
import Foundation
import MessagePassing

/// The file that `train --timeline` asks for: the first steps of this start, of all ranks.
final class RunTimeline {
  private let path: String
  private let communicator: any Communicator
  private let events = StepTimeline()
  private var steps = 0
  private var isWritten = false

  /// Enough to see what repeats; a file that browsers still open with hundreds of ranks.
  static let steps = 20

  /// Collective.
  init(_ path: String, _ communicator: any Communicator, _ step: TrainingStep) throws {
    self.path = path
    self.communicator = communicator
    step.timeline = events
    // Clocks of nodes need not agree: all begin together.
    try communicator.barrier()
    events.begin()
  }

  /// Counts a step, and writes the file after the last that it is to show. Collective.
  func ended(_ step: TrainingStep) throws {
    steps += 1
    if steps == Self.steps { try write(step) }
  }

  /// Writes the file, unless it is written. Collective.
  func write(_ step: TrainingStep) throws {
    guard !isWritten else { return }
    isWritten = true
    step.timeline = nil
    let ranks = try communicator.allgather(events.events)
    let hosts = try communicator.allgather(communicator.hostName)
    try communicator.agree {
      guard communicator.isRoot else { return }
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      try replaceFile(path, with: [UInt8](encoder.encode(ChromeTrace(ranks, hosts: hosts))))
    }
  }

  /// Refuses a path where something stands that is no timeline.
  static func claim(_ path: String, inputs: [String]) throws {
    let start = Array(#"{"displayTimeUnit":"#.utf8)
    try OutputClaim(inputs: inputs).file(
      path,
      replacing: .init("a timeline", .given) { try readStart(of: $0, count: start.count) == start })
  }
}
