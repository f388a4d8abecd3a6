/// A named value of one step that is no scalar, as TensorBoard's plugins take it (`Summary.Value`).
public struct SummaryValue: Sendable {
  /// The message.
  let bytes: [UInt8]

  /// The distribution of many numbers (`HistogramProto`, which TensorBoard turns into its newer form).
  public init(_ tag: String, _ histogram: ValueHistogram) {
    var value = ProtoFields()
    value.add(1, tag)
    value.add(5) { fields in
      fields.add(1, histogram.least)
      fields.add(2, histogram.most)
      fields.add(3, Double(histogram.count))
      fields.add(4, histogram.sum)
      fields.add(5, histogram.sumOfSquares)
      fields.add(6, packed: histogram.limits)
      fields.add(7, packed: histogram.counts.map(Double.init))
    }
    bytes = value.bytes
  }

  /// A tensor with the name of the plugin that shows it.
  /// - Parameter content: what the plugin keeps of its own.
  init(_ tag: String, plugin: String, content: [UInt8] = [], _ tensor: (inout ProtoFields) -> Void) {
    var value = ProtoFields()
    value.add(1, tag)
    value.add(8, tensor)
    value.add(9) { metadata in
      metadata.add(1) { data in
        data.add(1, plugin)
        data.add(2, content)
      }
    }
    bytes = value.bytes
  }

  enum TensorType: Int {
    case float = 1
    case text = 7
  }
}

extension ProtoFields {
  /// Begins a tensor (`TensorProto`): its type and its shape.
  mutating func begin(_ type: SummaryValue.TensorType, shape: [Int]) {
    add(1, type.rawValue)
    add(2) { fields in for extent in shape { fields.add(2) { $0.add(1, extent) } } }
  }

  /// The values of a tensor of floats, the last axis running fastest.
  mutating func add(floats values: [Float]) {
    add(4, values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
  }
}
