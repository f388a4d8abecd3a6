/// One step of Adam (Kingma and Ba 2015, algorithm 1, in the order of Keras: ε outside the bias correction) over
/// runs of floats, one pass over memory.
public enum AdamUpdate {
  /// - Parameters:
  ///   - rate: learning rate times √(1 − β₂ᵗ) / (1 − β₁ᵗ).
  public static func apply(
    count: Int, gradient: UnsafePointer<Float>, weights: UnsafeMutablePointer<Float>,
    firstMoment: UnsafeMutablePointer<Float>, secondMoment: UnsafeMutablePointer<Float>, rate: Float,
    beta1: Float, beta2: Float, epsilon: Float, team: ThreadTeam
  ) {
    let run = 1 << 14
    team.forEach((count + run - 1) / run) { task in
      for i in stride(from: task * run, to: min(count, (task + 1) * run), by: vectorWidth) {
        let g = Vector.load(gradient + i)
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
