import Networks

/// The pieces in which gradients go on their way, in the order in which a backward pass leaves them: from the last layer to
/// the first. Small layers go together, large ones are cut.
package struct GradientBuckets {
  /// Of the gradients' arena. Together they are all of it.
  package let ranges: [Range<Int>]

  /// Ranges begin at a multiple of this many values, so that no two ranks write to one line of the cache.
  static let boundary = 16

  /// - Parameter values: that a bucket should have.
  package init(_ layout: GradientLayout, values: Int) {
    let wanted = max(Self.boundary, values / Self.boundary * Self.boundary)
    var ranges: [Range<Int>] = []
    var end = layout.count
    for layer in layout.layers.reversed() {
      // What is there when this layer is done: all from its start on that has not gone yet.
      let start = layer.lowerBound
      // Too little to go alone waits for the next layer.
      guard end - start >= wanted / 2 || start == 0 else { continue }
      let pieces = max(1, (end - start + wanted / 2) / wanted)
      for piece in (0..<pieces).reversed() where end > start {
        let first = start + (end - start) * piece / (piece + 1) / Self.boundary * Self.boundary
        let bound = piece == 0 ? start : max(start, first)
        guard bound < end else { continue }
        ranges.append(bound..<end)
        end = bound
      }
    }
    self.ranges = ranges
  }

  package var count: Int { ranges.count }

  /// How many of the buckets are there when all values from a place on are.
  package func complete(from start: Int) -> Int { ranges.prefix { $0.lowerBound >= start }.count }

  /// A part of a range for each of several, all parts beginning at the boundary.
  package static func part(_ number: Int, of count: Int, _ range: Range<Int>) -> Range<Int> {
    func place(_ number: Int) -> Int {
      number == count
        ? range.upperBound : range.lowerBound + range.count * number / count / boundary * boundary
    }
    return place(number)..<place(number + 1)
  }
}
