import Diagnosis
import Kernels
import MessagePassing
import Networks

/// Sums the replicas' gradients while their backward passes go on, bucket by bucket in the order in which layers finish.
///
/// Ranks of a node add up what lies in memory that they share; where there are several nodes, one rank of each speaks for
/// it. Nothing has a thread of its own: whoever waits or computes calls `poll` now and then, so that MPI is only ever
/// called by the thread that owns it. docs/scaling.md says what was measured, and why it is built like this.
///
/// A replica's gradients are already divided by the songs of the global batch; their sum is the gradient of the mean loss,
/// whatever share of the songs each rank had. Its order is fixed (`SummationTree`).
public final class GradientExchange {
  public let format: GradientFormat
  /// Whether sums begin before the backward pass is over.
  public let overlaps: Bool
  /// Times of the step that has ended last.
  public private(set) var times = ExchangeTimes()

  private let communicator: any Communicator
  private let memory: ExchangeMemory
  private let parts: NodeParts
  private let queue: (any MessageQueue)?
  private(set) var buckets: GradientBuckets
  private var messages: NodeMessages?

  /// Buckets of all steps before this one.
  private var base = 0
  /// Buckets of this step that are ready here, summed by this rank, sent, and there.
  private var ready = 0
  private var summed = 0
  private var sent = 0
  private var done = 0
  /// Between `begin` and `finish`: at other times there is nothing to move.
  private var isUnderWay = false
  private var failure: (any Error)?

  /// Collective.
  ///
  /// - Parameters:
  ///   - communicator: of all ranks that take part.
  ///   - layout: which values of the gradients belong to which layer.
  ///   - format: of what goes from node to node.
  ///   - overlaps: whether sums begin before the backward pass is over.
  ///   - bucketBytes: of 64-bit gradients; nil: on one node what goes well anywhere, else what a short measurement finds.
  public init(
    _ communicator: any Communicator, _ layout: GradientLayout, format: GradientFormat = .none,
    overlaps: Bool = true, bucketBytes: Int? = nil
  ) throws {
    self.communicator = communicator
    self.format = format
    self.overlaps = overlaps
    memory = try ExchangeMemory(communicator, count: layout.count, format: format)
    parts = NodeParts(memory, format)
    queue = memory.nodes > 1 ? try communicator.makeMessageQueue() : nil
    buckets = GradientBuckets(layout, values: 1)
    cut(layout, bytes: bucketBytes ?? Self.bucketBytes)
    if bucketBytes == nil, memory.nodes > 1 { try measureBuckets(layout) }
  }

  /// Goes over to buckets of about so many bytes.
  private func cut(_ layout: GradientLayout, bytes: Int) {
    buckets = GradientBuckets(layout, values: bytes / MemoryLayout<Double>.stride)
    messages =
      memory.isSpeaker
      ? queue.map { NodeMessages(memory, parts, buckets, format, $0, window: Self.windowBytes) } : nil
    times = ExchangeTimes(buckets: buckets.count)
  }

  /// On one node, where nothing but the look at a counter comes with a bucket.
  public static let bucketBytes = 1 << 20
  /// What is tried between nodes, for each node of the job.
  private static let shareBytes = [1 << 16, 1 << 18, 1 << 20]
  /// A smaller bucket is taken where it costs no more than this: what comes last is hidden by nothing.
  private static let worth = 1.05
  /// What a link of 1 Gbit/s carries in two thousandths of a second, which is about the time between two polls.
  private static let windowBytes = 1 << 18

  /// Sums whatever the memory holds, some times with each size. Collective.
  private func measureBuckets(_ layout: GradientLayout) throws {
    let sizes = Self.shareBytes.map { $0 * memory.nodes }
    var seconds: [Double] = []
    for size in sizes {
      cut(layout, bytes: size)
      var best = Double.infinity
      for _ in 0..<3 {
        try communicator.barrier()
        let start = StepProfile.now()
        try begin()
        try finish()
        best = min(best, StepProfile.now() - start)
      }
      seconds.append(try communicator.allreduce(best, .maximum))
      // All of one size are there before the counters go on with another.
      countStep()
    }
    let best = seconds.min() ?? 0
    cut(layout, bytes: sizes[seconds.firstIndex { $0 <= best * Self.worth } ?? 0])
  }

  /// Whether the ranks of some node send each other messages, since it has no room for memory that they share.
  public var lacksNodeMemory: Bool { memory.nodes > communicator.layout.nodes.count }

  /// Where the replica is to put its gradients, and takes their sum from.
  public var replicaMemory: GradientMemory { memory.replicaMemory }
  /// Bytes that this rank's node sends the others in a step, known to the rank that speaks for it; 0 on one node.
  var bytesToSend: Int { messages?.bytesToSend ?? 0 }

  // MARK: A step

  /// Expects what other nodes will send. Comes before the step's first gradients.
  public func begin() throws {
    countStep()
    times.begin()
    try messages?.begin()
    isUnderWay = true
  }

  /// Puts the last step's buckets to those of all before.
  private func countStep() {
    base += done
    (ready, summed, sent, done) = (0, 0, 0, 0)
  }

  /// Takes gradients from a value of the arena on: those before are still to come.
  public func take(from start: Int) {
    let count = buckets.complete(from: start)
    guard count > ready else { return }
    for bucket in ready..<count { times.ready(bucket) }
    ready = count
    memory.ready.set(memory.place, to: base + ready)
  }

  /// Does what can be done without waiting. What fails is thrown by `finish`.
  public func poll() {
    guard isUnderWay, failure == nil, done < buckets.count else { return }
    do { try advance() } catch { failure = error }
  }

  private func advance() throws {
    let ranks = 0..<memory.localRanks.count
    while summed < buckets.count, summed < ready, memory.ready.have(ranks, reached: base + summed + 1) {
      times.begun(summed)
      if !parts.needNoSum { parts.sum(buckets.ranges[summed]) }
      summed += 1
      memory.summed.set(memory.place, to: base + summed)
    }
    guard let messages else { return takeFinished() }
    while sent < buckets.count, memory.summed.have(ranks, reached: base + sent + 1) {
      try messages.send(sent)
      sent += 1
    }
    try messages.advance()
    while done < sent, messages.isThere(done) { bucketIsThere() }
    memory.finished.set(0, to: base + done)
  }

  /// Where others have done the last of it: the ranks of the only node, or the node's speaker.
  private func takeFinished() {
    let ranks = 0..<memory.localRanks.count
    while done < summed {
      let isThere =
        memory.nodes == 1
        ? memory.summed.have(ranks, reached: base + done + 1) : memory.finished.value(0) > base + done
      guard isThere else { return }
      bucketIsThere()
    }
  }

  private func bucketIsThere() {
    times.finished(done)
    done += 1
  }

  /// Waits until all sums are there. Collective.
  public func finish() throws {
    take(from: 0)
    times.beginWaiting()
    try communicator.waiting(in: "the sum of the gradients") {
      var backoff = Backoff()
      while done < buckets.count {
        let before = done
        poll()
        if let failure { throw failure }
        if done > before {
          backoff = Backoff()
        } else {
          if backoff.count % 1_024 == 1_023 { try communicator.checkOthers() }
          backoff.pause()
        }
      }
    }
    isUnderWay = false
    times.endWaiting()
  }

  // MARK: What rounding has lost

  /// Whether what rounding has lost in one step is added in the next.
  public var carriesErrors: Bool { format == .bf16 && memory.nodes > 1 }

  /// Sums up what all ranks carry over, and hands each node its share of it: what a checkpoint holds, and a run that goes on
  /// from it has, the run that wrote it has too. All of it is there on rank 0 alone. Collective.
  ///
  /// The parts' errors are summed before those of their sums come to them: of a value one node alone has the second, but
  /// which one depends on the buckets, which are chosen by a measurement, and another order of addition would give other bits.
  public func settleErrors(in errors: ParameterArena) throws {
    guard carriesErrors else { return }
    errors.storage.zero()
    if messages != nil { errors.storage.start.update(from: memory.partError, count: memory.count) }
    try communicator.allreduce(errors.storage.all, .sum)
    var own: [Float] = []
    if let messages {
      forEachValue(ofNode: memory.node) {
        errors.storage.start[$0] += messages.sumError.start[$0]
        own.append(errors.storage.start[$0])
      }
    }
    try takeErrors(errors)
    guard let all = try communicator.gather(own) else { return }
    for node in 0..<memory.nodes {
      var next = all[memory.layout.speaker(of: node)].makeIterator()
      forEachValue(ofNode: node) { errors.storage.start[$0] = next.next() ?? 0 }
    }
  }

  /// Takes up errors that `settleErrors` has summed up: each node those of its share. Collective.
  public func takeErrors(_ errors: ParameterArena) throws {
    if carriesErrors, let messages {
      memory.partError.update(repeating: 0, count: memory.count)
      messages.sumError.zero()
      forEachValue(ofNode: memory.node) { messages.sumError.start[$0] = errors.storage.start[$0] }
    }
    // Nobody goes on before the speaker has set what all ranks of the node use.
    try communicator.barrier()
  }

  /// Calls the body for every value whose sum a node adds up.
  private func forEachValue(ofNode node: Int, _ body: (Int) -> Void) {
    for range in buckets.ranges {
      for i in GradientBuckets.part(node, of: memory.nodes, range) { body(i) }
    }
  }

  /// Bytes that an exchange takes of a rank's memory, when its node has so many ranks.
  static func plannedBytes(_ count: Int, layout: NodeLayout, rank: Int, format: GradientFormat) -> Int {
    let shared = ExchangeMemory.bytes(count, layout, rank: rank, format) / layout.neighbours(of: rank).count
    let several = layout.nodes.count > 1
    let tree = SummationTree(layout)
    let parts = several ? layout.nodes.reduce(0) { $0 + NodeParts.blocks($1, tree, format).count } : 0
    let messages = parts * count / layout.nodes.count * format.part.bytes
    return shared + messages + (several && format == .bf16 ? 6 * count : 0)
  }
}
