import ArgumentParser
import Diagnosis
import TrackFiles

/// Reads track files for another process of this program, which starts it.
struct ReadingChildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: ReadingChild.command,
    abstract: "Reads track files for another crnn-dist; not to be called by hand.", shouldDisplay: false)

  func run() throws {
    guard ReadingChild.serve() else {
      throw Failure(.usage, "\(ReadingChild.command) is called by crnn-dist itself, over a socket")
    }
  }
}
