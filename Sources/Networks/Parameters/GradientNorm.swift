import Kernels

extension ParameterArena {
  /// The Euclidean norm of all values, summed in an order that does not depend on threads.
  package func norm(_ team: ThreadTeam) -> Double {
    norm(team) { range in
      var sum = SIMD8<Double>.zero
      for i in stride(from: range.lowerBound, to: range.upperBound, by: vectorWidth) {
        sum.addSquares(Vector.load(storage.start + i))
      }
      return sum.sum()
    }
  }

  /// Takes the values of gradients, rounded, and returns their norm: what `norm` would.
  package func round(_ gradients: GradientArena, _ team: ThreadTeam) -> Double {
    norm(team) { range in
      var sum = SIMD8<Double>.zero
      for i in stride(from: range.lowerBound, to: range.upperBound, by: vectorWidth) {
        let values = Vector.load(rounding: gradients.storage.start + i)
        values.store(storage.start + i)
        sum.addSquares(values)
      }
      return sum.sum()
    }
  }

  private func norm(_ team: ThreadTeam, _ squares: (Range<Int>) -> Double) -> Double {
    let run = Run.length
    let tasks = (count + run - 1) / run
    var sums = [Double](repeating: 0, count: tasks)
    sums.withUnsafeMutableBufferPointer { sums in
      let start = sums.baseAddress
      team.forEach(tasks) { task in start![task] = squares(task * run..<min(count, (task + 1) * run)) }
    }
    return sums.reduce(0, +).squareRoot()
  }
}

extension SIMD8<Double> {
  @inline(__always)
  fileprivate mutating func addSquares(_ values: Vector) {
    let (low, high) = (values.lowHalf.doubles, values.highHalf.doubles)
    self = addingProduct(low, low).addingProduct(high, high)
  }
}
