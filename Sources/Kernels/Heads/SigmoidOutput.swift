/// What the last layer computes: dropout, dense, sigmoid, and the cross-entropy's gradient.
public final class SigmoidOutput {
  public let inputs: Int
  public let outputs: Int
  private let inputStride: Int
  private let outputStride: Int
  /// Dropped inputs, `[song][input, padded]`.
  private let dropped: AlignedBuffer
  private let factors: AlignedBuffer
  /// Logits, then probabilities, then the gradient for the logits: `[song][output, padded]`.
  private let logits: AlignedBuffer
  private let transposedKernel: AlignedBuffer

  public init(inputs: Int, outputs: Int, maximumBatch: Int) {
    self.inputs = inputs
    self.outputs = outputs
    inputStride = padded(inputs)
    outputStride = padded(outputs)
    let songs = Self.rowCapacity(maximumBatch)
    dropped = AlignedBuffer(count: songs * inputStride)
    factors = AlignedBuffer(count: songs * inputStride)
    logits = AlignedBuffer(count: songs * outputStride)
    transposedKernel = AlignedBuffer(count: outputs * inputStride)
  }

  /// Songs that a buffer of one row each must have room for.
  public static func rowCapacity(_ songs: Int) -> Int {
    (songs + RowProduct.rows - 1) / RowProduct.rows * RowProduct.rows
  }

  /// Sets the logits from one state a song, `[song][input, padded]`.
  public func forward(
    _ states: UnsafePointer<Float>, kernel: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    dropout: DropoutMask?, songNumbers: [UInt32]
  ) {
    let songs = songNumbers.count
    for song in 0..<songs {
      let factor = factors.start + song * inputStride
      if let dropout {
        dropout.write(song: songNumbers[song], count: inputStride, to: factor)
      } else {
        factor.update(repeating: 1, count: inputStride)
      }
      for i in 0..<inputs { dropped.start[song * inputStride + i] = states[song * inputStride + i] * factor[i] }
    }
    for first in stride(from: 0, to: songs, by: RowProduct.rows) {
      RowProduct.multiply(
        inner: inputs, columns: outputStride, a: dropped.start + first * inputStride, aStride: inputStride,
        b: kernel, bStride: outputStride, bias: bias, c: logits.start + first * outputStride,
        cStride: outputStride)
    }
  }

  /// Probabilities `[song][output]`, without padding.
  public func probabilities(songs: Int) -> [Float] {
    var values = [Float](repeating: 0, count: songs * outputs)
    for song in 0..<songs {
      for vector in stride(from: 0, to: outputStride, by: vectorWidth) {
        let p = Vector.load(logits.start + song * outputStride + vector).sigmoid
        for lane in 0..<min(vectorWidth, outputs - vector) { values[song * outputs + vector + lane] = p[lane] }
      }
    }
    return values
  }

  /// Sum over songs of the mean over outputs of the binary cross-entropy, from the logits, where nothing
  /// saturates: max(l, 0) − l·y + log(1 + e^−|l|).
  /// - Parameter isKnown: whether a song's labels are known; else it has no loss. Empty: all are.
  public func crossEntropy(labels: UnsafePointer<Float>, songs: Int, isKnown: [Bool] = []) -> Double {
    var total = 0.0
    for song in 0..<songs where isKnown.isEmpty || isKnown[song] {
      for output in 0..<outputs {
        let logit = Double(logits.start[song * outputStride + output])
        let label = Double(labels[song * outputs + output])
        total += max(logit, 0) - logit * label + logarithmOfOnePlus(exponent: -abs(logit))
      }
    }
    return total / Double(outputs)
  }

  /// From probabilities, labels and `scale` = 1 / (songs of the global batch × outputs) to the gradients of kernel
  /// and bias and of the states, the latter `[song][input, padded]` with room for `rowCapacity` songs.
  /// - Parameter isKnown: whether a song's labels are known; else it has no part in them. Empty: all are.
  public func backward(
    labels: UnsafePointer<Float>, songs: Int, isKnown: [Bool] = [], scale: Float, kernel: UnsafePointer<Float>,
    kernelGradient: UnsafeMutablePointer<Double>, biasGradient: UnsafeMutablePointer<Double>,
    stateGradient: UnsafeMutablePointer<Float>
  ) {
    biasGradient.update(repeating: 0, count: outputStride)
    for song in 0..<songs {
      let row = logits.start + song * outputStride
      guard isKnown.isEmpty || isKnown[song] else {
        row.update(repeating: 0, count: outputStride)
        continue
      }
      for vector in stride(from: 0, to: outputStride, by: vectorWidth) {
        var difference = Vector.load(row + vector).sigmoid
        for lane in 0..<vectorWidth {
          difference[lane] =
            vector + lane < outputs ? difference[lane] - labels[song * outputs + vector + lane] : 0
        }
        let gradient = difference * scale
        gradient.store(row + vector)
        gradient.add(to: biasGradient + vector)
      }
    }
    OuterSum.write(
      rows: 0..<inputs, columns: outputStride, songs: songs, a: dropped.start, aStride: inputStride,
      b: logits.start,
      bStride: outputStride, to: kernelGradient)
    propagate(songs, kernel, to: stateGradient)
  }

  /// The gradients for the states: those for the logits times the transposed kernel, where dropout kept them.
  private func propagate(_ songs: Int, _ kernel: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    Transposition.write(
      kernel, rows: inputs, columns: 0..<outputs, stride: outputStride, to: transposedKernel.start,
      stride: inputStride)
    for first in stride(from: 0, to: songs, by: RowProduct.rows) {
      RowProduct.multiply(
        inner: outputs, columns: inputStride, a: logits.start + first * outputStride, aStride: outputStride,
        b: transposedKernel.start, bStride: inputStride, bias: nil, c: target + first * inputStride,
        cStride: inputStride)
    }
    for i in 0..<songs * inputStride { target[i] *= factors.start[i] }
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

private func logarithmOfOnePlus(exponent: Double) -> Double { log1p(exp(exponent)) }
