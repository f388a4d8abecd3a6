import Foundation
import Kernels
import RandomNumbers
import Testing

/// Random numbers in a map `[song][row][column][channel, padded]`, the padding zero.
private func randomMap(_ shape: MapShape, songs: Int, seed: UInt64) -> AlignedBuffer {
  let buffer = AlignedBuffer(count: max(songs, 1) * shape.songStride)
  var stream = RandomStream(seed: seed, purpose: .test)
  for position in 0..<songs * shape.positions {
    for channel in 0..<shape.channels {
      buffer.start[position * shape.channelStride + channel] = Float(stream.uniform(in: -1..<1))
    }
  }
  return buffer
}

/// Direct 3×3 same cross-correlation in double precision; `kernel` is `[9][input][output, padded]`.
private func direct(
  _ map: AlignedBuffer, _ input: MapShape, _ kernel: AlignedBuffer, _ output: MapShape, songs: Int
) -> [Double] {
  var result = [Double](repeating: 0, count: songs * output.songStride)
  for song in 0..<songs {
    for row in 0..<input.rows {
      for column in 0..<input.columns {
        let target = song * output.songStride + (row * input.columns + column) * output.channelStride
        for tap in 0..<9 {
          let (r, c) = (row + tap / 3 - 1, column + tap % 3 - 1)
          guard (0..<input.rows).contains(r), (0..<input.columns).contains(c) else { continue }
          let source = song * input.songStride + (r * input.columns + c) * input.channelStride
          for i in 0..<input.channels {
            let x = Double(map.start[source + i])
            for o in 0..<output.channels {
              result[target + o] += x * Double(kernel.start[(tap * input.channels + i) * output.channelStride + o])
            }
          }
        }
      }
    }
  }
  return result
}

private func rootMeanSquare(_ values: [Double]) -> Double {
  (values.reduce(0) { $0 + $1 * $1 } / Double(max(values.filter { $0 != 0 }.count, 1))).squareRoot()
}

private struct Case: Sendable {
  let rows: Int
  let columns: Int
  let inputs: Int
  let outputs: Int
  let songs: Int

  var input: MapShape { MapShape(rows: rows, columns: columns, channels: inputs) }
  var output: MapShape { MapShape(rows: rows, columns: columns, channels: outputs) }
  var spans: [SongSpan] { SongSpan.sideBySide(Array(repeating: columns, count: songs)) }
}

private let cases = [
  Case(rows: 6, columns: 126, inputs: 33, outputs: 40, songs: 3),
  Case(rows: 3, columns: 63, inputs: 16, outputs: 17, songs: 9),
  Case(rows: 1, columns: 1, inputs: 1, outputs: 1, songs: 2),
  Case(rows: 2, columns: 13, inputs: 5, outputs: 64, songs: 30),
  Case(rows: 7, columns: 5, inputs: 18, outputs: 3, songs: 1),
  Case(rows: 12, columns: 25, inputs: 20, outputs: 20, songs: 11),
  // Taller than what goes through the transformed domain together.
  Case(rows: 31, columns: 126, inputs: 5, outputs: 17, songs: 3),
]

private func layer(_ c: Case, threads: Int = 2) -> (WinogradConvolution, AlignedBuffer, AlignedBuffer) {
  let layer = WinogradConvolution(
    ConvolutionShape(
      rows: c.rows, columns: c.columns, inputChannels: c.inputs, outputChannels: c.outputs, windowRows: 4),
    team: ThreadTeam(threads: threads))
  let kernel = AlignedBuffer(count: 9 * c.inputs * c.output.channelStride)
  var stream = RandomStream(seed: 4, purpose: .test)
  for row in 0..<9 * c.inputs {
    for o in 0..<c.outputs {
      kernel.start[row * c.output.channelStride + o] = Float(stream.uniform(in: -1..<1))
    }
  }
  let signs = AlignedBuffer(count: c.output.channelStride)
  for o in 0..<c.outputs { signs.start[o] = 1 }
  layer.prepareWeights(kernel.start, signs: signs.start, forTraining: true)
  keep(signs)
  return (layer, kernel, signs)
}

@Test(arguments: cases.indices)
func tileConvolutionEqualsDirectConvolution(_ which: Int) {
  let c = cases[which]
  let (layer, kernel, _) = layer(c)
  let source = randomMap(c.input, songs: c.songs, seed: 1)
  let expected = direct(source, c.input, kernel, c.output, songs: c.songs)
  let scratch = AlignedBuffer(count: layer.scratchCount)
  defer { keep([source, scratch, kernel]) }
  let target = AlignedBuffer(count: c.songs * c.output.songStride)
  let finished = AlignedBuffer(count: c.songs)
  // Parts of one song may be finished by two threads at once.
  let lock = NSLock()
  layer.forward(source.start, songs: c.spans, to: target.start, scratch: scratch) { song, rows in
    lock.withLock { finished.start[song] += Float(rows.count) }
  }
  defer { keep([target, finished]) }
  let scale = rootMeanSquare(expected)
  let errors = zip(target.all, expected).map { abs(Double($0) - $1) / scale }
  #expect(errors.allSatisfy { $0 < 2e-4 }, "largest error \(errors.max()!) of the output's root mean square")
  #expect(finished.all[..<c.songs].allSatisfy { $0 == Float(c.rows) })
}

/// The convolution is linear in its input and in its weights, so the adjoint test is exact: for any dY,
/// ⟨dY, conv(x, w)⟩ = ⟨dX, x⟩ = ⟨dW, w⟩. Single entries are checked by convolving unit maps.
@Test(arguments: cases.indices)
func tileConvolutionGradientsAreTheAdjointOfDirectConvolution(_ which: Int) {
  let c = cases[which]
  let (layer, kernel, signs) = layer(c)
  let source = randomMap(c.input, songs: c.songs, seed: 2)
  let gradient = randomMap(c.output, songs: c.songs, seed: 3)
  let scratch = AlignedBuffer(count: layer.scratchCount)
  let inputGradient = AlignedBuffer(count: c.songs * c.input.songStride)
  let kernelGradient = AlignedSums(count: kernel.count)
  defer {
    keep([source, kernel, signs, gradient, scratch, inputGradient])
    keep(kernelGradient)
  }
  var early: [[Double]] = []
  layer.backward(
    source.start, songs: c.spans, outputGradient: gradient.start, inputGradient: inputGradient.start,
    kernelGradient: kernelGradient.start, scratch: scratch, prepare: { _, _ in },
    kernelIsDone: { early.append(Array(kernelGradient.all)) })
  // The kernel's gradient is final when it is said to be.
  #expect(early == [Array(kernelGradient.all)])

  func product(_ a: some Sequence<Float>, _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * $1.1 }
  }
  var stream = RandomStream(seed: 6, purpose: .test)
  let inputSize = rootMeanSquare(inputGradient.all.map(Double.init))
  let kernelSize = rootMeanSquare(Array(kernelGradient.all))
  for _ in 0..<6 {
    let unit = AlignedBuffer(count: source.count)
    let position = stream.index(below: c.songs * c.input.positions)
    let index = position * c.input.channelStride + stream.index(below: c.inputs)
    unit.start[index] = 1
    let expected = product(gradient.all, direct(unit, c.input, kernel, c.output, songs: c.songs))
    #expect(abs(Double(inputGradient.start[index]) - expected) < 2e-4 * inputSize)

    let unitKernel = AlignedBuffer(count: kernel.count)
    let tap = stream.index(below: 9 * c.inputs) * c.output.channelStride + stream.index(below: c.outputs)
    unitKernel.start[tap] = 1
    let weight = product(
      gradient.all, direct(source, c.input, unitKernel, c.output, songs: c.songs))
    #expect(abs(kernelGradient.start[tap] - weight) < 2e-4 * max(kernelSize, 1e-3))
  }
}

@Test func negativeSignsTurnTheOutputAndNothingElse() {
  let c = cases[0]
  let (layer, kernel, _) = layer(c)
  let source = randomMap(c.input, songs: c.songs, seed: 1)
  let scratch = AlignedBuffer(count: layer.scratchCount)
  let plain = AlignedBuffer(count: c.songs * c.output.songStride)
  layer.forward(source.start, songs: c.spans, to: plain.start, scratch: scratch) { _, _ in }
  let signs = AlignedBuffer(count: c.output.channelStride)
  for o in 0..<c.outputs { signs.start[o] = o % 3 == 0 ? -1 : 1 }
  layer.prepareWeights(kernel.start, signs: signs.start, forTraining: false)
  let turned = AlignedBuffer(count: plain.count)
  defer { keep([source, kernel, scratch, plain, signs, turned]) }
  layer.forward(source.start, songs: c.spans, to: turned.start, scratch: scratch) { _, _ in }
  for i in 0..<plain.count {
    #expect(turned.start[i] == plain.start[i] * signs.start[i % c.output.channelStride])
  }
}

/// The first layer's fused convolution and pooling against direct convolution and plain pooling.
@Test(arguments: [(2, 2), (3, 2), (1, 4), (5, 3)], [1, 2, 3])
func fusedFirstLayerEqualsConvolutionThenPooling(window: (rows: Int, columns: Int), inputs: Int) {
  let rows = InputRows(channels: inputs, frequencies: 12, segments: 31)
  let map = MapShape(rows: 12, columns: 31, channels: 20)
  let pooling = PoolingPass(map: map, windowRows: window.rows, windowColumns: window.columns)
  let layer = InputConvolution(
    frequencies: 12, inputs: inputs, channels: 20, windowRows: window.rows, windowColumns: window.columns,
    team: ThreadTeam(threads: 1))
  let image = MapShape(rows: 12, columns: 31, channels: inputs)
  let features = randomMap(image, songs: 1, seed: 8)
  // The rows' order in a song's features is segment, channel, frequency.
  let plain = (0..<31 * inputs * 12).map { i in
    features.start[(i % 12 * 31 + i / (12 * inputs)) * 16 + i / 12 % inputs]
  }
  let song = AlignedBuffer(count: rows.songStride + vectorWidth)
  plain.withUnsafeBufferPointer { rows.transpose($0.baseAddress!, to: song.start) }
  let kernel = randomMap(MapShape(rows: 9 * inputs, columns: 1, channels: 20), songs: 1, seed: 9)
  let signs = AlignedBuffer(count: 32)
  for o in 0..<20 { signs.start[o] = 1 }
  layer.prepareWeights(kernel.start, signs: signs.start)
  let values = AlignedBuffer(count: pooling.pooled.songStride)
  let argmax = UnsafeMutablePointer<UInt8>.allocate(capacity: pooling.pooled.songStride)
  defer {
    argmax.deallocate()
    keep([song, features, kernel, signs, values])
  }
  layer.forward(song.start, input: rows, to: values.start, argmax: argmax)

  let full = direct(features, image, kernel, map, songs: 1)
  for row in 0..<pooling.pooled.rows {
    for column in 0..<pooling.pooled.columns {
      for channel in 0..<20 {
        let candidates = (0..<window.rows * window.columns).map { position in
          let r = row * window.rows + position / window.columns
          let c = column * window.columns + position % window.columns
          return full[(r * 31 + c) * 32 + channel]
        }
        let index = (row * pooling.pooled.columns + column) * 32 + channel
        #expect(abs(Double(values.start[index]) - candidates.max()!) < 1e-5)
        #expect(Int(argmax[index]) == candidates.firstIndex(of: candidates.max()!)!)
      }
    }
  }
}
