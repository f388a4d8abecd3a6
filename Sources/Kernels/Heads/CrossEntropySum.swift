#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The binary cross-entropies of one song's outputs, added up in double precision: max(l, 0) − l·y + log(1 + e^−|l|).
///
/// A logarithm takes longer than all the rest. The sum of logarithms is the logarithm of the product, whose factors lie
/// between 1 and 2, so that one is taken for hundreds of outputs.
struct CrossEntropySum {
  private var sum = SIMD8<Double>.zero
  private var product = SIMD8<Double>(repeating: 1)
  /// Factors of each of the eight products.
  private var factors = 0
  private var logarithms = 0.0

  /// A product of eight such products, at most 2^960, is still a number.
  private static let mostFactors = 120

  /// - Parameter count: how many of them are outputs; what is behind them does not count.
  @inline(__always)
  mutating func add(logits: Vector, labels: Vector, count: Int) {
    let exponential = logits.smaller(-logits).exponential
    add(logits.lowHalf.doubles, labels.lowHalf.doubles, exponential.lowHalf.doubles, count)
    add(logits.highHalf.doubles, labels.highHalf.doubles, exponential.highHalf.doubles, count - 8)
  }

  @inline(__always)
  private mutating func add(
    _ logits: SIMD8<Double>, _ labels: SIMD8<Double>, _ exponential: SIMD8<Double>, _ count: Int
  ) {
    let positive = logits.replacing(with: 0, where: logits .< 0)
    let linear = positive - logits * labels
    if count >= 8 {
      sum += linear
      product *= 1 + exponential
    } else {
      for lane in 0..<max(count, 0) {
        sum[lane] += linear[lane]
        product[lane] *= 1 + exponential[lane]
      }
    }
    factors += 1
    if factors == Self.mostFactors { takeLogarithm() }
  }

  private mutating func takeLogarithm() {
    let halves = product.lowHalf * product.highHalf
    let quarters = halves.lowHalf * halves.highHalf
    logarithms += log(quarters.x * quarters.y)
    product = SIMD8(repeating: 1)
    factors = 0
  }

  /// The sum so far.
  var value: Double {
    var all = self
    all.takeLogarithm()
    return all.logarithms + sum.sum()
  }
}
