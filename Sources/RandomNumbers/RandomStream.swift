/// A sequential generator over one Philox stream, for the standard library's `RandomNumberGenerator` uses.
///
/// The stream is named by seed, purpose and up to two indices (a song, an epoch, a tensor); the counter's first
/// word runs.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private var counter: SIMD4<UInt32>
  private var pending: SIMD4<UInt32> = .zero
  private var used = 4

  public init(seed: UInt64, purpose: RandomPurpose, first: UInt32 = 0, second: UInt32 = 0) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = SIMD4(0, first, second, purpose.rawValue << 16)
  }

  public mutating func nextWord() -> UInt32 {
    if used == 4 {
      pending = Philox.words(key: key, counter: counter)
      counter[0] = counter[0] &+ 1
      used = 0
    }
    defer { used += 1 }
    return pending[used]
  }

  public mutating func next() -> UInt64 {
    let low = UInt64(nextWord())
    return low | UInt64(nextWord()) << 32
  }

  /// Uniform in [0, 1), 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in [low, high).
  public mutating func uniform(in range: Range<Double>) -> Double {
    range.lowerBound + uniform() * (range.upperBound - range.lowerBound)
  }
}
