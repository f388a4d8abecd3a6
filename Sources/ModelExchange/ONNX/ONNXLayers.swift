import Diagnosis
import Networks

/// Turns a network's operations into nodes, one after the other.
struct ONNXLayers {
  let model: PortableModel
  let foldsBatchNorm: Bool
  var graph: ONNXGraph
  /// What the operations so far have left, and how it lies.
  var value = ""
  var layout = Layout.segments
  var rows: Int
  var channels: Int
  /// What is known of the whole song, scaled; empty where there is nothing.
  var song = ""
  private var numbers: [String: Int] = [:]

  /// How values lie, axis by axis.
  enum Layout {
    /// Batch, segment, all rows of all channels.
    case segments
    /// Batch, channel, row, column.
    case map
    /// Step, batch, channel: what ONNX's recurrent operators take.
    case steps
    /// Batch, channel.
    case vector
  }

  init(_ model: PortableModel, foldsBatchNorm: Bool) {
    self.model = model
    self.foldsBatchNorm = foldsBatchNorm
    graph = ONNXGraph(name: "tagger")
    (rows, channels) = (model.rows, model.channels)
  }

  /// Names a node after its kind, with a number where there are several.
  mutating func numbered(_ kind: String) -> String {
    numbers[kind, default: 0] += 1
    return "\(kind)_\(numbers[kind]!)"
  }

  func refusal(_ words: String) -> Failure { Failure(.usage, "the network cannot be an ONNX model: \(words)") }

  mutating func addAll() throws {
    addInputs()
    try add(model.operations.dropLast())
    try markEmbeddings()
    try add(model.operations.suffix(1))
    graph.addOutput(
      ONNXFile.probabilities, [.free("batch"), .fixed(model.tags.count)],
      "of each tag, in the order of the metadata's tags")
    graph.addOutput(
      ONNXFile.embeddings, [.free("batch"), .fixed(model.embeddingWidth)], "what the last layer takes of a song")
  }

  mutating func add(_ operations: ArraySlice<LayerOperation>) throws {
    var next = operations.startIndex
    while next < operations.endIndex {
      let following = next + 1 < operations.endIndex ? operations[next + 1] : nil
      switch (operations[next], following) {
      case (.convolution(let name, let filters), .normalization(let normalization, .channels)?)
      where foldsBatchNorm:
        try addConvolution(name, filters: filters, folding: normalization)
        next += 2
      case (.product(let name, let units), .normalization(let normalization, .channels)?) where foldsBatchNorm:
        try addProduct(name, units, folding: normalization)
        next += 2
      default:
        try add(operations[next])
        next += 1
      }
    }
  }

  private mutating func add(_ operation: LayerOperation) throws {
    switch operation {
    case .zeroPadding(let before, let after): try addPadding(before, after)
    case .normalization(let name, .inputRows): try addInputNormalization(name)
    case .normalization(let name, .inputColumns(let count)): try addInputNormalization(name, columns: count)
    case .normalization(let name, .channels): try addNormalization(name)
    case .convolution(let name, let filters): try addConvolution(name, filters: filters, folding: nil)
    case .exponentialLinearUnit: value = graph.node("Elu", [value], numbered("elu"))
    case .rectifiedLinearUnit: value = graph.node("Relu", [value], numbered("relu"))
    case .maxPooling(let window):
      try need(.map)
      let size = ONNXGraph.Attribute.integers([window.frequency, window.time])
      value = graph.node("MaxPool", [value], numbered("pooling"), [("kernel_shape", size), ("strides", size)])
      rows /= window.frequency
    case .dropout: break
    case .recurrence(let recurrence): try addRecurrence(recurrence)
    case .timeSummary:
      try need(.steps)
      let axes = [("axes", ONNXGraph.Attribute.integers([0])), ("keepdims", .integer(0))]
      let mean = graph.node("ReduceMean", [value], numbered("mean"), axes)
      let maximum = graph.node("ReduceMax", [value], numbered("maximum"), axes)
      value = graph.node("Concat", [mean, maximum], numbered("time_summary"), [("axis", .integer(1))])
      (layout, channels) = (.vector, 2 * channels)
    case .dense(let name, let units, let activation): try addDense(name, units, activation)
    case .product(let name, let units): try addProduct(name, units, folding: nil)
    case .songValues(let count): try addSongValues(count)
    case .branches(let branches): try addBranches(branches)
    }
  }

  private mutating func addInputs() {
    var values: [String] = []
    for input in model.inputs {
      graph.addInput(input.name, model.axes(input), model.words(input))
      let scaled = addScale(input)
      if input.isOfSong {
        song = graph.node("Asinh", [scaled], "\(input.name)_scaled")
      } else {
        values.append(scaled)
      }
    }
    if values.count > 1 {
      value = graph.node("Concat", values, "all_features", [("axis", .integer(2))])
    } else if let only = values.first {
      value = only
    }
  }

  private mutating func addScale(_ input: PortableModel.Input) -> String {
    guard let scale = input.standardization else { return input.name }
    let width = model.width(of: input)
    let mean = graph.constant("standardization/\(input.name)_mean", [width], scale.mean)
    let deviation = graph.constant("standardization/\(input.name)_deviation", [width], scale.deviation)
    let centred = graph.node("Sub", [input.name, mean], "\(input.name)_centred")
    return graph.node("Div", [centred, deviation], "\(input.name)_standardized")
  }

  /// The last layer's input has a name of its own: it is an output too.
  private mutating func markEmbeddings() throws {
    try need(.vector)
    value = graph.node("Identity", [value], ONNXFile.embeddings)
  }

  /// Brings what there is into the layout that the next operation takes.
  mutating func need(_ wanted: Layout) throws {
    switch (layout, wanted) {
    case (.segments, .segments), (.map, .map), (.steps, .steps), (.vector, .vector): return
    case (.segments, .map):
      // Channels and rows first, then the segments.
      value = graph.node("Transpose", [value], numbered("rows"), [("perm", .integers([0, 2, 1]))])
      let shape = graph.constant("map/shape", [0, channels, rows, -1])
      value = graph.node("Reshape", [value, shape], "map")
    case (.map, .steps):
      guard rows == 1 else { throw refusal("\(rows) rows are left for its recurrent layers, expected 1") }
      let axis = graph.constant("sequence/axis", [2])
      value = graph.node("Squeeze", [value, axis], "sequence")
      value = graph.node("Transpose", [value], "steps", [("perm", .integers([2, 0, 1]))])
    default: throw refusal("its layers stand in an order that ONNX's do not")
    }
    layout = wanted
  }

  private mutating func addPadding(_ before: Int, _ after: Int) throws {
    let name = numbered("padding")
    let pads: [Int]
    switch layout {
    case .segments: pads = [0, before, 0, 0, after, 0]
    case .map: pads = [0, 0, 0, before, 0, 0, 0, after]
    case .steps, .vector: throw refusal("zeros stand behind its recurrent layers")
    }
    value = graph.node("Pad", [value, graph.constant("\(name)/pads", pads)], name, [("mode", .text("constant"))])
  }

  private mutating func addDense(_ name: String, _ units: Int, _ activation: LayerOperation.Activation) throws {
    try need(.vector)
    let kernel = graph.constant(
      "\(name)/kernel", [channels, units], try model.tensor("\(name)/kernel", [channels, units]))
    let bias = graph.constant("\(name)/bias", [units], try model.tensor("\(name)/bias", [units]))
    value = graph.node("Gemm", [value, kernel, bias], name)
    channels = units
    switch activation {
    case .exponentialLinear: value = graph.node("Elu", [value], numbered("elu"))
    case .sigmoid: value = graph.node("Sigmoid", [value], ONNXFile.probabilities)
    }
  }
}
