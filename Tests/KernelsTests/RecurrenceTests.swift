import Foundation
import Kernels
import RandomNumbers
import Testing

/// A GRU in double precision and plain loops: all states of every song, `[song][step][unit]`.
private struct PlainRecurrence {
  let inputs: Int
  let units: Int
  let steps: Int
  var kernel: [Double]
  var recurrent: [Double]
  var bias: [Double]

  func states(_ x: [Double], songs: Int) -> [Double] {
    func sigmoid(_ v: Double) -> Double { 1 / (1 + exp(-v)) }
    var result: [Double] = []
    for song in 0..<songs {
      var h = [Double](repeating: 0, count: units)
      for step in 0..<steps {
        let row = (song * steps + step) * inputs
        var next = h
        for unit in 0..<units {
          func a(_ gate: Int) -> Double {
            (0..<inputs).reduce(bias[gate * units + unit]) {
              $0 + x[row + $1] * kernel[($1 * 3 + gate) * units + unit]
            }
          }
          func b(_ gate: Int) -> Double {
            (0..<units).reduce(bias[(3 + gate) * units + unit]) {
              $0 + h[$1] * recurrent[($1 * 3 + gate) * units + unit]
            }
          }
          let z = sigmoid(a(0) + b(0))
          let r = sigmoid(a(1) + b(1))
          next[unit] = z * h[unit] + (1 - z) * tanh(a(2) + r * b(2))
        }
        h = next
        result += h
      }
    }
    return result
  }
}

/// Copies `[rows][groups][width]` into rows whose groups are padded.
private func pad(_ values: [Double], rows: Int, groups: Int, width: Int) -> AlignedBuffer {
  let stride = padded(width)
  let buffer = AlignedBuffer(count: rows * groups * stride)
  for i in values.indices {
    buffer.start[i / width * stride + i % width] = Float(values[i])
  }
  return buffer
}

@Test(arguments: [(5, 3, 7, 11), (16, 16, 1, 8), (20, 33, 4, 9), (1, 1, 3, 1)])
func recurrenceAndItsGradientsEqualPlainLoopsAndFiniteDifferences(
  inputs: Int, units: Int, steps: Int, songs: Int
) {
  var stream = RandomStream(seed: 13, purpose: .test)
  func random(_ count: Int, _ size: Double) -> [Double] {
    (0..<count).map { _ in Double(Float(stream.uniform(in: -size..<size))) }
  }
  var plain = PlainRecurrence(
    inputs: inputs, units: units, steps: steps, kernel: random(inputs * 3 * units, 0.7),
    recurrent: random(units * 3 * units, 0.7), bias: random(6 * units, 0.5))
  let x = random(songs * steps * inputs, 1)
  for everyStep in [true, false] {
    let layer = GatedRecurrence(
      inputs: inputs, units: units, maximumBatch: songs, maximumSteps: songs * steps, leadingRows: 0,
      team: ThreadTeam(threads: 2))
    let spans = SongSpan.sideBySide(Array(repeating: steps, count: songs))
    let sequences = AlignedBuffer(count: GatedRecurrence.rowCapacity(songs * steps) * padded(inputs))
    let packed = pad(x, rows: songs * steps, groups: 1, width: inputs)
    sequences.start.update(from: packed.start, count: packed.count)
    let kernel = pad(plain.kernel, rows: inputs, groups: 3, width: units)
    let recurrent = pad(plain.recurrent, rows: units, groups: 3, width: units)
    let bias = pad(plain.bias, rows: 2, groups: 3, width: units)
    defer { keep([sequences, packed, kernel, recurrent, bias]) }
    layer.forward(
      sequences.start, songs: spans, kernel: kernel.start, recurrent: recurrent.start, bias: bias.start)
    let u = padded(units)
    let expected = plain.states(x, songs: songs)
    for i in expected.indices {
      let (song, step, unit) = (i / (steps * units), i / units % steps, i % units)
      #expect(abs(Double(layer.states.start[(song * (steps + 1) + step + 1) * u + unit]) - expected[i]) < 3e-6)
    }

    // Loss: a fixed random combination of the states (all, or each song's last).
    let weights = random(songs * steps * units, 1).enumerated().map { i, w in
      everyStep || i / units % steps == steps - 1 ? w : 0
    }
    let given = AlignedBuffer(count: everyStep ? songs * (steps + 1) * u : songs * u)
    for i in weights.indices {
      let (song, step, unit) = (i / (steps * units), i / units % steps, i % units)
      if everyStep {
        given.start[(song * (steps + 1) + step + 1) * u + unit] = Float(weights[i])
      } else if step == steps - 1 {
        given.start[song * u + unit] = Float(weights[i])
      }
    }
    let gradients = [kernel.count, recurrent.count, bias.count].map { AlignedSums(count: $0) }
    let sequenceGradient = AlignedBuffer(count: sequences.count)
    defer {
      keep([given, sequenceGradient])
      keep(gradients)
    }
    layer.backward(
      sequences.start, songs: spans, stateGradient: given.start, everyStep: everyStep, kernel: kernel.start,
      recurrent: recurrent.start, kernelGradient: gradients[0].start, recurrentGradient: gradients[1].start,
      biasGradient: gradients[2].start, sequenceGradient: sequenceGradient.start)

    func loss(_ layer: PlainRecurrence, _ x: [Double]) -> Double {
      zip(layer.states(x, songs: songs), weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func check(_ found: Double, _ what: String, _ change: (Double) -> Double) {
      let difference = (change(1e-6) - change(-1e-6)) / 2e-6
      #expect(abs(found - difference) < 1e-4 * max(1, abs(difference)), "\(what)")
    }
    for _ in 0..<5 {
      var i = stream.index(below: plain.kernel.count)
      check(gradients[0].start[i / units * u + i % units], "kernel") { h in
        var changed = plain
        changed.kernel[i] += h
        return loss(changed, x)
      }
      i = stream.index(below: plain.recurrent.count)
      check(gradients[1].start[i / units * u + i % units], "recurrent kernel") { h in
        var changed = plain
        changed.recurrent[i] += h
        return loss(changed, x)
      }
      i = stream.index(below: plain.bias.count)
      check(gradients[2].start[i / units * u + i % units], "bias") { h in
        var changed = plain
        changed.bias[i] += h
        return loss(changed, x)
      }
      i = stream.index(below: x.count)
      check(Double(sequenceGradient.start[i / inputs * padded(inputs) + i % inputs]), "input") { h in
        var changed = x
        changed[i] += h
        return loss(plain, changed)
      }
    }
    plain.bias = random(6 * units, 0.5)
  }
}
