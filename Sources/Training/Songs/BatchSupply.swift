import Diagnosis
import Foundation
import Networks

/// Songs that stay on the disk and are read when a batch wants them.
final class StreamedSongs: SongStore {
  private let source: any SongSource

  init(_ source: any SongSource) { self.source = source }

  func copy(_ song: Int, _ segments: Range<Int>, _ input: SongInput, to target: inout [Float], at offset: Int)
    throws
  {
    for feature in input.features.features {
      let values = try source.values(of: feature, song: song, segments: segments)
      input.write(feature, values, segments: 0..<segments.count, to: &target, at: offset)
    }
  }
}

/// Gives a rank its batches, one after the other: from songs in memory when they are asked for, from a disk ahead of
/// time. Which of the two makes no difference to a batch.
final class BatchSupply {
  private let filler: BatchFiller
  private let reader: ReadAhead?
  private var plan: ArraySlice<[Int]> = []
  private var epoch: Int?

  /// - Parameter batchesAhead: how many are read ahead on a thread of their own; 0: none, and no thread.
  init(_ filler: BatchFiller, batchesAhead: Int = 0) {
    self.filler = filler
    reader = batchesAhead > 0 ? ReadAhead(filler, limit: batchesAhead) : nil
  }

  /// Turns to other batches; what is left of the last ones is forgotten.
  /// - Parameters:
  ///   - plan: the songs of each batch, in the order in which they will be asked for.
  ///   - epoch: whose crops are wanted; nil: an evaluation's.
  func begin(_ plan: [[Int]], epoch: Int?) {
    self.plan = plan[...]
    self.epoch = epoch
    reader?.begin(plan, epoch: epoch)
  }

  /// The next batch of the plan. Throws what reading threw.
  func next() throws -> Batch {
    guard let songs = plan.popFirst() else { throw Failure(.fault, "more batches were asked for than planned") }
    return try reader?.next() ?? filler.batch(of: songs, epoch: epoch)
  }

  /// The most bytes of values that lay read ahead at once.
  var mostBytesAhead: Int { reader?.mostBytes ?? 0 }
}

/// A thread that reads batches ahead, so many at most.
///
/// The filler and what it reads from belong to this thread from then on, which is what makes the passing on of them
/// sound; HDF5's own lock keeps the thread and the writer of checkpoints apart.
private final class ReadAhead {
  private let state: State

  init(_ filler: BatchFiller, limit: Int) {
    state = State(filler, limit: limit)
    // The thread holds the state, not this: when this goes, the thread ends, and is waited for. Were it still to close
    // its file when the process ends, it would meet HDF5 closing itself.
    let state = self.state
    let thread = Thread { state.work() }
    thread.name = "song reader"
    thread.start()
  }

  deinit { state.stop() }

  func begin(_ plan: [[Int]], epoch: Int?) { state.begin(plan, epoch: epoch) }
  func next() throws -> Batch { try state.next() }
  var mostBytes: Int { state.mostBytes }

  private final class State: @unchecked Sendable {
    /// Given up by the thread when it ends: whoever holds it else closes what it reads from.
    private var filler: BatchFiller?
    private let limit: Int
    private let condition = NSCondition()
    private var plan: ArraySlice<[Int]> = []
    private var epoch: Int?
    /// Counts the plans: a batch of an earlier one is thrown away.
    private var generation = 0
    private var waiting: [Result<Batch, any Error>] = []
    private var bytes = 0
    private var largest = 0
    private var ended = false
    private var hasGone = false

    init(_ filler: BatchFiller, limit: Int) {
      self.filler = filler
      self.limit = limit
    }

    var mostBytes: Int { condition.withLock { largest } }

    func begin(_ plan: [[Int]], epoch: Int?) {
      condition.withLock {
        self.plan = plan[...]
        self.epoch = epoch
        generation += 1
        waiting = []
        bytes = 0
        condition.broadcast()
      }
    }

    func next() throws -> Batch {
      try condition.withLock {
        while waiting.isEmpty { condition.wait() }
        let batch = try waiting.removeFirst().get()
        bytes -= batch.bytes
        condition.broadcast()
        return batch
      }
    }

    /// Returns when the thread has let go of everything.
    func stop() {
      condition.withLock {
        ended = true
        plan = []
        waiting = []
        condition.broadcast()
        while !hasGone { condition.wait() }
      }
    }

    func work() {
      while let task = task() {
        let (songs, epoch, generation) = (task.songs, task.epoch, task.generation)
        let batch = Result { try task.filler.batch(of: songs, epoch: epoch) }
        condition.withLock {
          guard generation == self.generation else { return }
          waiting.append(batch)
          if case .success(let batch) = batch {
            bytes += batch.bytes
            largest = max(largest, bytes)
          } else {
            // Nothing behind a failure will be asked for.
            plan = []
          }
          condition.broadcast()
        }
      }
      condition.withLock {
        filler = nil
        hasGone = true
        condition.broadcast()
      }
    }

    /// Waits for something to read; nil: the end.
    private func task() -> (filler: BatchFiller, songs: [Int], epoch: Int?, generation: Int)? {
      condition.withLock {
        while !ended && (plan.isEmpty || waiting.count >= limit) { condition.wait() }
        guard !ended, let filler, let songs = plan.popFirst() else { return nil }
        return (filler, songs, epoch, generation)
      }
    }
  }
}

extension Batch {
  /// Bytes of the values.
  fileprivate var bytes: Int { (features.count + labels.count) * MemoryLayout<Float>.stride }
}
