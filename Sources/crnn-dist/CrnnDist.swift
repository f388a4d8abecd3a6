import ArgumentParser
import Diagnosis
import Foundation

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
      BenchmarkCommand.self,
      CheckMPICommand.self,
      SynthesizeCommand.self,
    ])

  /// Parses and runs, ending with the exit codes of `Failure.Kind`. What is wrong is told in one line.
  static func main() {
    do {
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

  /// Says what is wrong and exits. A launcher starts every rank with the same line: one of them tells.
  private static func end(with failure: Failure) -> Never {
    if failure.kind != .usage || isFirstOfLaunch {
      FileHandle.standardError.write(Data("crnn-dist: \(failure)\n".utf8))
    }
    Foundation.exit(failure.kind.rawValue)
  }

  /// The parser's message on one line.
  private static func sentence(for error: any Error) -> String {
    message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// Whether this process is rank 0 as far as the launcher's environment says, before MPI has started.
  private static var isFirstOfLaunch: Bool {
    let environment = ProcessInfo.processInfo.environment
    let ranks = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"].compactMap { environment[$0] }
    return ranks.first.map { $0 == "0" } ?? true
  }
}
