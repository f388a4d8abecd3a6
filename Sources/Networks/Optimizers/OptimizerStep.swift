import Kernels

extension OptimizerStep {
  /// Calls the body for every vector of the arenas with its place and its gradient, scaled and rounded, on all
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

  /// The gradient of the vector at a place, scaled and rounded.
  @inline(__always)
  func gradient(_ place: Int) -> Vector { Vector.load(rounding: gradients.storage.start + place) * gradientScale }
}

extension GradientArena {
  /// The Euclidean norm of all gradients, summed in an order that does not depend on threads.
  package func norm(_ team: ThreadTeam) -> Double {
    let run = Run.length
    let tasks = (count + run - 1) / run
    var sums = [Double](repeating: 0, count: tasks)
    sums.withUnsafeMutableBufferPointer { sums in
      let start = sums.baseAddress
      team.forEach(tasks) { task in
        var sum = SIMD8<Double>.zero
        for i in stride(from: task * run, to: min(count, (task + 1) * run), by: SIMD8<Double>.scalarCount) {
          let value = SIMD8<Double>.load(storage.start + i)
          sum = sum.addingProduct(value, value)
        }
        start![task] = sum.sum()
      }
    }
    return sums.reduce(0, +).squareRoot()
  }
}
