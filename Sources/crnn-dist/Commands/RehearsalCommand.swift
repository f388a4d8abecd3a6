import ArgumentParser
import Checkpointing
import Diagnosis
import Isolation
import Snapshots

/// Tries files for another process of this program, which starts it.
struct RehearsalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: Rehearsal.command,
    abstract: "Tries files for another crnn-dist; not to be called by hand.", shouldDisplay: false)

  func run() throws {
    let deeds = [
      Checkpoint.rehearsals, Snapshot.rehearsals, Snapshot.formatRehearsals, HierarchicalFileKind.rehearsals,
    ].reduce([:]) { $0.merging($1) { first, _ in first } }
    guard Rehearsal.serve(deeds) else {
      throw Failure(.usage, "\(Rehearsal.command) is called by crnn-dist itself, over a socket")
    }
  }
}
