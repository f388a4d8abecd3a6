import Checkpointing
import Diagnosis
import FileAccess
import Foundation

/// The files of a run, by name.
public struct RunFolder: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public var configuration: String { path + "/config.yaml" }
  public var metrics: String { path + "/metrics.jsonl" }
  public var checkpoints: String { path + "/checkpoints" }
  public var tensorBoard: String { path + "/tensorboard" }
  /// What is no scalar of it; made when there is any.
  var tensorBoardDetails: String { tensorBoard + "/details" }
  /// The snapshot that a run makes for itself when it is given a tree.
  public var snapshot: String { path + "/songs.h5" }
  public var best: String { checkpoints + "/best.h5" }

  /// `epoch-0012.h5`, the state at an epoch's end.
  public func checkpoint(epoch: Int) -> String {
    checkpoints + "/epoch-" + "\(epoch)".leftPadded(to: 4, with: "0") + ".h5"
  }

  /// `step-00001200.h5`, the state within an epoch.
  public func checkpoint(step: Int) -> String {
    checkpoints + "/step-" + "\(step)".leftPadded(to: 8, with: "0") + ".h5"
  }

  /// Makes the folders, which count as of no use (`UnfinishedFiles`) until a run begins in them. Throws `fault` where
  /// that fails.
  public func create() throws {
    for folder in [path, checkpoints, tensorBoard] {
      UnfinishedFiles.add(folders: try makeFolders(folder), in: path)
    }
  }

  /// Makes sure that training here takes nothing from anybody. Nothing is changed.
  /// - Parameters:
  ///   - inputs: what the run reads, files and folders.
  ///   - makesSnapshot: whether the run makes itself a snapshot.
  ///   - resume: whether a run that is there is to be gone on with.
  /// - Throws: `usage` where the folder holds a run and `resume` is not given, or files that are not a run's, and where
  ///   it is read from; `missingInput` where it cannot be told.
  func claim(inputs: [String], makesSnapshot: Bool, resume: Bool) throws {
    let claim = OutputClaim(inputs: inputs)
    for folder in [path, checkpoints, tensorBoard] { try claim.folder(folder) }
    try refuseFolders()
    let names = try checkpointNames
    if !resume, let first = names.first {
      let others = names.count - 1
      throw Failure(
        .usage,
        "\(path) already holds a run (\(first)\(others == 0 ? "" : " and \(others) more checkpoint\(others == 1 ? "" : "s")"))",
        remedy: "give --resume to go on with it, or another --out")
    }
    let holdsRun = names.contains { $0 == "best.h5" || $0.hasPrefix("epoch-") || $0.hasPrefix("step-") }
    // A run that was ended before its first checkpoint has left its folders.
    let mayHoldRun = (try? PathKind(of: checkpoints)) == .folder
    try claim.file(
      configuration,
      replacing: .init("the config.yaml of a run", .given) { path in
        try holdsRun || mayHoldRun && RunConfiguration.isConfiguration(path)
      })
    try claim.file(
      metrics,
      replacing: .init("the metrics.jsonl of a run", .given) { path in
        // Read in any case: a resumed run keeps what is in it.
        let isMetrics = try MetricsFile.isMetrics(path)
        return holdsRun || mayHoldRun && isMetrics
      })
    if makesSnapshot {
      // That it is a snapshot is looked at when it is to be replaced.
      try claim.file(
        snapshot, replacing: .init("the songs.h5 of a run", .given, isAt: { _ in holdsRun || mayHoldRun }))
    }
  }

  /// A folder that is named like a checkpoint is none, and would stand in a checkpoint's way at an epoch's end.
  private func refuseFolders() throws {
    guard let name = try Checkpoint.folderNames(in: checkpoints).first else { return }
    throw Failure(
      .usage, "\(checkpoints)/\(name): is a folder, expected a checkpoint, which is a file",
      remedy: "nothing was changed; move it away, then run the same line again")
  }

  /// File names of all checkpoints, oldest first within a kind. Throws `missingInput` where they cannot be listed.
  public var checkpointNames: [String] {
    get throws { try Checkpoint.names(in: checkpoints) }
  }

  /// Gives the damaged checkpoints that a search has passed over other names, so that no new one takes their place.
  /// - Returns: a sentence for each.
  /// - Throws: `fault`.
  func setAside(_ damaged: [CheckpointSearch.Skipped]) throws -> [String] {
    try damaged.map { damaged in
      let aside = try FileAccess.setAside(damaged.path)
      return "passes over a broken checkpoint: \(damaged.failure.message); it is now \(aside)"
    }
  }

  /// Removes the checkpoints that newer ones have made needless: all but the two newest within epochs, and all
  /// but the `epochs` newest at their ends (0: keep these all).
  func prune(keepingEpochs epochs: Int) {
    // What cannot be listed or removed takes room, nothing worse.
    guard let names = try? checkpointNames else { return }
    let steps = names.filter { $0.hasPrefix("step-") }.dropLast(2)
    let ends = names.filter { $0.hasPrefix("epoch-") }
    for name in steps + ends.dropLast(epochs == 0 ? ends.count : epochs) { removeFile(checkpoints + "/" + name) }
  }
}
