import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Stopping
import Training

/// Trains a tagger on all ranks.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a tagger on a snapshot, or on a tree of track files, on one rank or many.",
    discussion: """
      Example:
        mpirun -np 4 crnn-dist train --data songs.h5 --out runs/first --config configs/small-252.yaml --epochs 40

      RUN then holds config.yaml (everything resolved: --config RUN/config.yaml repeats the run), metrics.jsonl, \
      checkpoints/ and tensorboard/. SIGTERM, SIGUSR1, SIGINT, SIGQUIT and SIGHUP lead to a checkpoint and exit \
      code 75; the same line with --resume goes on, and so does crnn-dist train --out RUN --resume from any folder.
      """)

  @Option(help: "The folder of the run's files.")
  var out: String

  @Flag(
    help: """
      Go on from the newest good checkpoint in the run's folder, or start afresh where there is none; without --config \
      with the options of RUN/config.yaml. Damaged ones are renamed and said; where one cannot be read now, nothing is \
      done.
      """)
  var resume = false

  @Option(
    help: """
      A file for the first 20 steps of every rank (Chrome trace): reading, each layer's passes, each bucket of gradients \
      waiting and on its way. For chrome://tracing or ui.perfetto.dev.
      """)
  var timeline: String?

  @OptionGroup var live: ProgressOption

  @OptionGroup var options: RunOptions

  func run() throws {
    let own = RunFolder(out).configuration
    let configuration = try options.resolved(
      usual: resume && FileManager.default.fileExists(atPath: own) ? own : nil)
    try configuration.validate()
    MPIProgram.run { world in
      let communicator = WatchedCommunicator(world)
      StopSignal.install()
      let watch = try EarlyEnd(communicator, during: "its files were read")
      defer { watch.end() }
      var run = TrainingRun(configuration, folder: RunFolder(out), resume: resume)
      run.timeline = timeline
      run.recorders = [ProgressReporter(Console(terminal: LiveTerminal.standardError(wanted: live.progress)))]
      run.willTrain = watch.end
      do {
        try run.claimFolder(communicator)
        let songs = try run.songs(communicator)
        try run.train(on: songs, communicator)
      } catch {
        run.abandon()
        throw error
      }
    }
  }
}
