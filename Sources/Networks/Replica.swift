import Diagnosis
import Kernels

/// One copy of the network with the memory of its passes. Everything is allocated here, nothing in a step.
///
/// A replica belongs to one thread; its own team of threads works inside the calls.
public final class Replica {
  public let architecture: Architecture
  public let maximumBatch: Int
  /// The most segments that the songs of a batch have together.
  public let maximumSegments: Int
  /// Trainable weights.
  public let parameters: ParameterArena
  /// Gradients of the last step, laid out like `parameters`.
  public let gradients: GradientArena
  /// Moving means and variances of the batch normalisations.
  public let movingStatistics: ParameterArena
  /// Means and variances of the last step's batch, laid out like `movingStatistics`.
  public let batchStatistics: ParameterArena
  /// Share of the old value that a moving statistic keeps in a step.
  public static let momentum: Float = 0.99

  let team: ThreadTeam
  private let first: InputConvolutionBlock
  private let others: [HiddenConvolutionBlock]
  private let recurrent1: GatedRecurrence
  private let recurrent2: GatedRecurrence
  private let dense: DenseLayer
  private let scratch: AlignedBuffer
  private let stateGradient: AlignedBuffer
  private let sequenceGradient: AlignedBuffer
  private var lastShape: BatchShape?

  /// - Parameters:
  ///   - maximumBatch: the most songs that a call will bring.
  ///   - maximumSegments: the most segments that they have together; nil: all as long as the architecture says.
  ///   - threads: threads that work inside a call.
  /// - Throws: `Failure` of kind `usage` for an architecture that cannot be.
  public convenience init(
    _ architecture: Architecture, maximumBatch: Int, maximumSegments: Int? = nil, threads: Int
  ) throws {
    try self.init(
      architecture, maximumBatch: maximumBatch, maximumSegments: maximumSegments, threads: threads
    ) {
      WinogradConvolution(rows: $0, columns: $1, inputChannels: $2, outputChannels: $3, team: $4)
    }
  }

  /// A replica whose convolutions, but for the first, are made by `convolution`.
  package init(
    _ architecture: Architecture, maximumBatch: Int, maximumSegments: Int? = nil, threads: Int,
    convolution: ConvolutionMaker
  ) throws {
    try architecture.validate()
    guard maximumBatch >= 1, threads >= 1 else {
      throw Failure(.usage, "a replica needs at least one song a batch and one thread")
    }
    self.architecture = architecture
    self.maximumBatch = maximumBatch
    self.maximumSegments = maximumSegments ?? maximumBatch * architecture.segments
    team = ThreadTeam(threads: threads)
    parameters = ParameterArena(architecture.parameterTensors())
    gradients = GradientArena(like: parameters)
    movingStatistics = ParameterArena(architecture.statisticTensors())
    batchStatistics = ParameterArena(like: movingStatistics)
    movingStatistics.setInitialStatistics()

    let (team, parameters, gradients) = (self.team, self.parameters, self.gradients)
    let (moving, batch) = (movingStatistics, batchStatistics)
    let shapes = architecture.convolutions
    let columns = [self.maximumSegments] + architecture.pooledColumns(segments: self.maximumSegments)
    func tensors(_ number: Int) -> BlockTensors {
      BlockTensors(number: number, parameters: parameters, gradients: gradients, moving: moving, batch: batch)
    }
    let input = InputTensors(parameters: parameters, gradients: gradients, moving: moving, batch: batch)
    first = InputConvolutionBlock(
      shape: shapes[0], tensors: tensors(1), input: input, maximumBatch: maximumBatch, maximumColumns: columns[0],
      team: team)
    others = shapes.indices.dropFirst().map { index in
      HiddenConvolutionBlock(
        index: index, shape: shapes[index], tensors: tensors(index + 1), maximumBatch: maximumBatch,
        maximumColumns: columns[index], team: team, convolution: convolution)
    }
    let units = architecture.recurrentUnits
    recurrent1 = GatedRecurrence(
      inputs: architecture.filters.last!, units: units, maximumBatch: maximumBatch, maximumSteps: columns.last!,
      leadingRows: 0, team: team)
    recurrent2 = GatedRecurrence(
      inputs: units, units: units, maximumBatch: maximumBatch, maximumSteps: columns.last!, leadingRows: 1,
      team: team)
    dense = DenseLayer(inputs: units, outputs: architecture.tags, maximumBatch: maximumBatch)
    scratch = AlignedBuffer(count: others.reduce(0) { max($0, $1.scratchCount) })
    stateGradient = AlignedBuffer(count: DenseLayer.rowCapacity(maximumBatch) * padded(units))
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
  public func computeGradients(
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
    let shape = shape(of: batch)
    let masks = (0...others.count).map { mask($0, architecture.convolutionDropout) }
    let finalMask = mask(others.count + 1, architecture.finalDropout)

    enter("convolution_1, forward")
    try first.forward(batch, shape, dropout: masks[0], statistics: statistics)
    var source: ConvolutionBlock = first
    for block in others {
      enter("convolution_\(block.index + 1), forward")
      try block.forward(
        source, shape, songs: batch.songs, dropout: masks[block.index], statistics: statistics,
        scratch: scratch)
      source = block
    }
    runRecurrence(source, shape.steps)
    runDense(shape.steps, songNumbers: batch.songs, dropout: finalMask)
    let outcome = StepOutcome(
      lossSum: batch.labels.withUnsafeBufferPointer { labels in
        batch.count == 0 ? 0 : dense.crossEntropy(labels: labels.baseAddress!, songs: batch.count)
      }, probabilities: dense.probabilities(songs: batch.count))

    backwardHead(batch, shape.steps, source, globalSongs: step.globalSongs)
    for (position, block) in others.enumerated().reversed() {
      enter("convolution_\(block.index + 1), backward")
      try block.backward(
        position == 0 ? first : others[position - 1], shape, dropout: masks[block.index],
        statistics: statistics, scratch: scratch)
    }
    enter("convolution_1, backward")
    try first.backward(shape, dropout: masks[0], statistics: statistics)
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

  private func backwardHead(
    _ batch: Batch, _ steps: [SongSpan], _ source: ConvolutionBlock, globalSongs: Int
  ) {
    enter("tags, backward")
    team.measure("products", tagsWork(songs: batch.count) + tagsWork(songs: batch.count)) {
      batch.labels.withUnsafeBufferPointer { labels in
        withUnsafePointer(to: Float(0)) { none in
          dense.backward(
            labels: labels.baseAddress ?? none, songs: batch.count,
            scale: 1 / Float(globalSongs * architecture.tags), kernel: parameters.start(of: "tags/kernel"),
            kernelGradient: gradients.start(of: "tags/kernel"), biasGradient: gradients.start(of: "tags/bias"),
            stateGradient: stateGradient.start)
        }
      }
    }
    enter("recurrent_2, backward")
    recurrent2.backward(
      recurrent1.states.start, songs: steps, stateGradient: stateGradient.start, everyStep: false,
      kernel: parameters.start(of: "recurrent_2/kernel"),
      recurrent: parameters.start(of: "recurrent_2/recurrent_kernel"),
      kernelGradient: gradients.start(of: "recurrent_2/kernel"),
      recurrentGradient: gradients.start(of: "recurrent_2/recurrent_kernel"),
      biasGradient: gradients.start(of: "recurrent_2/bias"), sequenceGradient: sequenceGradient.start)
    enter("recurrent_1, backward")
    recurrent1.backward(
      source.activated.start, songs: steps, stateGradient: sequenceGradient.start, everyStep: true,
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
    let shape = shape(of: batch)
    first.infer(batch, shape)
    var source: ConvolutionBlock = first
    for block in others {
      enter("convolution_\(block.index + 1), inference")
      block.infer(source, shape, scratch: scratch)
      source = block
    }
    runRecurrence(source, shape.steps)
    runDense(shape.steps, songNumbers: batch.songs, dropout: nil)
    return dense.probabilities(songs: batch.count)
  }

  private func runRecurrence(_ source: ConvolutionBlock, _ songs: [SongSpan]) {
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

  private func runDense(_ steps: [SongSpan], songNumbers: [UInt32], dropout: DropoutMask?) {
    enter("tags, forward")
    team.measure("products", tagsWork(songs: steps.count)) {
      dense.forward(
        recurrent2.states.start, offsets: recurrent2.lastStates(steps),
        kernel: parameters.start(of: "tags/kernel"), bias: parameters.start(of: "tags/bias"), dropout: dropout,
        songNumbers: songNumbers)
    }
  }

  private func tagsWork(songs: Int) -> StepProfile.Work {
    let (units, tags) = (architecture.recurrentUnits, architecture.tags)
    return StepProfile.Work(
      direct: 2 * songs * units * tags, executed: 2 * songs * units * padded(tags),
      bytes: 4 * (units * padded(tags) + songs * (padded(units) + padded(tags))))
  }

  private func check(_ batch: Batch, labelled: Bool) throws {
    let segments = batch.segments.reduce(0, +)
    let features = segments * architecture.segmentWidth
    let labels = batch.count * architecture.tags
    guard batch.count <= maximumBatch, batch.segments.count == batch.count, segments <= maximumSegments,
      batch.features.count == features, !labelled || batch.labels.count == labels
    else {
      throw Failure(
        .fault,
        "a batch of \(batch.count) songs and \(segments) segments has \(batch.features.count) values and "
          + "\(batch.labels.count) labels; expected at most \(maximumBatch) songs and \(maximumSegments) "
          + "segments, \(features) values and \(labels) labels")
    }
    let lengths = architecture.shortestSong...architecture.segments
    if let wrong = batch.segments.first(where: { !lengths.contains($0) }) {
      throw Failure(
        .fault,
        "a song of a batch has \(wrong) segments; the network takes \(lengths.lowerBound) to "
          + "\(lengths.upperBound)")
    }
  }

  /// Where the songs of a batch lie; the last batch's answer serves again where the lengths are the same.
  private func shape(of batch: Batch) -> BatchShape {
    if let lastShape, lastShape.segments == batch.segments { return lastShape }
    let shape = BatchShape(architecture, segments: batch.segments)
    lastShape = shape
    return shape
  }
}
