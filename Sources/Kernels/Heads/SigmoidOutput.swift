/// What a last layer computes, behind dropout: dense, sigmoid, and the cross-entropy's gradient.
public final class SigmoidOutput {
  public let inputs: Int
  public let outputs: Int
  private let outputStride: Int
  /// Logits, then the gradient for the logits: `[song][output, padded]`.
  private let logits: AlignedBuffer
  /// Each song's cross-entropy.
  private let entropies: AlignedSums
  private let product: DenseProduct
  private let team: ThreadTeam

  public init(inputs: Int, outputs: Int, maximumBatch: Int, team: ThreadTeam) {
    self.inputs = inputs
    self.outputs = outputs
    self.team = team
    outputStride = padded(outputs)
    logits = AlignedBuffer(count: DenseProduct.rowCapacity(maximumBatch) * outputStride)
    entropies = AlignedSums(count: maximumBatch)
    product = DenseProduct(inputs: inputs, outputs: outputs, team: team)
  }

  /// Sets the logits from one state a song, `[song][input, padded]` with room for `DenseProduct.rowCapacity` songs.
  public func forward(
    _ states: UnsafePointer<Float>, songs: Int, kernel: UnsafePointer<Float>, bias: UnsafePointer<Float>
  ) {
    let (logits, stride) = (logits.start, outputStride)
    product.forward(states, songs: songs, kernel: kernel, to: logits) { output in
      let added = Vector.load(bias + output)
      for song in 0..<songs {
        let place = logits + song * stride + output
        (Vector.load(place) + added).store(place)
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
    team.forEach(songs) { song in
      self.entropies.start[song] =
        isKnown.isEmpty || isKnown[song] ? self.crossEntropy(labels: labels, song: song) : 0
    }
    var total = 0.0
    for song in 0..<songs { total += entropies.start[song] }
    return total / Double(outputs)
  }

  private func crossEntropy(labels: UnsafePointer<Float>, song: Int) -> Double {
    var entropy = CrossEntropySum()
    for vector in stride(from: 0, to: outputStride, by: vectorWidth) {
      entropy.add(
        logits: Vector.load(logits.start + song * outputStride + vector),
        labels: self.labels(labels, song, vector),
        count: outputs - vector)
    }
    return entropy.value
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

  /// From logits, labels and `scale` = 1 / (songs of the global batch × outputs) to the gradients of kernel
  /// and bias and of the states, the latter `[song][input, padded]` with room for `DenseProduct.rowCapacity` songs.
  /// - Parameters:
  ///   - states: those of the last `forward`.
  ///   - labels: `[song][output]`, without padding, 0 to 1.
  ///   - songs: how many songs there are, those of the last `forward`.
  ///   - isKnown: whether a song's labels are known; else it has no part in them. Empty: all are.
  ///   - scale: what every difference of probability and label is multiplied by.
  ///   - kernel: `[input][output, padded]`.
  ///   - kernelGradient: the same shape, written over.
  ///   - biasGradient: `[output, padded]`, written over.
  ///   - stateGradient: `[song][input, padded]`, written over.
  public func backward(
    states: UnsafePointer<Float>, labels: UnsafePointer<Float>, songs: Int, isKnown: [Bool] = [], scale: Float,
    kernel: UnsafePointer<Float>, kernelGradient: UnsafeMutablePointer<Double>,
    biasGradient: UnsafeMutablePointer<Double>, stateGradient: UnsafeMutablePointer<Float>
  ) {
    team.forEach(outputStride / vectorWidth) { task in
      let vector = task * vectorWidth
      var low = SIMD8<Double>.zero
      var high = SIMD8<Double>.zero
      for song in 0..<songs {
        let place = self.logits.start + song * self.outputStride + vector
        guard isKnown.isEmpty || isKnown[song] else {
          Vector.zero.store(place)
          continue
        }
        let difference = Vector.load(place).sigmoid - self.labels(labels, song, vector)
        let gradient = (difference * scale).keepingFirst(self.outputs - vector)
        gradient.store(place)
        low += gradient.lowHalf.doubles
        high += gradient.highHalf.doubles
      }
      low.store(biasGradient + vector)
      high.store(biasGradient + vector + SIMD8<Double>.scalarCount)
    }
    product.sumGradient(states, logits.start, songs: songs, to: kernelGradient)
    product.propagate(logits.start, songs: songs, kernel: kernel, to: stateGradient)
  }
}
