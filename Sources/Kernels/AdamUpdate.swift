/// One step of Adam (Kingma and Ba 2015, algorithm 1, in the order of Keras: ε outside the bias correction) over
/// runs of floats, gradient scaling included, in one pass over memory.
public enum AdamUpdate {
  private static let run = 1 << 14

  /// Sum of squares of a gradient, in an order that does not depend on threads.
  public static func sumOfSquares(_ values: UnsafePointer<Double>, count: Int, team: ThreadTeam) -> Double {
    let tasks = (count + run - 1) / run
    var sums = [Double](repeating: 0, count: tasks)
    sums.withUnsafeMutableBufferPointer { sums in
      let start = sums.baseAddress
      team.forEach(tasks) { task in
        var sum = SIMD8<Double>.zero
        for i in stride(from: task * run, to: min(count, (task + 1) * run), by: SIMD8<Double>.scalarCount) {
          let value = SIMD8<Double>.load(values + i)
          sum = sum.addingProduct(value, value)
        }
        start![task] = sum.sum()
      }
    }
    return sums.reduce(0, +)
  }

  /// - Parameters:
  ///   - gradientScale: what the gradient is multiplied by first (clipping).
  ///   - rate: learning rate times √(1 − β₂ᵗ) / (1 − β₁ᵗ).
  public static func apply(
    count: Int, gradient: UnsafePointer<Double>, weights: UnsafeMutablePointer<Float>,
    firstMoment: UnsafeMutablePointer<Float>, secondMoment: UnsafeMutablePointer<Float>,
    gradientScale: Float = 1, rate: Float, beta1: Float, beta2: Float, epsilon: Float, team: ThreadTeam
  ) {
    team.forEach((count + run - 1) / run) { task in
      for i in stride(from: task * run, to: min(count, (task + 1) * run), by: vectorWidth) {
        let g = Vector.load(rounding: gradient + i) * gradientScale
        var m = Vector.load(firstMoment + i)
        m = m.addingProduct(g - m, 1 - beta1)
        var v = Vector.load(secondMoment + i)
        v = v.addingProduct(g * g - v, 1 - beta2)
        m.store(firstMoment + i)
        v.store(secondMoment + i)
        (Vector.load(weights + i) - m * rate / (v.root + epsilon)).store(weights + i)
      }
    }
  }
}
