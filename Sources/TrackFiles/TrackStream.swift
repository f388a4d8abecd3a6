import Diagnosis
import FileAccess
import FileTrees
import Isolation
import MessagePassing
import Texts

/// Reads songs one after the other, in a process of its own where that can be had, and ahead of their use.
///
/// The readings come in the order of the locations, one for each, whatever a file does to the process that reads it.
/// When that ends, those that were asked for are asked for again one by one, in a new process. One that ends this too
/// is tried once more by itself, since an earlier file may have done the damage; then it is bad. Processor time is
/// limited.
///
///     let stream = TrackStream(TrackReader(segments: 252))
///     stream.add(paths)
///     for reading in stream { print(reading.location, reading.song) }
public final class TrackStream: Sequence, IteratorProtocol {
  private let reader: TrackReader
  private var upcoming: [AnyIterator<SongLocation>] = []
  /// Taken from `upcoming`, not answered yet.
  private var queue: [SongLocation] = []
  /// So many of the queue the child has been asked for.
  private var asked = 0
  /// Whether a child can be had, as far as is known.
  private var isIsolated: Bool
  private var child: ChildProcess?
  private var hasAnswered = false
  /// So many at the queue's head are asked for one by one: one of them has ended a child.
  private var suspects = 0
  /// The one at the head has ended a child that was asked for nothing else at that time.
  private var headIsGuilty = false

  /// Locations asked for ahead. The requests must fit the socket's memory, else both sides could wait for each other.
  private static let mostAhead = 32
  private static let mostAheadBytes = 32 << 10
  /// How long an answer may take: a network disk can stand still for minutes.
  private static let patience = 900
  private static let secondsBetweenWarnings = 60

  /// - Parameters:
  ///   - reader: how each song is read.
  ///   - isolated: whether they are read in a process of its own.
  public init(_ reader: TrackReader, isolated: Bool = true) {
    self.reader = reader
    isIsolated = isolated
  }

  /// Lets `next` come to these locations after all that were added before. They are looked at when needed.
  public func add(_ locations: some Sequence<SongLocation>) {
    upcoming.append(AnyIterator(locations.makeIterator()))
  }

  /// Lets `next` come to these files.
  public func add(_ paths: [String]) { add(paths.lazy.map { SongLocation($0) }) }

  /// The next location with what was found there; nil when all have been read.
  public func next() -> TrackReading? {
    fill()
    guard let location = queue.first else { return nil }
    if child == nil { startChild() }
    return TrackReading(
      location: location, result: Result { () throws(SkippedFile) in try contents(at: location) })
  }

  /// Reads one location by itself.
  public static func read(_ location: SongLocation, by reader: TrackReader) -> TrackReading {
    let stream = TrackStream(reader)
    stream.add(CollectionOfOne(location))
    guard let reading = stream.next() else { preconditionFailure("a location has a reading") }
    return reading
  }

  /// The next readings, so many or as many as are left.
  public func next(_ count: Int) -> [TrackReading] {
    var readings: [TrackReading] = []
    while readings.count < count, let reading = next() { readings.append(reading) }
    return readings
  }

  /// What is at the head of the queue, which is then taken from it.
  private func contents(at location: SongLocation) throws(SkippedFile) -> TrackFileContents {
    while true {
      fill()
      guard let child else {
        finishHead()
        return try reader.contents(at: location)
      }
      ask(child)
      switch received(from: child) {
      case .message(let message):
        hasAnswered = true
        finishHead()
        return try answer(message, about: location)
      case .closed:
        if let cause = causeOfEnd(child.endingAfterClosing()) { throw dropHead(cause) }
      case .nothing:
        restart()
        throw dropHead("reading it took more than \(TrackStream.patience / 60) minutes")
      }
    }
  }

  private func answer(_ message: [UInt8], about location: SongLocation) throws(SkippedFile) -> TrackFileContents {
    var message = PackedReader(message)
    switch try? ReadingAnswer(from: &message) {
    case .contents(let contents)?: return contents
    case .bad(let cause)?: throw SkippedFile(path: location.description, cause: cause)
    case nil:
      throw SkippedFile(path: location.description, cause: "the process that read it answered with nonsense")
    }
  }

  // MARK: - The queue

  private func fill() {
    while queue.count < (child == nil ? 1 : TrackStream.mostAhead), let first = upcoming.first {
      if let location = first.next() { queue.append(location) } else { upcoming.removeFirst() }
    }
  }

  private func finishHead() {
    queue.removeFirst()
    asked = Swift.max(0, asked - 1)
    suspects = Swift.max(0, suspects - 1)
    headIsGuilty = false
  }

  private func dropHead(_ cause: String) -> SkippedFile {
    let location = queue[0]
    finishHead()
    return SkippedFile(path: location.description, cause: cause)
  }

  /// Asks for what is not asked for yet. A child that is gone is noticed afterwards.
  private func ask(_ child: ChildProcess) {
    // By halves, so that one call and one wake-up of the child serve many.
    guard asked <= TrackStream.mostAhead / 2 else { return }
    var bytes = queue[..<asked].reduce(0) { $0 + $1.path.utf8.count }
    let most = suspects > 0 ? 1 : queue.count
    while asked < most {
      bytes += queue[asked].path.utf8.count
      guard asked == 0 || bytes <= TrackStream.mostAheadBytes else { break }
      var request = PackedWriter()
      queue[asked].write(to: &request)
      child.channel.post(request.bytes)
      asked += 1
    }
    if child.channel.postedBytes > 0 { _ = child.channel.flush() }
  }

  // MARK: - The child

  private func received(from child: ChildProcess) -> MessageChannel.Received {
    for second in stride(from: 0, to: TrackStream.patience, by: TrackStream.secondsBetweenWarnings) {
      if second > 0 {
        StallWatch.toStandardError("crnn-dist: warning: \(queue[0]): still being read after \(second) s")
      }
      let received = child.channel.receive()
      if received != .nothing { return received }
    }
    return .nothing
  }

  /// Why the location at the head is bad, after a child ended; nil where it is to be asked for again.
  private func causeOfEnd(_ ending: ChildProcess.Ending) -> String? {
    let (wasAsked, answered) = (asked, hasAnswered)
    restart()
    // To give back memory; nothing happened to any file.
    if ending == .exited(code: 0), answered { return nil }
    guard wasAsked <= 1 else {
      suspects = wasAsked
      // Without a child nobody can find out which of them it was.
      return child == nil ? "the HDF5 library crashes on it, or on one of the \(wasAsked - 1) after it" : nil
    }
    switch ending {
    case .signalled(ChildLimits.outOfTime):
      return
        "reading it took more than \(ReadingChild.processorSeconds) s of processor time; the HDF5 library does "
        + "not come to an end with it"
    case .signalled(ChildLimits.killed) where headIsGuilty:
      let cause =
        "the process that read it was killed (signal \(ChildLimits.killed)), as where a job's memory is used up"
      // Not the file's fault, maybe: nobody should have to find it in a list.
      StallWatch.toStandardError("crnn-dist: warning: \(queue[0]): \(cause)")
      return cause
    case .signalled(let number) where headIsGuilty: return "the HDF5 library crashes on it (signal \(number))"
    case .exited(let code) where headIsGuilty: return "the HDF5 library ends the program on it (exit code \(code))"
    case .signalled, .exited:
      suspects = Swift.max(1, suspects)
      headIsGuilty = true
      return child == nil ? "the HDF5 library crashes on it" : nil
    }
  }

  private func restart() {
    child = nil
    asked = 0
    hasAnswered = false
    startChild()
  }

  private func startChild() {
    guard isIsolated else { return }
    do {
      child = try ReadingChild.start(reader)
      isIsolated = child != nil
    } catch {
      isIsolated = false
      StallWatch.toStandardError(
        "crnn-dist: warning: cannot start a process that reads track files (\(error)); they are read by this one, "
          + "which a badly damaged file can end")
    }
  }
}
