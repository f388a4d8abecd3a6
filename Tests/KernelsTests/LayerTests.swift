import Foundation
import Kernels
import RandomNumbers
import Testing

/// Keeps buffers alive until here: a pointer into one does not.
func keep<Scalar>(_ buffers: [AlignedRun<Scalar>]) { withExtendedLifetime(buffers) {} }
func keep<Scalar>(_ buffer: AlignedRun<Scalar>) { keep([buffer]) }

@Test func dropoutMaskFollowsItsDefinitionAndItsRate() {
  let mask = DropoutMask(rate: 0.1, seed: 0x1234_5678_9abc, step: 17, layer: 2)
  let count = 4 * 64 + 48
  let factors = AlignedBuffer(count: count)
  defer { keep(factors) }
  mask.write(song: 41, count: count, to: factors.start)
  for e in 0..<count {
    let words = Philox.words(
      key: (0x5678_9abc, 0x1234),
      counter: SIMD4(UInt32(e / 64 * 16 + e % 16), 41, 17, RandomPurpose.dropout.rawValue << 16 | 2))
    let dropped = words[e % 64 / 16] < UInt32(0.1 * 4_294_967_296)
    #expect(factors.start[e] == (dropped ? 0 : Float(1 / 0.9)))
  }
  let many = AlignedBuffer(count: 1 << 18)
  mask.write(song: 1, count: many.count, to: many.start)
  let share = Double(many.all.count { $0 == 0 }) / Double(many.count)
  #expect(abs(share - 0.1) < 0.003)
}

@Test func poolingKeepsTheFirstOfEqualMaximaAndCutsTheRemainder() {
  let pass = PoolingPass(map: MapShape(rows: 3, columns: 5, channels: 1), windowRows: 2, windowColumns: 2)
  let map = AlignedBuffer(count: pass.map.songStride)
  defer { keep(map) }
  for (i, v) in [Float]([1, 2, 3, 3, 9, 2, 0, 3, 3, 9, 9, 9, 9, 9, 9]).enumerated() { map.start[i * 16] = v }
  let values = AlignedBuffer(count: pass.pooled.songStride)
  let argmax = UnsafeMutablePointer<UInt8>.allocate(capacity: pass.pooled.songStride)
  defer { argmax.deallocate() }
  pass.pool(map.start, to: values.start, argmax: argmax)
  #expect([values.start[0], values.start[16]] == [2, 3])
  #expect([argmax[0], argmax[16]] == [1, 0])
}

/// Batch norm's dense terms and pooling's sparse one, by finite differences of a loss that pools one song's map
/// after normalising it by its own statistics.
@Test func expandedGradientEqualsFiniteDifferencesThroughPoolingAndBatchNorm() {
  let pass = PoolingPass(map: MapShape(rows: 4, columns: 7, channels: 1), windowRows: 2, windowColumns: 3)
  var stream = RandomStream(seed: 31, purpose: .test)
  let y = (0..<28).map { _ in stream.uniform(in: -1..<1) }
  let weights = (0..<4).map { _ in stream.uniform(in: -1..<1) }
  let gamma = 0.7
  func normalized(_ y: [Double]) -> (z: [Double], mean: Double, inverse: Double) {
    let mean = y.reduce(0, +) / 28
    let variance = y.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 28
    let inverse = 1 / (variance + 1e-3).squareRoot()
    return (y.map { gamma * ($0 - mean) * inverse + 0.2 }, mean, inverse)
  }
  func window(_ i: Int) -> [Int] {
    (0..<6).map { p in (i / 2 * 2 + p / 3) * 7 + i % 2 * 3 + p % 3 }
  }
  func loss(_ y: [Double]) -> Double {
    let z = normalized(y).z
    return (0..<4).reduce(0) { $0 + weights[$1] * window($1).map { z[$0] }.max()! }
  }
  let (_, mean, inverse) = normalized(y)
  let map = AlignedBuffer(count: pass.map.songStride)
  for i in 0..<28 { map.start[i * 16] = Float(y[i]) }
  let pooled = AlignedBuffer(count: pass.pooled.songStride)
  let argmax = UnsafeMutablePointer<UInt8>.allocate(capacity: pass.pooled.songStride)
  defer { argmax.deallocate() }
  pass.pool(map.start, to: pooled.start, argmax: argmax)
  let gradient = AlignedBuffer(count: pooled.count)
  for i in 0..<4 { gradient.start[i * 16] = Float(weights[i]) }
  let sum = weights.reduce(0, +)
  let product = (0..<4).reduce(0.0) { $0 + weights[$1] * (Double(pooled.start[$1 * 16]) - mean) * inverse }
  let vectors = (0..<3).map { _ in AlignedBuffer(count: 16) }
  defer { keep([map, pooled, gradient] + vectors) }
  vectors[0].start[0] = Float(gamma * inverse)
  vectors[2].start[0] = Float(-gamma * inverse * inverse * product / 28)
  vectors[1].start[0] = Float(-gamma * inverse * sum / 28 - Double(vectors[2].start[0]) * mean)
  pass.expandGradient(
    map.start, pooledGradient: gradient.start, argmax: argmax, scale: vectors[0].start,
    constant: vectors[1].start, slope: vectors[2].start)
  for i in 0..<28 {
    var (up, down) = (y, y)
    up[i] += 1e-6
    down[i] -= 1e-6
    #expect(abs(Double(map.start[i * 16]) - (loss(up) - loss(down)) / 2e-6) < 1e-5)
  }
}

@Test func activationAndItsDerivativeEqualPlainFormulas() {
  let pass = ActivationPass(pooled: MapShape(rows: 1, columns: 9, channels: 19))
  let count = pass.pooled.songStride
  var stream = RandomStream(seed: 17, purpose: .test)
  func buffer(_ range: Range<Double>) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: count)
    for i in 0..<count where i % 32 < 19 { buffer.start[i] = Float(stream.uniform(in: range)) }
    return buffer
  }
  let raw = buffer(-3..<3)
  let scale = buffer(0.5..<2)
  let shift = buffer(-1..<1)
  let mean = buffer(-1..<1)
  let gradient = buffer(-1..<1)
  let given = Array(gradient.all)
  let mask = DropoutMask(rate: 0.3, seed: 5, step: 2, layer: 0)
  let factors = AlignedBuffer(count: count)
  mask.write(song: 77, count: count, to: factors.start)
  let activated = AlignedBuffer(count: count)
  let argmax = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
  argmax.initialize(repeating: 1, count: count)
  defer { argmax.deallocate() }
  pass.activate(
    raw.start, scale: scale.start, shift: shift.start, dropout: mask, song: 77, argmax: argmax,
    to: activated.start)
  let sums = AlignedBuffer(count: 32)
  let products = AlignedBuffer(count: 32)
  defer { keep([raw, scale, shift, mean, gradient, activated, sums, products, factors]) }
  pass.differentiate(
    gradient.start, raw: raw.start, activated: activated.start, argmax: argmax, mean: mean.start,
    keptScale: mask.scale, sums: sums.start, products: products.start)
  var expectedSums = [Double](repeating: 0, count: 32)
  var expectedProducts = expectedSums
  for i in 0..<count where i % 32 < 19 {
    let z = Double(scale.start[i % 32]) * Double(raw.start[i]) + Double(shift.start[i % 32])
    let factor = Double(factors.start[i])
    #expect(abs(Double(activated.start[i]) - (z > 0 ? z : expm1(z)) * factor) < 1e-6)
    let derivative = Double(given[i]) * factor * (z > 0 ? 1 : exp(z))
    #expect(abs(Double(gradient.start[i]) - derivative) < 1e-6)
    #expect(argmax[i] == (factor == 0 ? 255 : 1))
    expectedSums[i % 32] += derivative
    expectedProducts[i % 32] += derivative * (Double(raw.start[i]) - Double(mean.start[i % 32]))
  }
  for channel in 0..<19 {
    #expect(abs(Double(sums.start[channel]) - expectedSums[channel]) < 1e-5)
    #expect(abs(Double(products.start[channel]) - expectedProducts[channel]) < 1e-5)
  }
}

@Test(arguments: [(3, 4, 2), (30, 50, 11), (17, 1, 8)])
func denseLayerAndItsGradientsEqualPlainLoops(inputs: Int, outputs: Int, songs: Int) {
  var stream = RandomStream(seed: 19, purpose: .test)
  func random(_ rows: Int, _ width: Int) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: rows * padded(width))
    for row in 0..<rows {
      for i in 0..<width { buffer.start[row * padded(width) + i] = Float(stream.uniform(in: -1..<1)) }
    }
    return buffer
  }
  let states = random(songs, inputs)
  let kernel = random(inputs, outputs)
  let bias = random(1, outputs)
  let labels = (0..<songs * outputs).map { _ in Float(stream.chance(0.3) ? 1 : 0) }
  let numbers = (0..<UInt32(songs)).map { $0 * 3 }
  let mask = DropoutMask(rate: 0.3, seed: 1, step: 1, layer: 3)
  let team = ThreadTeam(threads: 2)
  let layer = SigmoidOutput(inputs: inputs, outputs: outputs, maximumBatch: songs, team: team)
  let dropped = DroppedStates(inputs: inputs, maximumBatch: songs, team: team)
  let (i, o) = (padded(inputs), padded(outputs))
  dropped.drop(states.start, mask, songNumbers: numbers)
  layer.forward(dropped.values, songs: songs, kernel: kernel.start, bias: bias.start)
  let factors = AlignedBuffer(count: songs * i)
  for song in 0..<songs { mask.write(song: numbers[song], count: i, to: factors.start + song * i) }
  func logit(_ song: Int, _ output: Int) -> Double {
    (0..<inputs).reduce(Double(bias.start[output])) { sum, k in
      sum + Double(states.start[song * i + k] * factors.start[song * i + k]) * Double(kernel.start[k * o + output])
    }
  }
  let probabilities = layer.probabilities(songs: songs)
  let entropy = layer.crossEntropy(labels: labels, songs: songs)
  let scale = Float(1) / Float(songs * outputs)
  let kernelGradient = AlignedSums(count: inputs * o)
  let biasGradient = AlignedSums(count: o)
  let stateGradient = AlignedBuffer(count: DenseProduct.rowCapacity(songs) * i)
  defer {
    keep([states, kernel, bias, factors, stateGradient])
    keep([kernelGradient, biasGradient])
  }
  layer.backward(
    states: dropped.values, labels: labels, songs: songs, scale: scale, kernel: kernel.start,
    kernelGradient: kernelGradient.start, biasGradient: biasGradient.start, stateGradient: stateGradient.start)
  dropped.differentiate(stateGradient.start, nil, songs: songs)
  var total = 0.0
  var expectedKernel = [Double](repeating: 0, count: inputs * outputs)
  for song in 0..<songs {
    var expectedState = [Double](repeating: 0, count: inputs)
    for output in 0..<outputs {
      let p = 1 / (1 + exp(-logit(song, output)))
      let y = Double(labels[song * outputs + output])
      #expect(abs(Double(probabilities[song * outputs + output]) - p) < 1e-6)
      total -= (y * log(p) + (1 - y) * log(1 - p)) / Double(outputs)
      let d = (p - y) * Double(scale)
      for k in 0..<inputs {
        let factor = Double(factors.start[song * i + k])
        expectedKernel[k * outputs + output] += Double(states.start[song * i + k]) * factor * d
        expectedState[k] += Double(kernel.start[k * o + output]) * d * factor
      }
    }
    for k in 0..<inputs {
      #expect(abs(Double(stateGradient.start[song * i + k]) - expectedState[k]) < 1e-6)
    }
  }
  #expect(abs(entropy - total) < 1e-5)
  for k in 0..<inputs {
    for output in 0..<outputs {
      #expect(abs(kernelGradient.start[k * o + output] - expectedKernel[k * outputs + output]) < 1e-6)
    }
  }
}
