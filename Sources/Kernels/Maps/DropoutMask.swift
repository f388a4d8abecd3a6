import RandomNumbers

/// Which values of a map are dropped, as a pure function of seed, step, song, layer and position (Srivastava et
/// al. 2014): no mask is stored, and none depends on rank, thread or batch.
///
/// Value e of a song's map, counted over the padded map `[frequency][time][channel, padded]`, belongs to block
/// e / 64; the block's 16 lanes each have a counter (16·block + lane, song, step, purpose << 16 | layer) and give
/// four words, of which e takes word (e mod 64) / 16 of lane e mod 16. A value is dropped where its word is
/// below rate·2³².
public struct DropoutMask {
  let key: (UInt32, UInt32)
  let step: UInt32
  let layer: UInt32
  let threshold: UInt32
  /// What kept values are multiplied by: 1 / (1 − rate).
  public let scale: Float

  public init(rate: Double, seed: UInt64, step: UInt32, layer: Int) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.step = step
    self.layer = RandomPurpose.dropout.rawValue << 16 | UInt32(layer)
    threshold = UInt32(rate * 4_294_967_296)
    scale = Float(1 / (1 - rate))
  }

  /// The random words of the 64 values of a block of a song's map.
  @inline(__always)
  func words(
    song: UInt32, block: Int
  ) -> (SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>) {
    vectorPhilox(
      key: key, counter: (DropoutMask.lanes &+ UInt32(truncatingIfNeeded: block &* 16), song, step, layer))
  }

  @inline(__always)
  private func factor(_ words: SIMD16<UInt32>) -> Vector {
    Vector(repeating: scale).replacing(with: 0, where: words .< SIMD16<UInt32>(repeating: threshold))
  }

  private static let lanes = SIMD16<UInt32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

  /// The factors of the first `count` values (a multiple of 16) of a song's map.
  public func write(song: UInt32, count: Int, to factors: UnsafeMutablePointer<Float>) {
    let blocks = (count + 63) / 64
    for block in 0..<blocks {
      let words = self.words(song: song, block: block)
      let start = factors + block * 64
      let left = count - block * 64
      factor(words.0).store(start)
      if left > 16 { factor(words.1).store(start + 16) }
      if left > 32 { factor(words.2).store(start + 32) }
      if left > 48 { factor(words.3).store(start + 48) }
    }
  }
}

/// Philox4x32-10 for sixteen counters that differ in their first word only; see `Philox.words`.
@inline(__always)
func vectorPhilox(
  key: (UInt32, UInt32), counter: (SIMD16<UInt32>, UInt32, UInt32, UInt32)
) -> (SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>) {
  var k0 = key.0
  var k1 = key.1
  var c0 = counter.0
  var c1 = SIMD16<UInt32>(repeating: counter.1)
  var c2 = SIMD16<UInt32>(repeating: counter.2)
  var c3 = SIMD16<UInt32>(repeating: counter.3)
  for _ in 0..<Philox.rounds {
    let (high0, low0) = wideProduct(c0, Philox.firstMultiplier)
    let (high1, low1) = wideProduct(c2, Philox.secondMultiplier)
    c0 = high1 ^ c1 ^ k0
    c2 = high0 ^ c3 ^ k1
    c1 = low1
    c3 = low0
    k0 = k0 &+ Philox.firstIncrement
    k1 = k1 &+ Philox.secondIncrement
  }
  return (c0, c1, c2, c3)
}

/// High and low halves of 32 × 32 bit products. Even and odd lanes are multiplied apart, each as the low half of a
/// 64-bit lane, which is what the machine has an instruction for.
@inline(__always)
private func wideProduct(
  _ a: SIMD16<UInt32>, _ b: UInt32
) -> (high: SIMD16<UInt32>, low: SIMD16<UInt32>) {
  let lanes = unsafeBitCast(a, to: SIMD8<UInt64>.self)
  let lowHalf = SIMD8<UInt64>(repeating: 0xffff_ffff)
  let factor = SIMD8<UInt64>(repeating: UInt64(b))
  let even = (lanes & lowHalf) &* factor
  let odd = (lanes &>> 32) &* factor
  let high = (even &>> 32) | (odd & ~lowHalf)
  let low = (even & lowHalf) | (odd &<< 32)
  return (unsafeBitCast(high, to: SIMD16<UInt32>.self), unsafeBitCast(low, to: SIMD16<UInt32>.self))
}
