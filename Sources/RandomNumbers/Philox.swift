/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3", SC 2011.
///
/// A random word is a pure function of a key and a counter: whoever knows the seed, the step and the song knows
/// the numbers, whichever rank or thread asks, in whatever order. The program has no other source of chance.
public enum Philox {
  public static let firstMultiplier: UInt32 = 0xD251_1F53
  public static let secondMultiplier: UInt32 = 0xCD9E_8D57
  public static let firstIncrement: UInt32 = 0x9E37_79B9
  public static let secondIncrement: UInt32 = 0xBB67_AE85
  public static let rounds = 10

  /// Four random 32-bit words for one counter.
  @inlinable
  public static func words(key: (UInt32, UInt32), counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
    var k0 = key.0
    var k1 = key.1
    var c = counter
    for round in 0..<rounds {
      if round > 0 {
        k0 = k0 &+ firstIncrement
        k1 = k1 &+ secondIncrement
      }
      let p0 = UInt64(firstMultiplier) &* UInt64(c[0])
      let p1 = UInt64(secondMultiplier) &* UInt64(c[2])
      c = SIMD4(
        UInt32(truncatingIfNeeded: p1 >> 32) ^ c[1] ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ c[3] ^ k1, UInt32(truncatingIfNeeded: p0))
    }
    return c
  }
}

/// What a stream of random numbers is for. Streams of different purposes never share a counter, so adding a new
/// use of chance changes no existing one. The raw values are part of reproducibility: never renumber.
public enum RandomPurpose: UInt32, Sendable {
  case initialWeights = 1
  case dropout = 2
  case epochOrder = 3
  case split = 4
  case synthesis = 5
  case tagPermutation = 6
  case test = 7
  case trainSample = 8
  case crop = 16
  case batchOrder = 17
  case shardExchange = 18
  case bootstrap = 24
}
