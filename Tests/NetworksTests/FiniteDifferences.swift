import Networks
import RandomNumbers
import Testing

/// Holds every tensor's gradient, as the replica's last pass left it, against central differences of the reference's
/// loss: three single weights, and one random direction through the whole tensor, which no wrong entry escapes.
func expectGradientsToBeDifferences(of replica: Replica, _ batch: Batch, _ step: StepContext) {
  var reference = ReferenceNetwork(replica)
  var stream = RandomStream(seed: 21, purpose: .test)
  for name in replica.parameters.names {
    let gradient = replica.gradients.values(of: name)!
    let largest = gradient.map(abs).max()!
    let original = reference.weights[name]!
    var directions = (0..<3).map { _ in
      let i = stream.index(below: gradient.count)
      return gradient.indices.map { $0 == i ? 1.0 : 0.0 }
    }
    directions.append(gradient.map { _ in stream.chance(0.5) ? 1 : -1 })
    for direction in directions {
      let size = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let h = 1e-6 / size
      func loss(_ sign: Double) -> Double {
        reference.weights[name] = zip(original, direction).map { $0 + sign * h * $1 }
        return reference.loss(batch, dropout: step)
      }
      let difference = (loss(1) - loss(-1)) / (2 * h)
      reference.weights[name] = original
      let expected = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
      let bound = 2e-4 * max(largest, 1e-4) * size
      #expect(abs(difference - expected) < bound, "\(name): \(expected), by differences \(difference)")
    }
  }
}
