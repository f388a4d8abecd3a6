import Kernels

/// What one layer hands to the next for all songs of a batch, and room for the gradient that comes back.
///
/// Songs stand one after the other, each as wide as it is:
/// - a map `[song][row][column][channel, padded]`, a sequence being a map of one row;
/// - a sequence whose songs begin with `leadingSteps` rows of their own, such as a recurrence's zero state;
/// - a song's summary `[song][channel, padded]`, where the shape has no columns;
/// - the network's input `[song][segment][channel][row]`, without padding (`Network.input`).
package final class Signal {
  package let shape: SignalShape
  /// Rows of a song's sequence before its first step.
  package let leadingSteps: Int
  /// Floats of a column: of all rows of a map, or of a segment of the network's input.
  package let columnStride: Int
  /// Whether anything below wants the gradient.
  package private(set) var isLearnt = true
  /// Whether it has the layout of the network's input.
  package private(set) var isInput = false
  /// The network's input points to another batch's features in every step.
  package internal(set) var values: UnsafeMutablePointer<Float>
  /// Laid out like the values.
  package let gradient: UnsafeMutablePointer<Float>
  private let storage: [AlignedBuffer]

  /// A signal with memory of its own.
  ///
  /// - Parameters:
  ///   - maximumBatch: the most songs of a batch.
  ///   - maximumColumns: the most columns that they have together; of no account where there are none.
  ///   - isLearnt: whether anything below wants the gradient.
  package init(_ shape: SignalShape, maximumBatch: Int, maximumColumns: Int, isLearnt: Bool = true) {
    self.shape = shape
    self.isLearnt = isLearnt
    leadingSteps = 0
    columnStride = shape.rows * padded(shape.channels)
    let positions =
      shape.columns == nil
      ? DenseProduct.rowCapacity(maximumBatch) : GatedRecurrence.rowCapacity(maximumColumns) * shape.rows
    storage = (0..<2).map { _ in AlignedBuffer(count: positions * padded(shape.channels)) }
    (values, gradient) = (storage[0].start, storage[1].start)
  }

  /// A signal whose values a layer keeps for itself too.
  package init(_ shape: SignalShape, leadingSteps: Int, values: AlignedBuffer) {
    self.shape = shape
    self.leadingSteps = leadingSteps
    columnStride = shape.rows * padded(shape.channels)
    storage = [values, AlignedBuffer(count: values.count)]
    (self.values, gradient) = (storage[0].start, storage[1].start)
  }

  /// The same values, which another signal keeps, with room for a gradient of their own.
  package init(sharing other: Signal) {
    shape = other.shape
    leadingSteps = other.leadingSteps
    columnStride = other.columnStride
    isInput = other.isInput
    storage = [other.storage[0], AlignedBuffer(count: other.storage[0].count)]
    (values, gradient) = (storage[0].start, storage[1].start)
  }

  /// The network's input, or what is made of it with the same layout; nothing differentiates by it.
  /// - Parameter columns: that there is to be room for; 0 for what points to features elsewhere.
  package init(input shape: SignalShape, columns: Int = 0) {
    self.shape = shape
    leadingSteps = 0
    columnStride = shape.rows * shape.channels
    isInput = true
    storage = [AlignedBuffer(count: columns * columnStride)]
    (values, gradient) = (storage[0].start, storage[0].start)
  }

  /// Floats from one position to the next.
  package var channelStride: Int { padded(shape.channels) }

  /// Where a song's first step lies, after its leading ones.
  package func offset(_ song: Int, _ span: SongSpan) -> Int {
    shape.columns == nil
      ? song * channelStride
      : (span.first + (song + 1) * leadingSteps) * columnStride
  }
}
