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
  private let product: DenseProduct

  public init(inputs: Int, outputs: Int, maximumBatch: Int, team: ThreadTeam) {
    self.inputs = inputs
    self.outputs = outputs
    inputStride = padded(inputs)
    outputStride = padded(outputs)
    let songs = DenseProduct.rowCapacity(maximumBatch)
    dropped = AlignedBuffer(count: songs * inputStride)
    factors = AlignedBuffer(count: songs * inputStride)
    logits = AlignedBuffer(count: songs * outputStride)
    product = DenseProduct(inputs: inputs, outputs: outputs, team: team)
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
    product.forward(dropped.start, songs: songs, kernel: kernel, to: logits.start)
    for song in 0..<songs {
      for vector in stride(from: 0, to: outputStride, by: vectorWidth) {
        let row = logits.start + song * outputStride + vector
        (Vector.load(row) + Vector.load(bias + vector)).store(row)
      }
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
  /// - Parameters:
  ///   - labels: `[song][output]`, without padding, 0 to 1.
  ///   - songs: how many songs there are, those of the last `forward`.
  ///   - isKnown: whether a song's labels are known; else it has no loss. Empty: all are.
  public func crossEntropy(labels: UnsafePointer<Float>, songs: Int, isKnown: [Bool] = []) -> Double {
    var total = 0.0
    for song in 0..<songs where isKnown.isEmpty || isKnown[song] {
      var entropy = CrossEntropySum()
      for vector in stride(from: 0, to: outputStride, by: vectorWidth) {
        entropy.add(
          logits: Vector.load(logits.start + song * outputStride + vector),
          labels: self.labels(labels, song, vector),
          count: outputs - vector)
      }
      total += entropy.value
    }
    return total / Double(outputs)
  }

  /// Sixteen of a song's labels, zeros behind the last.
  @inline(__always)
  private func labels(_ labels: UnsafePointer<Float>, _ song: Int, _ vector: Int) -> Vector {
    let first = labels + song * outputs + vector
    if outputs - vector >= vectorWidth { return UnsafeRawPointer(first).loadUnaligned(as: Vector.self) }
    var values = Vector.zero
    for lane in 0..<outputs - vector { values[lane] = first[lane] }
    return values
  }

  /// From probabilities, labels and `scale` = 1 / (songs of the global batch × outputs) to the gradients of kernel
  /// and bias and of the states, the latter `[song][input, padded]` with room for `DenseProduct.rowCapacity` songs.
  /// - Parameters:
  ///   - labels: `[song][output]`, without padding, 0 to 1.
  ///   - songs: how many songs there are, those of the last `forward`.
  ///   - isKnown: whether a song's labels are known; else it has no part in them. Empty: all are.
  ///   - scale: what every difference of probability and label is multiplied by.
  ///   - kernel: `[input][output, padded]`.
  ///   - kernelGradient: the same shape, written over.
  ///   - biasGradient: `[output, padded]`, written over.
  ///   - stateGradient: `[song][input, padded]`, written over.
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
        let difference = Vector.load(row + vector).sigmoid - self.labels(labels, song, vector)
        let gradient = (difference * scale).keepingFirst(outputs - vector)
        gradient.store(row + vector)
        gradient.add(to: biasGradient + vector)
      }
    }
    product.sumGradient(dropped.start, logits.start, songs: songs, to: kernelGradient)
    product.propagate(logits.start, songs: songs, kernel: kernel, to: stateGradient)
    // Inputs that dropout took away have no gradient.
    for i in 0..<songs * inputStride { stateGradient[i] *= factors.start[i] }
  }
}
