import Diagnosis
import FileAccess
import Foundation

/// Does with a file in a process of its own what this process is about to do with it.
///
/// The library that reads files crashes on some damaged ones and never comes back from others. What it survived once it
/// survives again: the same calls on the same bytes do the same. So a file that is too large or too seldom to be read
/// through another process is tried there first, and then opened here.
public final class TrialProcess {
  /// The command, not meant for people, that must call `serve`.
  public static let command = "try-for-another-process"

  /// What is done with a file at a path.
  public typealias Trial = @Sendable (_ path: String) throws -> Void

  /// Processor time for any file, and so many bytes of it for each further second.
  private static let processorSeconds = 10
  private static let bytesOfSecond = 16 << 20
  /// Address space for any file beside what the process has at its start, and so many times its size more.
  private static let memory = 1536 << 20
  private static let memoryOfByte = 4
  /// How long it may take: a network disk can stand still for minutes.
  private static let patience = 900

  private var child: ChildProcess?

  public init() {}

  /// Tries what is known to the child under a name. Without a child to be had (a test, or no process can be started,
  /// which is told) nothing is tried.
  ///
  /// - Throws: what the trial throws; `badData` where it ends the process or takes too much time.
  public func run(_ trial: String, on path: String) throws {
    guard let child = started() else { return }
    child.channel.setPatience(seconds: Self.patience)
    let request = try JSONEncoder().encode(Request(trial: trial, path: path))
    _ = child.channel.send([UInt8](request))
    switch child.channel.receive() {
    case .message(let bytes):
      let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes))
      guard let answer else { throw Failure(.fault, "\(path): the process that tried it answered with nonsense") }
      if let failure = answer.failure { throw failure }
    case .closed: throw failure(path, child.endingAfterClosing())
    case .nothing:
      self.child = nil
      // A disk may stand still as well as the library: nothing is proven.
      throw Failure(.fault, "\(path): reading it took more than \(Self.patience / 60) minutes")
    }
  }

  private func failure(_ path: String, _ ending: ChildProcess.Ending) -> Failure {
    child = nil
    switch ending {
    case .signalled(ChildLimits.killed):
      return Failure(
        .fault,
        "\(path): the process that tried it was killed (signal \(ChildLimits.killed)), as where a job's memory is "
          + "used up")
    case .signalled(ChildLimits.outOfTime):
      return Failure(.badData, "\(path): damaged: the HDF5 library does not come to an end with it")
    case .signalled(let number):
      return Failure(.badData, "\(path): damaged: the HDF5 library crashes on it (signal \(number))")
    case .exited(let code):
      return Failure(.badData, "\(path): damaged: the HDF5 library ends the program on it (exit code \(code))")
    }
  }

  private func started() -> ChildProcess? {
    if child == nil {
      do {
        child = try ProgramChild.start(Self.command)
      } catch {
        let line =
          "crnn-dist: warning: cannot start a process that tries files first (\(error)); a badly damaged one can end "
          + "this one\n"
        FileHandle.standardError.write(Data(line.utf8))
      }
    }
    return child
  }

  /// In the child: does what it is asked for over standard input until that is closed.
  /// - Returns: false where standard input is no channel of another process.
  public static func serve(_ trials: [String: Trial]) -> Bool {
    guard let channel = ProgramChild.enter(memory: nil) else { return false }
    while case .message(let bytes) = channel.receive() {
      guard let request = try? JSONDecoder().decode(Request.self, from: Data(bytes)),
        let trial = trials[request.trial]
      else { break }
      let size = (try? checkRegularFile(request.path, limit: .max)) ?? 0
      ChildLimits.allow(processorSeconds: processorSeconds + size / bytesOfSecond)
      ChildLimits.allow(memory: memory + size.multipliedReportingOverflow(by: memoryOfByte).partialValue)
      let answer = Answer { try trial(request.path) }
      guard let reply = try? JSONEncoder().encode(answer), channel.send([UInt8](reply)) else { break }
    }
    return true
  }

  private struct Request: Codable {
    let trial: String
    let path: String
  }

  /// How it went.
  private struct Answer: Codable {
    var kind: Failure.Kind?
    var message = ""
    var remedy: String?

    init(_ trial: () throws -> Void) {
      do {
        try trial()
      } catch {
        let failure = Failure(wrapping: error, while: "trying a file")
        (kind, message, remedy) = (failure.kind, failure.message, failure.remedy)
      }
    }

    var failure: Failure? { kind.map { Failure($0, message, remedy: remedy) } }
  }
}
