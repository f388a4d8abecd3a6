import Kernels

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
