import Diagnosis
import Kernels

/// One copy of the network with the memory of its passes. Everything is allocated here, nothing in a step.
///
/// A replica belongs to one thread; its own team of threads works inside the calls.
public final class Replica {
  public let architecture: Architecture
  public let maximumBatch: Int
  /// Trainable weights.
  public let parameters: ParameterArena
  /// Gradients of the last step, laid out like `parameters`.
  public let gradients: ParameterArena
  /// Moving means and variances of the batch normalisations.
  public let movingStatistics: ParameterArena
  /// Means and variances of the last step's batch, laid out like `movingStatistics`.
  public let batchStatistics: ParameterArena
  /// Share of the old value that a moving statistic keeps in a step.
  public static let momentum: Float = 0.99

  let team: ThreadTeam
  private let first: PatchBlock
  private let others: [TileBlock]
  private let recurrent1: GatedRecurrence
  private let recurrent2: GatedRecurrence
  private let dense: DenseLayer
  private let scratch: AlignedBuffer
  private let stateGradient: AlignedBuffer
  private let sequenceGradient: AlignedBuffer

  /// - Parameters:
  ///   - maximumBatch: the most songs that a call will bring.
  ///   - threads: threads that work inside a call.
  /// - Throws: `Failure` of kind `usage` for an architecture that cannot be.
  public convenience init(_ architecture: Architecture, maximumBatch: Int, threads: Int) throws {
    try self.init(architecture, maximumBatch: maximumBatch, threads: threads) {
      TileConvolution(rows: $0, columns: $1, inputChannels: $2, outputChannels: $3, team: $4)
    }
  }

  /// A replica whose convolutions, but for the first, are made by `convolution`.
  package init(
    _ architecture: Architecture, maximumBatch: Int, threads: Int, convolution: ConvolutionMaker
  ) throws {
    try architecture.validate()
    guard maximumBatch >= 1, threads >= 1 else {
      throw Failure(.usage, "a replica needs at least one song a batch and one thread")
    }
    self.architecture = architecture
    self.maximumBatch = maximumBatch
    team = ThreadTeam(threads: threads)
    parameters = ParameterArena(architecture.parameterTensors())
    gradients = ParameterArena(like: parameters)
    movingStatistics = ParameterArena(architecture.statisticTensors())
    batchStatistics = ParameterArena(like: movingStatistics)
    movingStatistics.setInitialStatistics()

    let (team, parameters, gradients) = (self.team, self.parameters, self.gradients)
    let (moving, batch) = (movingStatistics, batchStatistics)
    let shapes = architecture.convolutions
    func tensors(_ number: Int) -> BlockTensors {
      BlockTensors(number: number, parameters: parameters, gradients: gradients, moving: moving, batch: batch)
    }
    first = PatchBlock(
      shape: shapes[0], tensors: tensors(1),
      input: InputTensors(parameters: parameters, gradients: gradients, moving: moving, batch: batch),
      maximumBatch: maximumBatch, team: team)
    others = shapes.indices.dropFirst().map {
      TileBlock(
        index: $0, shape: shapes[$0], tensors: tensors($0 + 1), maximumBatch: maximumBatch, team: team,
        convolution: convolution)
    }
    let (units, steps) = (architecture.recurrentUnits, architecture.recurrentSteps)
    recurrent1 = GatedRecurrence(
      inputs: architecture.filters.last!, units: units, steps: steps, leadingRows: 0, maximumBatch: maximumBatch,
      team: team)
    recurrent2 = GatedRecurrence(
      inputs: units, units: units, steps: steps, leadingRows: 1, maximumBatch: maximumBatch, team: team)
    dense = DenseLayer(inputs: units, outputs: architecture.tags, maximumBatch: maximumBatch)
    scratch = AlignedBuffer(count: others.map(\.scratchCount).max() ?? 0)
    stateGradient = AlignedBuffer(count: maximumBatch * padded(units))
    sequenceGradient = AlignedBuffer(count: recurrent2.states.count)
  }

  /// Threads that work inside a call.
  public var threads: Int { team.threads }

  /// Where the phases of a step are timed, if anywhere.
  public var profile: StepProfile? {
    get { team.profile }
    set { team.profile = newValue }
  }

  private func enter(_ layer: @autoclosure () -> String) {
    if let profile = team.profile { profile.layer = layer() }
  }

  /// Keras's default initial values, a function of the seed alone.
  public func initializeWeights(seed: UInt64) {
    parameters.setInitialWeights(seed: seed)
    movingStatistics.setInitialStatistics()
  }

  // MARK: - Training

  /// One forward and one backward pass over this rank's songs, of which there may be none.
  ///
  /// Leaves in `gradients` the derivative of the global batch's mean loss as far as these songs contribute to it:
  /// summed over the ranks, it is the gradient. Leaves in `batchStatistics` means and variances of the (shared)
  /// batch.
  ///
  /// - Parameter statistics: shares the batch statistics over replicas; nil: each replica has its own.
  /// - Throws: `Failure` of kind `fault` where the batch has not the form the network was made for, and whatever
  ///   `statistics` throws.
  public func accumulateGradients(
    _ batch: Batch, step: StepContext, statistics: (any BatchStatisticsReduction)? = nil
  ) throws -> StepOutcome {
    try check(batch, labelled: true)
    gradients.storage.zero()
    if batch.count == 0 && statistics == nil {
      batchStatistics.storage.zero()
      return StepOutcome(lossSum: 0, probabilities: [])
    }
    func mask(_ layer: Int, _ rate: Double) -> DropoutMask? {
      guard step.dropout, rate > 0 else { return nil }
      return DropoutMask(rate: rate, seed: step.seed, step: step.step, layer: layer)
    }
    let masks = (0...others.count).map { mask($0, architecture.convolutionDropout) }
    let finalMask = mask(others.count + 1, architecture.finalDropout)

    enter("convolution_1, forward")
    try first.forward(batch, dropout: masks[0], statistics: statistics)
    var source: ConvolutionBlock = first
    for block in others {
      enter("convolution_\(block.index + 1), forward")
      try block.forward(
        source, songs: batch.songs, dropout: masks[block.index], statistics: statistics, scratch: scratch)
      source = block
    }
    runRecurrence(source, songs: batch.count)
    runDense(songNumbers: batch.songs, dropout: finalMask)
    let outcome = StepOutcome(
      lossSum: batch.labels.withUnsafeBufferPointer { labels in
        batch.count == 0 ? 0 : dense.crossEntropy(labels: labels.baseAddress!, songs: batch.count)
      }, probabilities: dense.probabilities(songs: batch.count))

    backwardHead(batch, source, globalSongs: step.globalSongs)
    for (position, block) in others.enumerated().reversed() {
      enter("convolution_\(block.index + 1), backward")
      try block.backward(
        position == 0 ? first : others[position - 1], songs: batch.songs, dropout: masks[block.index],
        statistics: statistics, scratch: scratch)
    }
    enter("convolution_1, backward")
    try first.backward(songs: batch.songs, dropout: masks[0], statistics: statistics)
    return outcome
  }

  /// `moving = 0.99·moving + 0.01·batch`. Call once a step, after `batchStatistics` are the same on all replicas.
  public func updateMovingStatistics() {
    let moving = movingStatistics.storage.start
    let batch = batchStatistics.storage.start
    for i in 0..<movingStatistics.count {
      moving[i] = moving[i] * Self.momentum + batch[i] * (1 - Self.momentum)
    }
  }

  private func backwardHead(_ batch: Batch, _ source: ConvolutionBlock, globalSongs: Int) {
    let songs = batch.count
    enter("tags, backward")
    team.measure("products") {
      batch.labels.withUnsafeBufferPointer { labels in
        withUnsafePointer(to: Float(0)) { none in
          dense.backward(
            labels: labels.baseAddress ?? none, songs: songs,
            scale: 1 / Float(globalSongs * architecture.tags), kernel: parameters.start(of: "tags/kernel"),
            kernelGradient: gradients.start(of: "tags/kernel"), biasGradient: gradients.start(of: "tags/bias"),
            stateGradient: stateGradient.start)
        }
      }
    }
    enter("recurrent_2, backward")
    recurrent2.backward(
      recurrent1.states.start, songs: songs, stateGradient: stateGradient.start, everyStep: false,
      kernel: parameters.start(of: "recurrent_2/kernel"),
      recurrent: parameters.start(of: "recurrent_2/recurrent_kernel"),
      kernelGradient: gradients.start(of: "recurrent_2/kernel"),
      recurrentGradient: gradients.start(of: "recurrent_2/recurrent_kernel"),
      biasGradient: gradients.start(of: "recurrent_2/bias"), sequenceGradient: sequenceGradient.start)
    enter("recurrent_1, backward")
    recurrent1.backward(
      source.activated.start, songs: songs, stateGradient: sequenceGradient.start, everyStep: true,
      kernel: parameters.start(of: "recurrent_1/kernel"),
      recurrent: parameters.start(of: "recurrent_1/recurrent_kernel"),
      kernelGradient: gradients.start(of: "recurrent_1/kernel"),
      recurrentGradient: gradients.start(of: "recurrent_1/recurrent_kernel"),
      biasGradient: gradients.start(of: "recurrent_1/bias"), sequenceGradient: source.gradient.start)
  }

  // MARK: - Inference

  /// Probabilities `[song][tag]` with the moving statistics and without dropout. A song's result does not depend,
  /// to the last bit, on the songs that come with it.
  ///
  /// - Throws: `Failure` of kind `fault` where the batch has not the form the network was made for.
  public func predict(_ batch: Batch) throws -> [Float] {
    try check(batch, labelled: false)
    if batch.count == 0 { return [] }
    enter("convolution_1, inference")
    first.infer(batch)
    var source: ConvolutionBlock = first
    for block in others {
      enter("convolution_\(block.index + 1), inference")
      block.infer(source, songs: batch.songs, scratch: scratch)
      source = block
    }
    runRecurrence(source, songs: batch.count)
    runDense(songNumbers: batch.songs, dropout: nil)
    return dense.probabilities(songs: batch.count)
  }

  private func runRecurrence(_ source: ConvolutionBlock, songs: Int) {
    enter("recurrent_1, forward")
    recurrent1.forward(
      source.activated.start, songs: songs, kernel: parameters.start(of: "recurrent_1/kernel"),
      recurrent: parameters.start(of: "recurrent_1/recurrent_kernel"),
      bias: parameters.start(of: "recurrent_1/bias"))
    enter("recurrent_2, forward")
    recurrent2.forward(
      recurrent1.states.start, songs: songs, kernel: parameters.start(of: "recurrent_2/kernel"),
      recurrent: parameters.start(of: "recurrent_2/recurrent_kernel"),
      bias: parameters.start(of: "recurrent_2/bias"))
  }

  private func runDense(songNumbers: [UInt32], dropout: DropoutMask?) {
    let stride = padded(architecture.recurrentUnits)
    enter("tags, forward")
    team.measure("products") {
      dense.forward(
        recurrent2.states.start + architecture.recurrentSteps * stride,
        stride: (architecture.recurrentSteps + 1) * stride, songs: songNumbers.count,
        kernel: parameters.start(of: "tags/kernel"), bias: parameters.start(of: "tags/bias"), dropout: dropout,
        songNumbers: songNumbers)
    }
  }

  private func check(_ batch: Batch, labelled: Bool) throws {
    let features = batch.count * architecture.frequencyBins * architecture.segments
    let labels = batch.count * architecture.tags
    guard batch.count <= maximumBatch, batch.features.count == features,
      !labelled || batch.labels.count == labels
    else {
      throw Failure(
        .fault,
        "a batch of \(batch.count) songs has \(batch.features.count) values and \(batch.labels.count) labels; "
          + "expected at most \(maximumBatch) songs, \(features) values and \(labels) labels")
    }
  }
}
