/// A 3×3 same convolution of many channels by minimal filtering: transform the input's tiles, one matrix product
/// for each point of the transformed domain, transform back. Gradients for input and weights go through the
/// transposed maps and the same products. Cross-correlation as in Keras: no flip.
///
/// With F(6×6, 3×3) a product of 36 outputs takes 64 multiplications instead of 324.
public final class TileConvolution: MapConvolution {
  public let input: MapShape
  public let output: MapShape
  private let plan: TilePlan
  private let team: ThreadTeam
  /// Transformed weights, `[point][input channel, padded][output channel, padded]`.
  private let weights: AlignedBuffer
  private let weightGradients: AlignedBuffer
  /// Songs that pass through the transformed domain together. A constant of the shape, so that results depend
  /// on neither threads nor batch.
  public let songsPerBlock: Int

  /// Rows that each product should have at least: the library packs the weights anew for every product, which
  /// costs about as much as one row for every channel divided by its rate. docs/performance.md has the measurement.
  private static let leastProductRows = 84

  public init(rows: Int, columns: Int, inputChannels: Int, outputChannels: Int, team: ThreadTeam) {
    input = MapShape(rows: rows, columns: columns, channels: inputChannels)
    output = MapShape(rows: rows, columns: columns, channels: outputChannels)
    plan = TilePlan.fewestProducts(rows: rows, columns: columns)
    self.team = team
    let productRows = max(Self.leastProductRows, input.channels, output.channels)
    songsPerBlock = max(1, (productRows + plan.tilesPerSong / 2) / plan.tilesPerSong)
    let count = plan.points * input.channelStride * output.channelStride
    weights = AlignedBuffer(count: count)
    weightGradients = AlignedBuffer(count: count)
  }

  /// Floats of scratch that forward and backward need; layers that run one after the other share it.
  public var scratchCount: Int {
    plan.points * songsPerBlock * plan.tilesPerSong * (input.channelStride + output.channelStride)
  }

  /// Multiplications and additions of one song's forward pass as direct convolution counts them, and as
  /// executed by the products.
  public var directOperations: Int { 18 * input.positions * input.channels * output.channels }
  public var executedOperations: Int {
    2 * plan.points * plan.tilesPerSong * input.channels * output.channelStride
  }

  // MARK: - Weights

  /// Transforms the kernel `[3][3][input][output, padded]` into the domain of the products; every output channel
  /// is multiplied by its sign (see `ChannelNormalization`).
  public func prepareWeights(_ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>) {
    let columns = output.channelStride
    let h = plan.heightOutputs + 2
    let w = plan.widthOutputs + 2
    let pointStride = input.channelStride * columns
    team.forEach(input.channels) { channel in
      withUnsafeTemporaryAllocation(of: Vector.self, capacity: 3 * w) { halfway in
        for column in stride(from: 0, to: columns, by: vectorWidth) {
          let sign = Vector.load(signs + column)
          for i in 0..<3 {
            let taps = (0..<3).map { j in
              Vector.load(kernel + ((i * 3 + j) * self.input.channels + channel) * columns + column) * sign
            }
            for q in 0..<w {
              halfway[i * w + q] = Self.combine(self.plan.widthFilterMap, q, taps[0], taps[1], taps[2])
            }
          }
          for p in 0..<h {
            for q in 0..<w {
              let value = Self.combine(
                self.plan.heightFilterMap, p, halfway[q], halfway[w + q], halfway[2 * w + q])
              value.store(self.weights.start + (p * w + q) * pointStride + channel * columns + column)
            }
          }
        }
      }
    }
  }

  /// Gᵀ dU G, signs undone: adds nothing, writes the kernel's gradient `[3][3][input][output, padded]`.
  public func writeKernelGradient(_ gradient: UnsafeMutablePointer<Float>, signs: UnsafePointer<Float>) {
    let columns = output.channelStride
    let h = plan.heightOutputs + 2
    let w = plan.widthOutputs + 2
    let pointStride = input.channelStride * columns
    team.forEach(input.channels) { channel in
      for column in stride(from: 0, to: columns, by: vectorWidth) {
        let sign = Vector.load(signs + column)
        var sums = [Vector](repeating: .zero, count: 9)
        for p in 0..<h {
          for j in 0..<3 {
            var row = Vector.zero
            for q in 0..<w {
              let value = Vector.load(
                self.weightGradients.start + (p * w + q) * pointStride + channel * columns + column)
              row = row.addingProduct(value, self.plan.widthFilterMap[q * 3 + j])
            }
            for i in 0..<3 {
              sums[i * 3 + j] = sums[i * 3 + j].addingProduct(row, self.plan.heightFilterMap[p * 3 + i])
            }
          }
        }
        for tap in 0..<9 {
          (sums[tap] * sign).store(gradient + (tap * self.input.channels + channel) * columns + column)
        }
      }
    }
  }

  @inline(__always)
  private static func combine(_ map: [Float], _ row: Int, _ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
    (a * map[row * 3]).addingProduct(b, map[row * 3 + 1]).addingProduct(c, map[row * 3 + 2])
  }

  // MARK: - Passes

  /// Convolves `songs` maps. `finished` is called once for each song, on the thread that wrote its output, while
  /// the output is still in that core's cache. With `wholeBlocks` every product has the rows of a whole block,
  /// whatever they hold, so that a song's result does not depend on how many songs came with it.
  public func forward(
    _ source: UnsafePointer<Float>, songs: Int, to target: UnsafeMutablePointer<Float>, scratch: AlignedBuffer,
    wholeBlocks: Bool, finished: (Int) -> Void
  ) {
    let block = Block(self, scratch)
    for first in stride(from: 0, to: songs, by: songsPerBlock) {
      let count = min(songsPerBlock, songs - first)
      let rows = (wholeBlocks ? songsPerBlock : count) * plan.tilesPerSong
      transformInput(source, first, count, block)
      team.measure("products", productWork(songs: count, rows: rows)) {
        team.forEach(plan.points) { point in
          MatrixProduct.multiply(
            rows: rows, columns: self.output.channelStride, inner: self.input.channels,
            a: block.inputs + point * block.inputStride, aStride: self.input.channelStride,
            b: self.weights.start + point * self.weightStride, bStride: self.output.channelStride,
            c: block.outputs + point * block.outputStride, cStride: self.output.channelStride)
        }
      }
      team.measure("output transform, pooling", transformWork(output, block.outputStride)) {
        team.forEach(count) { song in
          self.plan.passes.pointsToOutput(
            block.outputs, block.outputStride, song * self.plan.tilesPerSong,
            target + (first + song) * self.output.songStride, self.output.channelStride)
          finished(first + song)
        }
      }
    }
  }

  /// Gradients of a batch. `prepare` is called once for each song before its output gradient is read, so that it
  /// can be made while it stays in cache. Writes the gradient for the input; the weights' gradient is kept in the
  /// transformed domain for `writeKernelGradient`.
  public func backward(
    _ source: UnsafePointer<Float>, songs: Int, outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, scratch: AlignedBuffer, prepare: (Int) -> Void
  ) {
    if songs == 0 { weightGradients.zero() }
    let block = Block(self, scratch)
    for first in stride(from: 0, to: songs, by: songsPerBlock) {
      let count = min(songsPerBlock, songs - first)
      transformInput(source, first, count, block)
      team.measure("output gradient, transform", transformWork(output, block.outputStride)) {
        team.forEach(count) { song in
          prepare(first + song)
          self.plan.passes.outputGradientToPoints(
            outputGradient + (first + song) * self.output.songStride, self.output.channelStride, block.outputs,
            block.outputStride, song * self.plan.tilesPerSong)
        }
      }
      team.measure("products", productWork(songs: 2 * count, rows: 2 * count * plan.tilesPerSong)) {
        team.forEach(plan.points) { point in
          self.backwardProducts(point, rows: count * self.plan.tilesPerSong, block, accumulate: first > 0)
        }
      }
      team.measure("input gradient transform", transformWork(input, block.inputStride)) {
        team.forEach(count) { song in
          self.plan.passes.pointsToInputGradient(
            block.inputs, block.inputStride, song * self.plan.tilesPerSong,
            inputGradient + (first + song) * self.input.songStride, self.input.channelStride)
        }
      }
    }
  }

  /// dU = Vᵀ·D, then dV = D·Uᵀ over V, which nobody needs any more.
  private func backwardProducts(_ point: Int, rows: Int, _ block: Block, accumulate: Bool) {
    let inputs = block.inputs + point * block.inputStride
    let outputs = block.outputs + point * block.outputStride
    MatrixProduct.multiplyTransposedLeft(
      rows: input.channels, columns: output.channelStride, inner: rows, a: inputs, aStride: input.channelStride,
      b: outputs, bStride: output.channelStride, c: weightGradients.start + point * weightStride,
      cStride: output.channelStride, accumulate: accumulate)
    MatrixProduct.multiplyTransposedRight(
      rows: rows, columns: input.channelStride, inner: output.channels, a: outputs,
      aStride: output.channelStride, b: weights.start + point * weightStride, bStride: output.channelStride,
      c: inputs, cStride: input.channelStride)
  }

  private func transformInput(_ source: UnsafePointer<Float>, _ first: Int, _ count: Int, _ block: Block) {
    team.measure("input transform", transformWork(input, block.inputStride)) {
      team.forEach(count) { song in
        self.plan.passes.inputToPoints(
          source + (first + song) * self.input.songStride, self.input.channelStride, block.inputs,
          block.inputStride, song * self.plan.tilesPerSong)
      }
    }
  }

  /// What the products of some songs' tiles do.
  private func productWork(songs: Int, rows: Int) -> StepProfile.Work {
    StepProfile.Work(
      direct: songs * directOperations,
      executed: 2 * plan.points * rows * input.channels * output.channelStride,
      bytes: 4 * plan.points * (rows * (input.channelStride + output.channelStride) + weightStride))
  }

  /// What a transform of a block's maps does: reads one side and writes the other.
  private func transformWork(_ map: MapShape, _ pointStride: Int) -> StepProfile.Work {
    StepProfile.Work(bytes: 4 * (songsPerBlock * map.songStride + plan.points * pointStride))
  }

  private var weightStride: Int { input.channelStride * output.channelStride }

  /// Where a block's transformed inputs and outputs lie in the scratch.
  private struct Block {
    let inputs: UnsafeMutablePointer<Float>
    let outputs: UnsafeMutablePointer<Float>
    let inputStride: Int
    let outputStride: Int

    init(_ layer: TileConvolution, _ scratch: AlignedBuffer) {
      precondition(scratch.count >= layer.scratchCount)
      let rows = layer.songsPerBlock * layer.plan.tilesPerSong
      inputStride = rows * layer.input.channelStride
      outputStride = rows * layer.output.channelStride
      inputs = scratch.start
      outputs = scratch.start + layer.plan.points * inputStride
    }
  }
}
