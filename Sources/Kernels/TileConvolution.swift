/// A 3×3 same convolution of many channels by minimal filtering: transform the input's tiles, one matrix product
/// for each point of the transformed domain, transform back. Gradients for input and weights go through the
/// transposed maps and the same products. Cross-correlation as in Keras: no flip.
///
/// With F(6×6, 3×3) a product of 36 outputs takes 64 multiplications instead of 324.
public final class TileConvolution: MapConvolution {
  /// Maps of the longest song.
  private let input: MapShape
  private let output: MapShape
  private let plan: TilePlan
  private let team: ThreadTeam
  /// Transformed weights, `[point][input channel, padded][output channel, padded]`.
  private let weights: AlignedBuffer
  private let weightGradients: AlignedBuffer
  /// What `prepareWeights` took last.
  private var prepared: (kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>)?
  /// Tiles of the songs that pass through the transformed domain together: rows of each product. A constant of the
  /// shape, so that results do not depend on threads.
  private let tilesPerBlock: Int

  /// Rows that each product should have at least: the library packs the weights anew for every product, which
  /// costs about as much as one row for every channel divided by its rate. docs/performance.md has the measurement.
  private static let leastProductRows = 84

  /// - Parameter columns: of the longest song.
  public init(rows: Int, columns: Int, inputChannels: Int, outputChannels: Int, team: ThreadTeam) {
    input = MapShape(rows: rows, columns: columns, channels: inputChannels)
    output = MapShape(rows: rows, columns: columns, channels: outputChannels)
    plan = TilePlan.fewestProducts(rows: rows, columns: columns)
    self.team = team
    let productRows = max(Self.leastProductRows, input.channels, output.channels)
    let tilesPerSong = plan.tiles(columns: columns)
    tilesPerBlock = max(1, (productRows + tilesPerSong / 2) / tilesPerSong) * tilesPerSong
    let count = plan.points * input.channelStride * output.channelStride
    weights = AlignedBuffer(count: count)
    weightGradients = AlignedBuffer(count: count)
  }

  public var scratchCount: Int { plan.points * tilesPerBlock * (input.channelStride + output.channelStride) }

  // MARK: - Weights

  /// Transforms the kernel `[3][3][input][output, padded]` into the domain of the products; every output channel
  /// is multiplied by its sign (see `ChannelNormalization`).
  public func prepareWeights(_ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>) {
    prepared = (kernel, signs)
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

  package func exactOutput(
    _ source: UnsafePointer<Float>, song: SongSpan, row: Int, column: Int, channel: Int
  ) -> Double {
    guard let prepared else { preconditionFailure("no weights were prepared") }
    return Double(prepared.signs[channel])
      * directOutput(
        source + input.offset(song), input.shape(of: song), prepared.kernel, outputStride: output.channelStride,
        row: row, column: column, channel: channel)
  }

  // MARK: - Passes

  public func forward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], to target: UnsafeMutablePointer<Float>,
    scratch: AlignedBuffer, wholeBlocks: Bool, finished: (Int) -> Void
  ) {
    forEachBlock(songs, scratch) { block in
      let rows = wholeBlocks ? tilesPerBlock : block.tiles
      transformInput(source, songs, block)
      team.measure("products", productWork(songs, block, rows: rows)) {
        team.forEach(plan.points) { point in
          MatrixProduct.multiply(
            rows: rows, columns: self.output.channelStride, inner: self.input.channels,
            a: block.inputs + point * block.inputStride, aStride: self.input.channelStride,
            b: self.weights.start + point * self.weightStride, bStride: self.output.channelStride,
            c: block.outputs + point * block.outputStride, cStride: self.output.channelStride)
        }
      }
      team.measure("output transform, pooling", transformWork(output, songs, block, block.outputStride)) {
        block.forEachSong(team) { song, firstTile in
          self.plan.passes.pointsToOutput(
            block.outputs, block.outputStride, firstTile, target + self.output.offset(songs[song]),
            songs[song].count, self.output.channelStride)
          finished(song)
        }
      }
    }
  }

  /// The weights' gradient is kept in the transformed domain for `writeKernelGradient`.
  public func backward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, scratch: AlignedBuffer, prepare: (Int) -> Void
  ) {
    if songs.isEmpty { weightGradients.zero() }
    forEachBlock(songs, scratch) { block in
      transformInput(source, songs, block)
      team.measure("output gradient, transform", transformWork(output, songs, block, block.outputStride)) {
        block.forEachSong(team) { song, firstTile in
          prepare(song)
          self.plan.passes.outputGradientToPoints(
            outputGradient + self.output.offset(songs[song]), songs[song].count, self.output.channelStride,
            block.outputs, block.outputStride, firstTile)
        }
      }
      let work = productWork(songs, block, rows: block.tiles)
      team.measure("products", work + work) {
        team.forEach(plan.points) { point in
          self.backwardProducts(point, rows: block.tiles, block, accumulate: block.firstSong > 0)
        }
      }
      team.measure("input gradient transform", transformWork(input, songs, block, block.inputStride)) {
        block.forEachSong(team) { song, firstTile in
          self.plan.passes.pointsToInputGradient(
            block.inputs, block.inputStride, firstTile, inputGradient + self.input.offset(songs[song]),
            songs[song].count, self.input.channelStride)
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

  private func transformInput(_ source: UnsafePointer<Float>, _ songs: [SongSpan], _ block: Block) {
    team.measure("input transform", transformWork(input, songs, block, block.inputStride)) {
      block.forEachSong(team) { song, firstTile in
        self.plan.passes.inputToPoints(
          source + self.input.offset(songs[song]), songs[song].count, self.input.channelStride, block.inputs,
          block.inputStride, firstTile)
      }
    }
  }

  /// What the products of a block's tiles do.
  private func productWork(_ songs: [SongSpan], _ block: Block, rows: Int) -> StepProfile.Work {
    StepProfile.Work(
      direct: 18 * block.columns(songs) * input.rows * input.channels * output.channels,
      executed: 2 * plan.points * rows * input.channels * output.channelStride,
      bytes: 4 * plan.points * (rows * (input.channelStride + output.channelStride) + weightStride))
  }

  /// What a transform of a block's maps does: reads one side and writes the other.
  private func transformWork(
    _ map: MapShape, _ songs: [SongSpan], _ block: Block, _ pointStride: Int
  ) -> StepProfile.Work {
    StepProfile.Work(
      bytes: 4 * (block.columns(songs) * map.rows * map.channelStride + plan.points * pointStride))
  }

  private var weightStride: Int { input.channelStride * output.channelStride }
}

/// Songs that pass through the transformed domain together, and where their tiles lie in the scratch.
private struct Block {
  let inputs: UnsafeMutablePointer<Float>
  let outputs: UnsafeMutablePointer<Float>
  let inputStride: Int
  let outputStride: Int
  /// Number of the block's first song, and the first tile of each of its songs.
  var firstSong = 0
  var firstTiles: [Int] = []
  var tiles = 0

  func columns(_ songs: [SongSpan]) -> Int {
    songs[firstSong..<firstSong + firstTiles.count].reduce(0) { $0 + $1.count }
  }

  func forEachSong(_ team: ThreadTeam, _ body: (_ song: Int, _ firstTile: Int) -> Void) {
    team.forEach(firstTiles.count) { body(firstSong + $0, firstTiles[$0]) }
  }
}

extension TileConvolution {
  /// Cuts a batch into blocks: songs in order, as many as the scratch has room for.
  private func forEachBlock(_ songs: [SongSpan], _ scratch: AlignedBuffer, _ body: (Block) -> Void) {
    precondition(scratch.count >= scratchCount)
    let inputStride = tilesPerBlock * input.channelStride
    var block = Block(
      inputs: scratch.start, outputs: scratch.start + plan.points * inputStride, inputStride: inputStride,
      outputStride: tilesPerBlock * output.channelStride)
    for (song, span) in songs.enumerated() {
      let tiles = plan.tiles(columns: span.count)
      if block.tiles + tiles > tilesPerBlock {
        body(block)
        block.firstSong = song
        block.firstTiles = []
        block.tiles = 0
      }
      block.firstTiles.append(block.tiles)
      block.tiles += tiles
    }
    if block.tiles > 0 { body(block) }
  }
}
