/// Batch norm's affine map, ELU and dropout on a song's pooled map, forward and backward.
public struct ActivationPass: Sendable {
  public let pooled: MapShape

  public init(pooled: MapShape) { self.pooled = pooled }

  /// `dropout(elu(scale·y + shift))` for a song. A dropped value's winner becomes `droppedArgmax`: no position of
  /// its window gets a gradient, and the backward pass needs neither the mask nor the exponential again.
  public func activate(
    _ raw: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    dropout: DropoutMask?, song: UInt32, argmax: UnsafeMutablePointer<UInt8>,
    to activated: UnsafeMutablePointer<Float>
  ) {
    guard let dropout else {
      forEachVector { position, channel in
        let z = Vector.load(shift + channel).addingProduct(
          Vector.load(raw + position), Vector.load(scale + channel))
        z.exponentialLinear.store(activated + position)
      }
      return
    }
    let places = DroppedPlaces(
      raw: raw, scale: scale, shift: shift, argmax: argmax, activated: activated, count: pooled.songStride,
      channels: pooled.channelStride, dropout: dropout)
    var channel = 0
    for block in 0..<(pooled.songStride + 63) / 64 {
      let words = dropout.words(song: song, block: block)
      places.activate(block * 64, &channel, words.0)
      places.activate(block * 64 + 16, &channel, words.1)
      places.activate(block * 64 + 32, &channel, words.2)
      places.activate(block * 64 + 48, &channel, words.3)
    }
  }

  /// What stands for a winner where dropout took the value; windows have fewer positions. Computed, since code that goes into
  /// others would ask each time whether a stored one has been set.
  public static var droppedArgmax: Int32 { 255 }

  /// From the gradient for the activated map to the gradient for batch norm's output, in place, with its sum and
  /// its sum with y − mean, per channel. `sums` and `products` are written.
  ///
  /// ELU's derivative is 1 above zero and e^z = elu(z) + 1 below, which the activated map still tells;
  /// `keptScale` is the factor of values that dropout kept.
  public func differentiate(
    _ gradient: UnsafeMutablePointer<Float>, raw: UnsafePointer<Float>, activated: UnsafePointer<Float>,
    argmax: UnsafePointer<UInt8>, mean: UnsafePointer<Float>, keptScale: Float,
    sums: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>
  ) {
    let width = pooled.channelStride
    let inverse = 1 / keptScale
    for channel in stride(from: 0, to: width, by: vectorWidth) {
      let center = Vector.load(mean + channel)
      var sum = Vector.zero
      var product = Vector.zero
      var position = channel
      for _ in 0..<pooled.positions {
        let slope = 1 + (Vector.load(activated + position) * inverse).smaller(.zero)
        let dropped = loadArgmax(argmax + position) .== SIMD16<Int32>(repeating: Self.droppedArgmax)
        let derivative = (Vector.load(gradient + position) * keptScale * slope)
          .replacing(with: 0, where: dropped)
        derivative.store(gradient + position)
        sum += derivative
        product = product.addingProduct(derivative, Vector.load(raw + position) - center)
        position += width
      }
      sum.store(sums + channel)
      product.store(products + channel)
    }
  }

  /// Walks a song's map vector by vector: where in the map, and which channel.
  @inline(__always)
  private func forEachVector(_ body: (Int, Int) -> Void) {
    let width = pooled.channelStride
    var position = 0
    for _ in 0..<pooled.positions {
      for channel in stride(from: 0, to: width, by: vectorWidth) {
        body(position, channel)
        position += vectorWidth
      }
    }
  }
}

/// A song's map in `ActivationPass.activate` with dropout.
private struct DroppedPlaces {
  let raw: UnsafePointer<Float>
  let scale: UnsafePointer<Float>
  let shift: UnsafePointer<Float>
  let argmax: UnsafeMutablePointer<UInt8>
  let activated: UnsafeMutablePointer<Float>
  /// Values of the map, and of one position.
  let count: Int
  let channels: Int
  let dropout: DropoutMask

  /// Activates sixteen values from a position on, and moves the channel on. Transparent, so that `words` stays in registers.
  @_transparent
  func activate(_ position: Int, _ channel: inout Int, _ words: SIMD16<UInt32>) {
    if position >= count { return }
    let z = Vector.load(shift + channel).addingProduct(Vector.load(raw + position), Vector.load(scale + channel))
    let drops = words .< SIMD16<UInt32>(repeating: dropout.threshold)
    let kept = z.exponentialLinear * dropout.scale
    kept.replacing(with: 0, where: drops).store(activated + position)
    let winner = loadArgmax(argmax + position)
    storeArgmax(winner.replacing(with: ActivationPass.droppedArgmax, where: drops), argmax + position)
    channel += vectorWidth
    if channel == channels { channel = 0 }
  }
}
