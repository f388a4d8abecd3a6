import Foundation

/// A graph of ONNX's operators as it grows, node by node.
struct ONNXGraph {
  private(set) var graph = ProtoGraph()
  /// Bytes of all tensors so far.
  private(set) var tensorBytes = 0

  /// An attribute of a node.
  enum Attribute {
    case integer(Int)
    case integers([Int])
    case number(Float)
    case text(String)
  }

  init(name: String) { graph.name = name }

  /// Adds a constant and returns its name.
  mutating func constant(_ name: String, _ shape: [Int], _ values: [Float]) -> String {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: values)
    return constant(name, shape, .float, bytes)
  }

  /// Adds a constant of whole numbers, such as axes, and returns its name.
  mutating func constant(_ name: String, _ values: [Int]) -> String {
    let bytes = values.flatMap { value in
      stride(from: 0, to: 64, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }
    return constant(name, [values.count], .int64, bytes)
  }

  private mutating func constant(
    _ name: String, _ shape: [Int], _ type: ProtoTensor.DataType, _ bytes: [UInt8]
  ) -> String {
    var tensor = ProtoTensor()
    tensor.name = name
    tensor.dims = shape.map(Int64.init)
    tensor.dataType = type
    tensor.rawData = Data(bytes)
    graph.initializer.append(tensor)
    tensorBytes += bytes.count
    return name
  }

  /// Adds a node and returns the name of its one output, which is its own.
  mutating func node(
    _ type: String, _ inputs: [String], _ name: String, _ attributes: [(String, Attribute)] = []
  ) -> String {
    node(type, inputs, name, outputs: [name], attributes)
    return name
  }

  /// - Parameter outputs: an empty name for one that nothing takes.
  mutating func node(
    _ type: String, _ inputs: [String], _ name: String, outputs: [String], _ attributes: [(String, Attribute)]
  ) {
    var node = ProtoNode()
    node.opType = type
    node.name = name
    node.input = inputs
    node.output = outputs
    node.attribute = attributes.map { name, value in
      var attribute = ProtoAttribute()
      attribute.name = name
      switch value {
      case .integer(let number): (attribute.type, attribute.i) = (.int, Int64(number))
      case .integers(let numbers): (attribute.type, attribute.ints) = (.ints, numbers.map(Int64.init))
      case .number(let number): (attribute.type, attribute.f) = (.float, number)
      case .text(let text): (attribute.type, attribute.s) = (.string, Data(text.utf8))
      }
      return attribute
    }
    graph.node.append(node)
  }

  typealias Axis = ModelCard.Axis

  mutating func addInput(_ name: String, _ axes: [Axis], _ words: String) {
    graph.input.append(Self.info(name, axes, words))
  }

  mutating func addOutput(_ name: String, _ axes: [Axis], _ words: String) {
    graph.output.append(Self.info(name, axes, words))
  }

  private static func info(_ name: String, _ axes: [Axis], _ words: String) -> ProtoValueInfo {
    var info = ProtoValueInfo()
    info.name = name
    info.docString = words
    info.type.tensorType.elemType = .float
    info.type.tensorType.shape.dim = axes.map { axis in
      var dimension = ProtoShape.Dimension()
      switch axis {
      case .fixed(let extent): dimension.dimValue = Int64(extent)
      case .free(let name): dimension.dimParam = name
      }
      return dimension
    }
    return info
  }
}
