import Diagnosis
import MessagePassing
import Sampling
import Texts
import TrackFiles

/// Judges all songs of a plan, all ranks together, in the plan's order and in little memory.
///
/// The songs are taken in chunks, each rank a part of each; rank 0 gets what a chunk came to and hands it on before the
/// next one begins. What a rank will read is known from the start, so that a process of its own reads ahead meanwhile.
/// An aggregate that turns up among track files is taken in chunks of rows, before the files behind it go on.
final class BulkPrediction {
  /// Takes a chunk's outcomes, on rank 0 alone.
  typealias HandOn = (_ outcomes: [Prediction.Outcome], _ next: BulkPosition) throws -> Void

  private let prediction: Prediction
  private let plan: BulkPlan
  private let communicator: any Communicator
  private let chunkSize: Int
  private let isStopped: () -> Bool
  private let progress: (_ done: Int, _ total: Int) -> Void
  private let handOn: HandOn
  /// Made for the first aggregate.
  private lazy var rows = TrackStream(prediction.reader)
  private var done: Int
  private var total = 0

  /// Songs of a rank in a chunk: what a kill loses at most.
  static let songsOfRank = 64

  /// - Parameters:
  ///   - done: songs that are done already.
  ///   - isStopped: whether this rank has been asked to stop; asked before each chunk.
  init(
    _ prediction: Prediction, _ plan: BulkPlan, done: Int, _ communicator: any Communicator,
    isStopped: @escaping () -> Bool, progress: @escaping (_ done: Int, _ total: Int) -> Void,
    handOn: @escaping HandOn
  ) {
    self.prediction = prediction
    self.plan = plan
    self.done = done
    self.communicator = communicator
    self.isStopped = isStopped
    self.progress = progress
    self.handOn = handOn
    chunkSize = Self.songsOfRank * communicator.size
  }

  /// Goes on from a position. Collective.
  /// - Returns: false where any rank has been asked to stop before the end.
  func run(from start: BulkPosition) throws -> Bool {
    total = done + plan.count(from: start)
    for (number, part) in plan.parts.enumerated().dropFirst(start.part) {
      let from = number == start.part ? start : BulkPosition(part: number)
      let goesOn =
        switch part {
        case .files(let files): try take(files, from: from)
        case .songs(let songs): try take(songs, from: from)
        }
      guard goesOn else { return false }
    }
    return true
  }

  private func take(_ songs: BulkSongs, from start: BulkPosition) throws -> Bool {
    for chunk in chunks(of: start.index..<songs.count) {
      let outcomes = try agree {
        let own = share(of: chunk, rank: communicator.rank, size: communicator.size)
        return try judge(own) { try songs.candidate($0, for: prediction) }
      }
      try give(outcomes, next: BulkPosition(part: start.part, index: chunk.upperBound))
      guard try goesOn() else { return false }
    }
    return true
  }

  private func take(_ files: BulkFiles, from start: BulkPosition) throws -> Bool {
    var first = start.index
    if start.row > 0 {
      let songs = try songsOfAggregate(files.path(first))
      guard start.row <= songs else {
        throw Failure(
          .badData,
          "\(files.path(first)): has \(songs) songs, of which \(start.row) were done when the work was stopped: it is another file",
          remedy: "bring the file back, or begin anew with --force")
      }
      total += songs - start.row - 1
      guard try takeAggregate(files.path(first), start.row..<songs, at: start) else { return false }
      first += 1
    }
    let stream = TrackStream(prediction.reader)
    stream.add(ownIndices(of: first..<files.count).lazy.map { SongLocation(files.path($0)) })
    for chunk in chunks(of: first..<files.count) {
      let own = share(of: chunk, rank: communicator.rank, size: communicator.size)
      let (outcomes, aggregates) = try agree { try read(own, from: stream) }
      var begin = chunk.lowerBound
      for aggregate in try communicator.allgather(aggregates.flatMap { [$0.file, $0.songs] }).flatMap({ $0 }).pairs
      {
        let place = BulkPosition(part: start.part, index: aggregate.0)
        try give(outcomes.filter { (begin..<place.index).contains($0.file) }.map(\.outcome), next: place)
        total += aggregate.1 - 1
        guard try takeAggregate(files.path(place.index), 0..<aggregate.1, at: place) else { return false }
        begin = place.index + 1
      }
      try give(
        outcomes.filter { $0.file >= begin }.map(\.outcome),
        next: BulkPosition(part: start.part, index: chunk.upperBound))
      guard try goesOn() else { return false }
    }
    return true
  }

  private func takeAggregate(_ path: String, _ songs: Range<Int>, at place: BulkPosition) throws -> Bool {
    rows.add(ownIndices(of: songs).lazy.map { SongLocation(path, row: $0) })
    for chunk in chunks(of: songs) {
      let outcomes = try agree {
        let own = share(of: chunk, rank: communicator.rank, size: communicator.size)
        return try judge(own) { _ in try prediction.candidate(try nextRow()) }
      }
      var next = place
      (next.index, next.row) =
        chunk.upperBound == songs.upperBound ? (place.index + 1, 0) : (place.index, chunk.upperBound)
      try give(outcomes, next: next)
      guard try goesOn() else { return false }
    }
    return true
  }

  private func nextRow() throws -> TrackReading {
    guard let reading = rows.next() else { throw Failure(.fault, "the songs of an aggregate have run out") }
    return reading
  }

  /// How many songs a file of many holds. Collective.
  private func songsOfAggregate(_ path: String) throws -> Int {
    try communicator.broadcast {
      let reading = TrackStream.read(SongLocation(path), by: TrackReader(segments: 0))
      guard case .success(.aggregate(let songs)) = reading.result else {
        throw Failure(.badData, "\(path): held many songs when the work was begun, and does not now")
      }
      return songs
    }
  }

  // MARK: - A rank's part of a chunk

  private typealias Read = (
    outcomes: [(file: Int, outcome: Prediction.Outcome)], aggregates: [(file: Int, songs: Int)]
  )

  /// Judges the songs of this rank's files; aggregates are told instead.
  private func read(_ own: Range<Int>, from stream: TrackStream) throws -> Read {
    var places: [Int] = []
    var aggregates: [(file: Int, songs: Int)] = []
    var next = own.lowerBound
    func candidate() throws -> Prediction.Candidate? {
      while next < own.upperBound, let reading = stream.next() {
        defer { next += 1 }
        if case .success(.aggregate(let songs)) = reading.result {
          aggregates.append((next, songs))
        } else {
          places.append(next)
          return try prediction.candidate(reading)
        }
      }
      return nil
    }
    var outcomes: [Prediction.Outcome] = []
    while true {
      var some: [Prediction.Candidate] = []
      while some.count < prediction.songsAtOnce, let one = try candidate() { some.append(one) }
      if some.isEmpty { break }
      outcomes += try prediction.judge(some)
    }
    return (zip(places, outcomes).map { ($0, $1) }, aggregates)
  }

  /// Judges songs that are made ready one after the other, some at a time.
  private func judge(
    _ own: Range<Int>, _ candidate: (Int) throws -> Prediction.Candidate
  ) throws -> [Prediction.Outcome] {
    try stride(from: own.lowerBound, to: own.upperBound, by: prediction.songsAtOnce).flatMap { first in
      try prediction.judge((first..<min(first + prediction.songsAtOnce, own.upperBound)).map(candidate))
    }
  }

  /// Hands on the outcomes of all ranks, in their order. Collective.
  private func give(_ own: [Prediction.Outcome], next: BulkPosition) throws {
    var message = PackedWriter()
    message.write(own.count)
    for outcome in own { outcome.write(to: &message) }
    let messages = try communicator.gatherToRoot(message)
    try agree {
      guard communicator.isRoot else { return }
      let outcomes = try messages.flatMap { message in
        var message = message
        return try (0..<(try message.readInt())).map { _ in try Prediction.Outcome(from: &message) }
      }
      done += outcomes.count
      if !outcomes.isEmpty { try handOn(outcomes, next) }
      progress(done, total)
    }
  }

  /// As the communicator's, but a rank that comes early sleeps: it shares its processor with the processes that read ahead.
  private func agree<Value>(_ body: () throws -> Value) throws -> Value {
    let outcome = Result { try body() }
    try communicator.waitForAll()
    return try communicator.agree { try outcome.get() }
  }

  private func goesOn() throws -> Bool { try communicator.allreduce(isStopped() ? 1 : 0, .maximum) == 0 }

  private func chunks(of range: Range<Int>) -> some Sequence<Range<Int>> {
    let size = chunkSize
    return stride(from: range.lowerBound, to: range.upperBound, by: size).lazy
      .map { $0..<min($0 + size, range.upperBound) }
  }

  /// This rank's parts of all chunks.
  private func ownIndices(of range: Range<Int>) -> some Sequence<Int> {
    let (rank, size) = (communicator.rank, communicator.size)
    return chunks(of: range).lazy.flatMap { share(of: $0, rank: rank, size: size) }
  }
}

extension [Int] {
  /// Each two that follow one another.
  fileprivate var pairs: [(Int, Int)] { stride(from: 0, to: count - 1, by: 2).map { (self[$0], self[$0 + 1]) } }
}
