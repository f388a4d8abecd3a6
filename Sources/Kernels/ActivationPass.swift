/// Batch norm's affine map, ELU and dropout on a song's pooled map, forward and backward.
public struct ActivationPass: Sendable {
  public let pooled: MapShape

  public init(pooled: MapShape) { self.pooled = pooled }

  /// `dropout(elu(scale·y + shift))` for a song; no dropout where `dropout` is nil.
  public func activate(
    _ raw: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    dropout: DropoutMask?, song: UInt32, to activated: UnsafeMutablePointer<Float>
  ) {
    forEachVector(dropout, song) { position, channel, factor in
      let z = Vector.load(shift + channel).addingProduct(
        Vector.load(raw + position), Vector.load(scale + channel))
      (z.exponentialLinear * factor).store(activated + position)
    }
  }

  /// From the gradient for the activated map to the gradient for batch norm's output, in place, with its sum and
  /// its sum with the raw values, per channel. `sums` and `products` are written.
  public func differentiate(
    _ gradient: UnsafeMutablePointer<Float>, raw: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>, mean: UnsafePointer<Float>, dropout: DropoutMask?, song: UInt32,
    sums: UnsafeMutablePointer<Float>, products: UnsafeMutablePointer<Float>
  ) {
    sums.update(repeating: 0, count: pooled.channelStride)
    products.update(repeating: 0, count: pooled.channelStride)
    forEachVector(dropout, song) { position, channel, factor in
      let y = Vector.load(raw + position)
      let z = Vector.load(shift + channel).addingProduct(y, Vector.load(scale + channel))
      let slope = z.exponential.replacing(with: 1, where: z .> Vector(repeating: 0))
      let derivative = Vector.load(gradient + position) * factor * slope
      derivative.store(gradient + position)
      (Vector.load(sums + channel) + derivative).store(sums + channel)
      let distance = y - Vector.load(mean + channel)
      Vector.load(products + channel).addingProduct(derivative, distance).store(products + channel)
    }
  }

  /// Walks a song's map vector by vector with the dropout factor of each. Four vectors share a block of the mask.
  @inline(__always)
  private func forEachVector(_ dropout: DropoutMask?, _ song: UInt32, _ body: (Int, Int, Vector) -> Void) {
    let width = pooled.channelStride
    let count = pooled.songStride
    var channel = 0
    @inline(__always) func visit(_ position: Int, _ factor: Vector) {
      if position >= count { return }
      body(position, channel, factor)
      channel += vectorWidth
      if channel == width { channel = 0 }
    }
    let one = Vector(repeating: 1)
    for block in 0..<(count + 63) / 64 {
      let factors = dropout?.factors(song: song, block: block) ?? (one, one, one, one)
      visit(block * 64, factors.0)
      visit(block * 64 + 16, factors.1)
      visit(block * 64 + 32, factors.2)
      visit(block * 64 + 48, factors.3)
    }
  }
}
