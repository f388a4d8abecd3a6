/// A 3×3 same convolution of many channels by Winograd's minimal filtering: transform the input's tiles, one matrix product
/// for each point of the transformed domain, transform back. Gradients for input and weights go through the
/// transposed maps and the same products. Cross-correlation as in Keras: no flip.
///
/// With F(6×6, 3×3) a product of 36 outputs takes 64 multiplications instead of 324. A song's results do not depend,
/// to the last bit, on the songs that come with it.
public final class WinogradConvolution: MapConvolution {
  /// Maps of the longest song.
  private let input: MapShape
  private let output: MapShape
  private let plan: WinogradPlan
  private let team: ThreadTeam
  /// Transformed weights in panels, `[point][output channel / 16][input channel][16]`, and transposed,
  /// `[point][input channel / 16][output channel][16]`.
  private let weights: AlignedBuffer
  private let transposedWeights: AlignedBuffer
  /// What `prepareWeights` took last.
  private var signs: UnsafePointer<Float>?
  /// Rows of tiles that a song is cut into parts of: all, but for large maps. A constant of the shape.
  private let tileRowsOfPart: Int
  /// Tiles that pass through the transformed domain together: rows of each product. A constant of the shape.
  private let tilesPerBlock: Int
  /// Room for the parts of a block.
  private var parts = WinogradParts()

  /// Rows that a block should have, or as many as there are channels where that is more: enough that reading the weights
  /// and adding to the gradients' sums, once for each block, cost little; few enough that a small network's block stays
  /// in cache. docs/performance.md has the measurement.
  private static let leastProductRows = 84
  /// Parts that a block of tall maps has at least, so that threads share their transforms: such a map alone gives products
  /// rows enough.
  private static let leastPartsOfTallMaps = 2

  package init(_ shape: ConvolutionShape, team: ThreadTeam) {
    let (rows, columns) = (shape.rows, shape.columns)
    input = MapShape(rows: rows, columns: columns, channels: shape.inputChannels)
    output = MapShape(rows: rows, columns: columns, channels: shape.outputChannels)
    plan = WinogradPlan.fewestProducts(rows: rows, columns: columns)
    self.team = team
    let productRows = max(Self.leastProductRows, input.channels, output.channels)
    tileRowsOfPart = plan.tileRowsOfPart(
      columns: columns, productRows: productRows, windowRows: shape.windowRows)
    let tilesOfPart = tileRowsOfPart * plan.tileColumns(columns)
    let partsOfBlock = max(
      plan.tileRows > 1 ? Self.leastPartsOfTallMaps : 1, (productRows + tilesOfPart / 2) / tilesOfPart)
    tilesPerBlock = partsOfBlock * tilesOfPart
    weights = AlignedBuffer(count: plan.points * input.channels * output.channelStride)
    transposedWeights = AlignedBuffer(count: plan.points * output.channels * input.channelStride)
  }

  /// Points of a block, then the sums of the weights' gradient.
  public var scratchCount: Int { pointsCount + 2 * plan.points * sumStride }
  private var pointsCount: Int {
    plan.points * (pointStride(input) + pointStride(output))
  }
  /// Floats from one point of a block to the next: an odd number of cache lines. A transform goes to all points at once,
  /// which would else compete for a few sets of the cache.
  private func pointStride(_ map: MapShape) -> Int {
    let lines = PanelProduct.rowCapacity(tilesPerBlock) * map.channelStride / vectorWidth
    return (lines | 1) * vectorWidth
  }
  private var weightStride: Int { input.channels * output.channelStride }
  private var transposedStride: Int { output.channels * input.channelStride }
  /// Doubles of a point's sum.
  private var sumStride: Int { GradientSum.count(rows: input.channels, columns: output.channelStride) }

  public var rowsOfPart: Int { min(tileRowsOfPart * plan.heightOutputs, input.rows) }
  private var partsOfSong: Int { (plan.tileRows + tileRowsOfPart - 1) / tileRowsOfPart }

  // MARK: - Weights

  /// Transforms the kernel `[3][3][input][output, padded]` into the domain of the products; every output channel
  /// is multiplied by its sign (see `ChannelNormalization`). The backward pass needs the weights transposed as
  /// well: `forTraining`.
  public func prepareWeights(
    _ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>, forTraining: Bool
  ) {
    self.signs = signs
    team.measure("weight transform", weightWork(forTraining: forTraining)) {
      layOutWeights(kernel, signs)
      if forTraining { transposeWeights(kernel, signs) }
    }
  }

  private func layOutWeights(_ kernel: UnsafePointer<Float>, _ signs: UnsafePointer<Float>) {
    let (inputs, outputs) = (input.channels, output.channelStride)
    team.forEach(outputs / vectorWidth) { task in
      let column = task * vectorWidth
      let sign = Vector.load(signs + column)
      let panel = self.weights.start + column * inputs
      for channel in 0..<inputs {
        self.transform(to: panel + channel * vectorWidth, pointStride: self.weightStride) { tap in
          Vector.load(kernel + (tap * inputs + channel) * outputs + column) * sign
        }
      }
    }
  }

  private func transposeWeights(_ kernel: UnsafePointer<Float>, _ signs: UnsafePointer<Float>) {
    let (inputs, outputs) = (input.channels, output.channelStride)
    team.forEach(input.channelStride / vectorWidth) { task in
      let row = task * vectorWidth
      let lanes = min(vectorWidth, inputs - row)
      let panel = self.transposedWeights.start + row * self.output.channels
      for channel in 0..<self.output.channels {
        self.transform(to: panel + channel * vectorWidth, pointStride: self.transposedStride) { tap in
          var values = Vector.zero
          let source = kernel + (tap * inputs + row) * outputs + channel
          for lane in 0..<lanes { values[lane] = source[lane * outputs] }
          return values * signs[channel]
        }
      }
    }
  }

  /// G w Gᵀ of sixteen filters at once.
  @inline(__always)
  private func transform(
    to target: UnsafeMutablePointer<Float>, pointStride: Int, _ tap: (Int) -> Vector
  ) {
    let h = plan.heightOutputs + 2
    let w = plan.widthOutputs + 2
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 3 * w) { halfway in
      for i in 0..<3 {
        let (left, middle, right) = (tap(i * 3), tap(i * 3 + 1), tap(i * 3 + 2))
        for q in 0..<w { halfway[i * w + q] = Self.combine(plan.widthFilterMap, q, left, middle, right) }
      }
      for p in 0..<h {
        for q in 0..<w {
          Self.combine(plan.heightFilterMap, p, halfway[q], halfway[w + q], halfway[2 * w + q])
            .store(target + (p * w + q) * pointStride)
        }
      }
    }
  }

  @inline(__always)
  private static func combine(_ map: [Float], _ row: Int, _ a: Vector, _ b: Vector, _ c: Vector) -> Vector {
    (a * map[row * 3]).addingProduct(b, map[row * 3 + 1]).addingProduct(c, map[row * 3 + 2])
  }

  /// Gᵀ dU G, signs undone: writes the kernel's gradient `[3][3][input][output, padded]`.
  private func writeKernelGradient(_ sums: UnsafePointer<Double>, to gradient: UnsafeMutablePointer<Double>) {
    guard let signs else { preconditionFailure("no weights were prepared") }
    let (inputs, outputs) = (input.channels, output.channelStride)
    let half = vectorWidth / 2
    team.forEach(outputs / half) { task in
      let column = task * half
      let sign = UnsafeRawPointer(signs + column).load(as: SIMD8<Float>.self).doubles
      let panel = sums + GradientSum.panel(column / vectorWidth * vectorWidth, rows: inputs) + column % vectorWidth
      for channel in 0..<inputs {
        self.transformBack(panel + channel * vectorWidth) { tap, value in
          (value * sign).store(gradient + (tap * inputs + channel) * outputs + column)
        }
      }
    }
  }

  @inline(__always)
  private func transformBack(_ points: UnsafePointer<Double>, _ store: (Int, SIMD8<Double>) -> Void) {
    let h = plan.heightOutputs + 2
    let w = plan.widthOutputs + 2
    withUnsafeTemporaryAllocation(of: SIMD8<Double>.self, capacity: 9) { sums in
      for tap in 0..<9 { sums[tap] = .zero }
      for p in 0..<h {
        for j in 0..<3 {
          var row = SIMD8<Double>.zero
          for q in 0..<w {
            let value = SIMD8<Double>.load(points + (p * w + q) * sumStride)
            row = row.addingProduct(value, Double(plan.widthFilterMap[q * 3 + j]))
          }
          for i in 0..<3 {
            sums[i * 3 + j] = sums[i * 3 + j].addingProduct(row, Double(plan.heightFilterMap[p * 3 + i]))
          }
        }
      }
      for tap in 0..<9 { store(tap, sums[tap]) }
    }
  }

  // MARK: - Passes

  public func forward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], to target: UnsafeMutablePointer<Float>,
    scratch: AlignedBuffer, finished: (Int, Range<Int>) -> Void
  ) {
    forEachBlock(songs, scratch) { block in
      transformInput(source, songs, block)
      team.measure("products", productWork(songs, block)) {
        team.forEach(plan.points) { point in
          PanelProduct.multiply(
            rows: block.tiles, columns: self.output.channelStride, inner: self.input.channels,
            a: block.inputs + point * block.inputStride, aStride: self.input.channelStride,
            panels: self.weights.start + point * self.weightStride,
            c: block.outputs + point * block.outputStride, cStride: self.output.channelStride)
        }
      }
      team.measure("output transform, pooling", transformWork(output, songs, block, block.outputStride)) {
        block.forEachPart(team, self.output) { song, run in
          self.plan.passes.pointsToOutput(
            block.outputs, block.outputStride, run, target + self.output.offset(songs[song]), songs[song].count,
            self.output.channelStride)
          finished(song, self.rows(run.tileRows))
        }
      }
    }
  }

  public func backward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, kernelGradient: UnsafeMutablePointer<Double>,
    scratch: AlignedBuffer, prepare: (Int, Range<Int>) -> Void, kernelIsDone: () -> Void
  ) {
    let sums = UnsafeMutableRawPointer(scratch.start + pointsCount)
      .bindMemory(to: Double.self, capacity: plan.points * sumStride)
    // The kernel's gradient goes on its way to other ranks while the last block's input gradient is computed.
    func finishKernel() {
      team.measure("weight gradient transform", weightGradientWork) {
        writeKernelGradient(sums, to: kernelGradient)
      }
      kernelIsDone()
    }
    if songs.isEmpty {
      sums.update(repeating: 0, count: plan.points * sumStride)
      finishKernel()
    }
    forEachBlock(songs, scratch) { block in
      transformInput(source, songs, block)
      team.measure("output gradient, transform", transformWork(output, songs, block, block.outputStride)) {
        block.forEachPart(team, self.output) { song, run in
          prepare(song, self.rows(run.tileRows))
          self.plan.passes.outputGradientToPoints(
            outputGradient + self.output.offset(songs[song]), songs[song].count, self.output.channelStride,
            block.outputs, block.outputStride, run)
        }
      }
      let isLast = block.firstPart + block.parts.count == songs.count * partsOfSong
      let work = productWork(songs, block)
      team.measure("products", isLast ? work : work + work) {
        team.forEach(plan.points) { point in
          self.addWeightProducts(point, block, sums + point * self.sumStride, over: block.firstPart == 0)
          if !isLast { self.multiplyByWeights(point, block) }
        }
      }
      if isLast {
        finishKernel()
        team.measure("products", work) {
          team.forEach(plan.points) { self.multiplyByWeights($0, block) }
        }
      }
      team.measure("input gradient transform", transformWork(input, songs, block, block.inputStride)) {
        block.forEachSong(team, self.input) { song, run in
          self.plan.passes.pointsToInputGradient(
            block.inputs, block.inputStride, run, inputGradient + self.input.offset(songs[song]),
            songs[song].count, self.input.channelStride)
        }
      }
    }
  }

  /// dU += Vᵀ·D.
  private func addWeightProducts(
    _ point: Int, _ block: WinogradBlock, _ sums: UnsafeMutablePointer<Double>, over: Bool
  ) {
    GradientSum.add(
      rows: input.channels, columns: output.channelStride, songs: block.parts.tiles,
      a: block.inputs + point * block.inputStride, aStride: input.channelStride,
      b: block.outputs + point * block.outputStride, bStride: output.channelStride, to: sums, over: over)
  }

  /// dV = D·Uᵀ over V, which nobody needs any more.
  private func multiplyByWeights(_ point: Int, _ block: WinogradBlock) {
    let inputs = block.inputs + point * block.inputStride
    let outputs = block.outputs + point * block.outputStride
    PanelProduct.multiply(
      rows: block.tiles, columns: input.channelStride, inner: output.channels, a: outputs,
      aStride: output.channelStride, panels: transposedWeights.start + point * transposedStride, c: inputs,
      cStride: input.channelStride)
  }

  private func transformInput(_ source: UnsafePointer<Float>, _ songs: [SongSpan], _ block: WinogradBlock) {
    team.measure("input transform", transformWork(input, songs, block, block.inputStride)) {
      block.forEachPart(team, self.input) { song, run in
        self.plan.passes.inputToPoints(
          source + self.input.offset(songs[song]), songs[song].count, self.input.channelStride, block.inputs,
          block.inputStride, run)
      }
    }
  }

  /// What the products of a block's tiles do.
  private func productWork(_ songs: [SongSpan], _ block: WinogradBlock) -> StepProfile.Work {
    StepProfile.Work(
      direct: 18 * positions(block, songs) * input.channels * output.channels,
      executed: 2 * plan.points * block.tiles * input.channels * output.channelStride,
      bytes: 4 * plan.points * (block.tiles * (input.channelStride + output.channelStride) + weightStride))
  }

  /// What laying out the weights does: reads the kernel, writes every point's weights.
  private func weightWork(forTraining: Bool) -> StepProfile.Work {
    let kernel = 9 * weightStride
    return StepProfile.Work(
      bytes: 4 * (kernel + plan.points * weightStride)
        + (forTraining ? 4 * (kernel + plan.points * transposedStride) : 0))
  }

  private var weightGradientWork: StepProfile.Work {
    StepProfile.Work(bytes: 8 * (plan.points * sumStride + 9 * weightStride))
  }

  /// What a transform of a block's maps does: reads one side and writes the other.
  private func transformWork(
    _ map: MapShape, _ songs: [SongSpan], _ block: WinogradBlock, _ pointStride: Int
  ) -> StepProfile.Work {
    StepProfile.Work(
      bytes: 4 * (positions(block, songs) * map.channelStride + plan.points * pointStride))
  }

  /// Positions of a map that a block covers.
  private func positions(_ block: WinogradBlock, _ songs: [SongSpan]) -> Int {
    block.parts.places.reduce(0) { $0 + rows($1.tileRows).count * songs[$1.song].count }
  }

  /// Rows of the map that rows of tiles write.
  private func rows(_ tileRows: Range<Int>) -> Range<Int> {
    tileRows.lowerBound * plan.heightOutputs..<min(tileRows.upperBound * plan.heightOutputs, input.rows)
  }
}

extension WinogradConvolution {
  /// Cuts a batch into blocks: songs in order and their parts from the top, as many as the scratch has room for.
  private func forEachBlock(_ songs: [SongSpan], _ scratch: AlignedBuffer, _ body: (WinogradBlock) -> Void) {
    precondition(scratch.count >= scratchCount)
    let inputStride = pointStride(input)
    var block = WinogradBlock(
      inputs: scratch.start, outputs: scratch.start + plan.points * inputStride, inputStride: inputStride,
      outputStride: pointStride(output))
    swap(&block.parts, &parts)
    block.parts.removeAll()
    for (song, span) in songs.enumerated() {
      for top in stride(from: 0, to: plan.tileRows, by: tileRowsOfPart) {
        let tileRows = top..<min(top + tileRowsOfPart, plan.tileRows)
        let tiles = tileRows.count * plan.tileColumns(span.count)
        if block.tiles + tiles > tilesPerBlock {
          body(block)
          block.firstPart += block.parts.count
          block.parts.removeAll()
        }
        block.parts.tiles.append(block.tiles..<block.tiles + tiles)
        block.parts.places.append(WinogradParts.Place(song: song, tileRows: tileRows))
      }
    }
    if block.tiles > 0 { body(block) }
    swap(&block.parts, &parts)
  }
}
