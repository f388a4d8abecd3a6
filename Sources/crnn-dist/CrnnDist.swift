import ArgumentParser
import Diagnosis
import Foundation
import Isolation
import MessagePassing

/// The program: commands only, each in its own file.
@main
struct CrnnDist: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crnn-dist",
    abstract: "Trains convolutional-recurrent music taggers on the Million Song Dataset, on one rank or many.",
    discussion: """
      Every command runs alone or under mpirun or srun.

      Example:
        crnn-dist synthesize --out demo --songs 2000
        mpirun -np 2 crnn-dist prepare --msd demo/msd --lastfm demo/lastfm --segments 252 --out demo/songs.h5
        mpirun -np 2 crnn-dist train --data demo/songs.h5 --out runs/demo --config configs/small-252.yaml
      """,
    version: programVersion,
    subcommands: [
      PrepareCommand.self,
      InspectCommand.self,
      TrainCommand.self,
      EvaluateCommand.self,
      PredictCommand.self,
      SplitCommand.self,
      ExportCommand.self,
      ImportCommand.self,
      BenchmarkCommand.self,
      CheckMPICommand.self,
      SynthesizeCommand.self,
      ReadingChildCommand.self,
      TrialCommand.self,
    ])

  /// Parses and runs, ending with the exit codes of `Failure.Kind`. What is wrong is told in one line.
  static func main() {
    ProgramChild.offer()
    do {
      try ArgumentBytes.checkTexts()
      try CommandNames.check(Array(CommandLine.arguments.dropFirst()), of: self)
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      end(with: failure)
    } catch  where exitCode(for: error).isSuccess {
      exit(withError: error)  // --help, --version
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch {
      end(with: Failure(.usage, sentence(for: error), remedy: "see --help"))
    }
  }

  /// Says what is wrong and exits. Before MPI has started every rank of a launch finds the same fault: the first
  /// one tells, and the others leave it the time to, since the launcher ends all when one has ended.
  private static func end(with failure: Failure) -> Never {
    if LaunchEnvironment.current.speaks {
      MPIProgram.tell(failure)
    } else {
      Thread.sleep(forTimeInterval: 0.5)
    }
    Foundation.exit(failure.kind.rawValue)
  }

  /// The parser's message on one line.
  private static func sentence(for error: any Error) -> String {
    message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}
