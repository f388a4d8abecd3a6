import Diagnosis
import Kernels

/// One copy of a network with the memory of its passes. Every buffer that grows with the batch is made here, none in a
/// step.
///
/// A replica belongs to one thread; its own team of threads works inside the calls.
///
///     let replica = try Replica(.small(segments: 252, tags: 50), maximumBatch: 16, threads: 2)
///     let probabilities = try replica.predict(batch)
public final class Replica {
  public let network: Network
  public let maximumBatch: Int
  /// The most segments that the songs of a batch have together.
  public let maximumSegments: Int
  /// Trainable weights.
  public let parameters: ParameterArena
  /// Gradients of the last step, laid out like `parameters`: what this replica's songs add to the sum.
  public let gradients: GradientArena
  /// The sum of all replicas' gradients, rounded: what optimisers take.
  public let gradientSum: ParameterArena
  /// Moving means and variances of the batch normalisations.
  public let movingStatistics: ParameterArena
  /// Means and variances of the last step's batch, laid out like `movingStatistics`.
  public let batchStatistics: ParameterArena
  /// Share of the old value that a moving statistic keeps in a step.
  public var batchNormMomentum: Float = 0.99

  /// What its buffers take.
  public let memory: ReplicaMemory

  public let gradientLayout: GradientLayout

  package let team: ThreadTeam
  private let input: Signal
  private let passes: [any LayerPass]
  private let outputPass: any OutputPass
  private let scratch: AlignedBuffer
  private var lastLayout: BatchLayout?
  /// Whether what layers have made of the weights for inference is there, and no training pass has come since.
  private var isReadyToPredict = false

  /// - Parameters:
  ///   - network: what this is a copy of.
  ///   - maximumBatch: the most songs that a call will bring.
  ///   - maximumSegments: the most segments that they have together; nil: all as long as the network's longest.
  ///   - threads: threads that work inside a call.
  ///   - gradientMemory: where gradients and their sum lie; nil: in memory of the replica's own.
  /// - Throws: `Failure` of kind `usage` for a batch without songs, no thread, or more than a rank can have; of kind
  ///   `fault` where the system refuses the memory or a thread.
  public init(
    _ network: Network, maximumBatch: Int, maximumSegments: Int? = nil, threads: Int,
    gradientMemory: GradientMemory? = nil
  ) throws {
    let size = try ReplicaSize(network, maximumBatch: maximumBatch, maximumSegments: maximumSegments)
    guard threads >= 1 else { throw Failure(.usage, "a replica needs at least one thread") }
    self.network = network
    self.maximumBatch = size.songs
    self.maximumSegments = size.segments
    team = ThreadTeam(threads: threads)
    if let refusal = team.refusal {
      throw Failure(
        .fault, "a team of \(threads) threads was refused by the system: \(refusal)",
        remedy: "use fewer --threads, or raise the limit of processes (ulimit -u) or of address space (ulimit -v)")
    }
    let buffers = try ReplicaBuffers(network, size, team, .taking, gradientMemory)
    memory = buffers.memory
    try memory.refuseRefused()
    let tensors = buffers.tensors
    (parameters, gradients, gradientSum) = (tensors.parameters, tensors.gradients, buffers.gradientSum)
    (movingStatistics, batchStatistics) = (tensors.movingStatistics, tensors.batchStatistics)
    (input, passes, outputPass, scratch) = (buffers.input, buffers.passes, buffers.outputPass, buffers.scratch)
    gradientLayout = network.gradientLayout
    movingStatistics.setInitialValues(seed: 0)
  }

  /// Threads that work inside a call.
  public var threads: Int { team.threads }

  /// Where the phases of a step are timed, if anywhere.
  public var profile: StepProfile? {
    get { team.profile }
    set { team.profile = newValue }
  }

  /// Told of every layer's pass and when it began and ended, in seconds of `StepProfile.now`.
  public var trace: ((_ pass: String, _ start: Double, _ end: Double) -> Void)?

  /// What the calling thread does now and then in the course of a pass.
  public var interlude: Interlude? {
    get { team.interlude }
    set { team.interlude = newValue }
  }

  /// Sets the layers' initial values, a function of the seed alone.
  public func initializeWeights(seed: UInt64) {
    parameters.setInitialValues(seed: seed)
    movingStatistics.setInitialValues(seed: seed)
  }

  // MARK: - Training

  /// One forward and one backward pass over this rank's songs, of which there may be none.
  ///
  /// Leaves in `gradients` the derivative of the global batch's mean loss as far as these songs contribute to it:
  /// summed over the ranks, it is the gradient. Leaves in `batchStatistics` means and variances of the (shared)
  /// batch.
  ///
  /// - Parameters:
  ///   - batch: this rank's songs, with their labels.
  ///   - step: what the step has in common on all ranks.
  ///   - statistics: shares the batch statistics over replicas; nil: each replica has its own.
  ///   - finished: told, while the backward pass goes on, which values of `gradients` are there: ranges from the last
  ///     layer to the first, which together are all.
  /// - Throws: `Failure` of kind `fault` where the batch has not the form the network was made for, and whatever
  ///   `statistics` throws.
  @discardableResult
  public func computeGradients(
    _ batch: Batch, step: StepContext, statistics: (any BatchStatisticsReduction)? = nil,
    finished: (Range<Int>) -> Void = { _ in }
  ) throws -> StepOutcome {
    try check(batch, labelled: true)
    isReadyToPredict = false
    // Passes over songs write over what stands there; passes over none may leave it.
    if batch.count == 0 { gradients.storage.zero() }
    if batch.count == 0 && statistics == nil {
      batchStatistics.storage.zero()
      finished(0..<gradients.count)
      return StepOutcome(lossSum: 0)
    }
    return try withoutActuallyEscaping(finished) { finished in
      var missing = gradients.count
      let tell = { (layer: Int) in
        let start = self.gradientLayout.layers[layer].lowerBound
        guard start < missing else { return }
        finished(start..<missing)
        missing = start
      }
      return try withPass(of: batch, step: step, statistics: statistics, gradientsAreDone: tell) { pass in
        try run("forward") { _, layer in try layer.forward(pass) }
        let outcome = StepOutcome(lossSum: outputPass.lossSum(pass))
        try run("backward", reversed: true) { index, layer in
          try layer.backward(pass)
          tell(index)
        }
        return outcome
      }
    }
  }

  /// Takes this replica's gradients for the sum, as one does that trains alone; returns their norm.
  @discardableResult
  public func takeOwnGradients() -> Double {
    measureGradients("norm of the gradient", bytesEach: 12) { gradientSum.round(gradients, team) }
  }

  /// `moving = momentum·moving + (1 − momentum)·batch`. Call once a step, after `batchStatistics` are the same on all replicas.
  public func updateMovingStatistics() {
    let moving = movingStatistics.storage.start
    let batch = batchStatistics.storage.start
    for i in 0..<movingStatistics.count {
      moving[i] = moving[i] * batchNormMomentum + batch[i] * (1 - batchNormMomentum)
    }
  }

  /// The Euclidean norm of the sum of the gradients: infinite or no number where any value of it is.
  public var gradientNorm: Double {
    measureGradients("norm of the gradient", bytesEach: 4) { gradientSum.norm(team) }
  }

  private func measureGradients(_ phase: String, bytesEach: Int, _ body: () -> Double) -> Double {
    team.profile?.layer = "optimizer"
    return team.measure(phase, StepProfile.Work(bytes: gradients.count * bytesEach), body)
  }

  /// Whether means and variances of the batch are numbers.
  public var batchStatisticsAreFinite: Bool { batchStatistics.storage.all.allSatisfy(\.isFinite) }

  // MARK: - Inference

  /// Probabilities `[song][tag]` with the moving statistics and without dropout. A song's result does not depend,
  /// to the last bit, on the songs that come with it.
  ///
  /// - Parameter keepingWeights: a promise that neither weights nor moving statistics have changed since the last call that
  ///   predicted: then they need not be transformed again.
  /// - Throws: `Failure` of kind `fault` where the batch has not the form the network was made for.
  public func predict(_ batch: Batch, keepingWeights: Bool = false) throws -> [Float] {
    try check(batch, labelled: false)
    if batch.count == 0 { return [] }
    let keepsWeights = keepingWeights && isReadyToPredict
    isReadyToPredict = false
    return try withPass(of: batch, step: nil, statistics: nil, keepsWeights: keepsWeights) { pass in
      try run("inference") { _, layer in try layer.infer(pass) }
      isReadyToPredict = true
      return outputPass.probabilities(pass)
    }
  }

  /// What the last layer has seen of the songs of the last call of `predict`: `[song][unit]`, without padding.
  public func embeddings(songs: Int) -> [Float] {
    let summary = passes.count > 1 ? passes[passes.count - 2].output : input
    return (0..<songs).flatMap { song in
      UnsafeBufferPointer(start: summary.values + song * summary.channelStride, count: network.embeddingWidth)
    }
  }

  // MARK: - The passes

  /// Points the input at a batch's features while the body runs.
  private func withPass<Result>(
    of batch: Batch, step: StepContext?, statistics: (any BatchStatisticsReduction)?, keepsWeights: Bool = false,
    gradientsAreDone: @escaping (Int) -> Void = { _ in }, _ body: (BatchPass) throws -> Result
  ) rethrows -> Result {
    let pass = BatchPass(
      songs: batch.songs, labels: batch.labels, layout: layout(of: batch), step: step, statistics: statistics,
      scratch: scratch, songValues: batch.songValues, auxiliary: batch.auxiliary, isTagged: batch.isTagged,
      keepsWeights: keepsWeights, gradientsAreDone: gradientsAreDone)
    return try batch.features.withUnsafeBufferPointer { features in
      if let start = features.baseAddress { input.values = UnsafeMutablePointer(mutating: start) }
      return try body(pass)
    }
  }

  /// Runs all layers, each as a layer of the profile.
  private func run(
    _ direction: String, reversed: Bool = false, _ body: (Int, any LayerPass) throws -> Void
  ) rethrows {
    for place in passes.indices {
      let index = reversed ? passes.count - 1 - place : place
      if let profile = team.profile { profile.layer = "\(network.layers[index].name), \(direction)" }
      guard let trace else {
        try body(index, passes[index])
        continue
      }
      let start = StepProfile.now()
      try body(index, passes[index])
      trace("\(network.layers[index].name), \(direction)", start, StepProfile.now())
    }
  }

  /// Where the songs of a batch lie; the last batch's answer serves again where the lengths are the same.
  private func layout(of batch: Batch) -> BatchLayout {
    if let lastLayout, lastLayout.segments == batch.segments { return lastLayout }
    let layout = BatchLayout(network.layers, segments: batch.segments)
    lastLayout = layout
    return layout
  }

  private func check(_ batch: Batch, labelled: Bool) throws {
    let segments = batch.segments.reduce(0, +)
    let features = segments * network.segmentWidth
    let labels = batch.count * outputPass.output.shape.channels
    guard batch.count <= maximumBatch, batch.segments.count == batch.count, segments <= maximumSegments,
      batch.features.count == features, !labelled || batch.labels.count == labels
    else {
      throw Failure(
        .fault,
        "a batch of \(batch.count) songs and \(segments) segments has \(batch.features.count) values and "
          + "\(batch.labels.count) labels; expected at most \(maximumBatch) songs and \(maximumSegments) "
          + "segments, \(features) values and \(labels) labels")
    }
    let songValues = batch.count * network.songValues
    let auxiliary = batch.count * network.auxiliary
    guard batch.songValues.count == songValues, !labelled || batch.auxiliary.count == auxiliary,
      batch.isTagged.isEmpty || batch.isTagged.count == batch.count
    else {
      throw Failure(
        .fault,
        "a batch of \(batch.count) songs has \(batch.songValues.count) values of whole songs and "
          + "\(batch.auxiliary.count) auxiliary targets, and says of \(batch.isTagged.count) whether they have tags; "
          + "expected \(songValues) values and \(auxiliary) targets")
    }
    let lengths = shortestSong...network.segments
    if let wrong = batch.segments.first(where: { !lengths.contains($0) }) {
      throw Failure(
        .fault,
        "a song of a batch has \(wrong) segments; the network takes \(lengths.lowerBound) to "
          + "\(lengths.upperBound)")
    }
  }

  private lazy var shortestSong = network.shortestSong
}
