import ArgumentParser
import Checkpointing
import Diagnosis
import Isolation
import ModelExchange
import Snapshots
import Spectrograms
import Training

/// Tries files for another process of this program, which starts it.
struct TrialCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: TrialProcess.command,
    abstract: "Tries files for another crnn-dist; not to be called by hand.", shouldDisplay: false)

  func run() throws {
    let trials = [
      Checkpoint.trials, Snapshot.trials, Snapshot.formatTrials, HDF5FileKind.trials, PredictionsFile.trials,
      SpectrogramFile.trials, SpectrogramFile.kindTrials,
      KerasWeights.trials, TagFormat.trials,
    ].reduce([:]) { $0.merging($1) { first, _ in first } }
    guard TrialProcess.serve(trials) else {
      throw Failure(.usage, "\(TrialProcess.command) is called by crnn-dist itself, over a socket")
    }
  }
}
