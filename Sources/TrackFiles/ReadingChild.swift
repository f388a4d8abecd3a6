import FileAccess
import Isolation
import Texts

/// A process of this program that reads track files for another.
///
/// HDF5 crashes on some damaged files, loops on others, and takes all memory for a few. A process that does nothing
/// but read may do so: the one it reads for notes the file and starts another.
public enum ReadingChild {
  /// The name of the command, not meant for people, that must call `serve()`.
  public static let command = "read-for-another-process"

  /// Address space that one may take beside what it has at its start. A song with the most segments takes 300 MB.
  private static let memory = 1536 << 20
  /// After a bad file a process that has taken so much more than at its start ends, and another follows: HDF5 leaks
  /// some memory of what it could not read.
  private static let leakedMemory = 256 << 20
  /// Processor time for one song; the largest real ones take a few milliseconds.
  static let processorSeconds = 10
  /// Answers sent at once while there are more questions.
  private static let mostAnswersHeld = 8
  private static let mostBytesHeld = 48 << 10

  /// Starts one; nil where the program does not offer it.
  /// - Throws: `SystemError` where it cannot be started, or says nothing.
  static func start(_ reader: TrackReader) throws(SystemError) -> ChildProcess? {
    var message = PackedWriter()
    reader.write(to: &message)
    return try ProgramChild.start(command, telling: message.bytes)
  }

  /// Reads what it is asked for over standard input until that is closed.
  /// - Returns: false where standard input is no channel of another process.
  public static func serve() -> Bool {
    guard let channel = ProgramChild.enter(memory: memory) else { return false }
    guard case .message(let first) = channel.receive() else { return true }
    var settings = PackedReader(first)
    guard let reader = try? TrackReader(from: &settings) else { return true }
    let start = ChildLimits.addressSpace ?? 0
    var held = 0
    var sawBadFile = false
    while case .message(let request) = channel.receive() {
      var question = PackedReader(request)
      guard let location = try? SongLocation(from: &question) else { break }
      // Not for every one of those that are answered at once: it is a call of the system.
      if held == 0 { ChildLimits.allow(processorSeconds: processorSeconds) }
      let answer = ReadingAnswer(reader, reading: location)
      var message = PackedWriter()
      answer.write(to: &message)
      if case .bad = answer { sawBadFile = true }
      channel.post(message.bytes)
      held += 1
      if held < mostAnswersHeld, channel.postedBytes < mostBytesHeld, channel.hasMessage { continue }
      guard channel.flush() else { break }
      held = 0
      if sawBadFile, let now = ChildLimits.addressSpace, now - start > leakedMemory { break }
    }
    return true
  }
}
