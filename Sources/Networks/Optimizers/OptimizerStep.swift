import Kernels

/// What a step has to do with.
public struct OptimizerStep {
  let parameters: ParameterArena
  let gradients: ParameterArena
  /// What every gradient is multiplied by first.
  let gradientScale: Float
  let learningRate: Float
  let team: ThreadTeam

  package init(
    parameters: ParameterArena, gradients: ParameterArena, gradientScale: Float = 1, learningRate: Float,
    team: ThreadTeam
  ) {
    self.parameters = parameters
    self.gradients = gradients
    self.gradientScale = gradientScale
    self.learningRate = learningRate
    self.team = team
  }
}

extension OptimizerStep {
  /// Calls the body for every vector of the arenas with its place and its gradient, scaled, on all
  /// threads. What becomes of a weight does not depend on which of them does it.
  @inline(__always)
  func forEachVector(_ body: (_ place: Int, _ gradient: Vector) -> Void) {
    forEachRun { run in
      for i in run.vectors { body(i, gradient(i)) }
    }
  }

  /// Calls the body for every run of the tensors, on all threads.
  func forEachRun(_ body: (ParameterArena.Run) -> Void) {
    team.forEach(parameters.runs.count) { body(parameters.runs[$0]) }
  }

  /// The gradient of the vector at a place, scaled.
  @inline(__always)
  func gradient(_ place: Int) -> Vector { Vector.load(gradients.storage.start + place) * gradientScale }
}
