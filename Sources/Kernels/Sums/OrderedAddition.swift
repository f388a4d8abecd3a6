/// Adds runs of numbers in an order that is fixed once, whoever adds them: additions of floating-point numbers give
/// another last bit in another order.
///
/// The order is a tree, written as it is for a stack: `take` puts a run on it, `add` replaces the upper two by their sum.
public final class OrderedAddition {
  public enum Step: Sendable, Equatable {
    /// The run with this number.
    case take(Int)
    case add
  }

  private let steps: [Step]
  /// Of each place of the stack.
  private let room: AlignedSums
  /// Where the numbers of each place are.
  private var stack: [UnsafePointer<Double>] = []

  /// Numbers that are added at once: few enough for the stack to stay in cache.
  private static let piece = 512

  public init(_ steps: [Step]) {
    self.steps = steps
    var (height, highest) = (0, 1)
    for step in steps {
      if case .take = step { height += 1 } else { height -= 1 }
      highest = max(highest, height)
    }
    precondition(height == 1, "an addition leaves one sum")
    room = AlignedSums(count: highest * Self.piece)
  }

  /// Sums `count` numbers of each run and hands them over piece by piece: where the piece begins, its sums, and how many.
  @inline(__always)
  private func forEachPiece(
    _ runs: [NumberRun], count: Int, _ body: (Int, UnsafePointer<Double>, Int) -> Void
  ) {
    for start in stride(from: 0, to: count, by: Self.piece) {
      let length = min(Self.piece, count - start)
      stack.removeAll(keepingCapacity: true)
      for step in steps {
        switch step {
        case .take(let run):
          let place = room.start + stack.count * Self.piece
          stack.append(runs[run].dropping(start).doubles(length, room: place))
        case .add:
          let second = stack.removeLast()
          let first = stack.removeLast()
          let sum = room.start + stack.count * Self.piece
          Self.add(first, second, length, to: sum)
          stack.append(UnsafePointer(sum))
        }
      }
      body(start, stack[0], length)
    }
  }

  private static func add(
    _ first: UnsafePointer<Double>, _ second: UnsafePointer<Double>, _ count: Int,
    to sum: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<count { sum[i] = first[i] + second[i] }
  }

  /// Writes the sums.
  public func sum(_ runs: [NumberRun], count: Int, to target: UnsafeMutablePointer<Double>) {
    forEachPiece(runs, count: count) { start, sums, length in
      (target + start).update(from: sums, count: length)
    }
  }

  /// Writes the sums, rounded to single precision.
  public func sum(_ runs: [NumberRun], count: Int, to target: UnsafeMutablePointer<Float>) {
    forEachPiece(runs, count: count) { start, sums, length in
      let target = target + start
      for i in 0..<length { target[i] = Float(sums[i]) }
    }
  }

  /// Writes the sums to half the bits of single precision, and carries what they lose over to the next time
  /// (Seide et al. 2014, error feedback).
  ///
  /// - Parameters:
  ///   - runs: by their numbers in the steps.
  ///   - count: how many numbers each run has.
  ///   - target: where the rounded sums go.
  ///   - error: what was lost so far, which is added first; then what is lost now.
  ///   - values: what the rounded sums come to, where somebody wants it.
  public func sum(
    _ runs: [NumberRun], count: Int, toBrainFloats target: UnsafeMutablePointer<UInt16>,
    error: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>? = nil
  ) {
    forEachPiece(runs, count: count) { start, sums, length in
      let (target, error) = (target + start, error + start)
      for i in 0..<length {
        let wanted = Float(sums[i]) + error[i]
        let bits = BrainFloat.bits(wanted)
        let lost = wanted - BrainFloat.value(bits)
        target[i] = bits
        // A sum that is not finite ends or skips the step; it must not spoil those after it.
        error[i] = lost.isFinite ? lost : 0
      }
      guard let values else { return }
      for i in 0..<length { values[start + i] = BrainFloat.value(target[i]) }
    }
  }
}
