import Diagnosis
import Foundation
import Isolation

/// The newest whole checkpoint of a folder, and the broken ones that were passed over.
public struct CheckpointSearch: Sendable {
  public struct Skipped: Sendable, Equatable {
    public let path: String
    /// Why it was skipped.
    public let failure: Failure
  }

  /// The checkpoint with the highest step of those that are whole; nil where there is none.
  public let newest: Checkpoint?
  /// Files that are broken, in the order they were tried.
  public let skipped: [Skipped]
}

extension Checkpoint {
  /// Looks through a folder's `.h5` files, the highest `step` first, until one is whole.
  ///
  /// A folder that does not exist has no checkpoints. A file written by a newer program is an error: going on
  /// from an older one would silently lose work.
  public static func newestGood(in folder: String) throws -> CheckpointSearch {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".h5") && !$0.hasPrefix(".") }
    let rehearsal = Rehearsal()
    var skipped: [CheckpointSearch.Skipped] = []
    var candidates: [(step: Int, path: String)] = []
    for path in names.sorted().map({ folder + "/" + $0 }) {
      guard let head = try passingOverBroken(path, &skipped, { try head(ofFile: path, rehearsal) }) else {
        continue
      }
      guard head.version <= Int64(formatVersion) else { throw newerFailure(path, head.version) }
      candidates.append((head.step, path))
    }
    // Of two with the same step the later name wins: `epoch-0002.h5` before `best.h5`.
    for candidate in candidates.sorted(by: { ($0.step, $0.path) > ($1.step, $1.path) }) {
      if let checkpoint = try passingOverBroken(candidate.path, &skipped, { try read(candidate.path, rehearsal) })
      {
        return CheckpointSearch(newest: checkpoint, skipped: skipped)
      }
    }
    return CheckpointSearch(newest: nil, skipped: skipped)
  }

  private static func passingOverBroken<Value>(
    _ path: String, _ skipped: inout [CheckpointSearch.Skipped], _ body: () throws -> Value
  ) throws -> Value? {
    do {
      return try body()
    } catch let failure as Failure {
      skipped.append(.init(path: path, failure: failure))
      return nil
    }
  }
}
