import Networks

/// A batch norm's moving statistics and weights as one product and one sum: y = scale·x + shift.
struct AffineNormalization {
  let scale: [Double]
  let shift: [Double]

  init(gamma: [Float], beta: [Float], mean: [Float], variance: [Float]) {
    scale = zip(gamma, variance).map {
      Double($0) / (Double($1) + LayerOperation.normalizationEpsilon).squareRoot()
    }
    shift = zip(zip(beta, mean), scale).map { Double($0.0) - $1 * Double($0.1) }
  }
}

extension ONNXLayers {
  /// Batch norm of each row of each channel, in front of the first convolution; zeros around the song keep it out of the
  /// convolution's weights.
  mutating func addInputNormalization(_ name: String) throws {
    guard layout == .segments else { throw refusal("its inputs' batch norm is not the first of its layers") }
    let width = rows * channels
    if foldsBatchNorm {
      let affine = try affineNormalization(name, width)
      let scale = graph.constant("\(name)/scale", [width], affine.scale.map(Float.init))
      let shift = graph.constant("\(name)/shift", [width], affine.shift.map(Float.init))
      value = graph.node("Mul", [value, scale], "\(name)_scaled")
      value = graph.node("Add", [value, shift], name)
    } else {
      // ONNX's batch norm has the channels on the second axis.
      value = graph.node("Transpose", [value], "\(name)_rows", [("perm", .integers([0, 2, 1]))])
      try addNormalization(name, width)
      value = graph.node("Transpose", [value], "\(name)_segments", [("perm", .integers([0, 2, 1]))])
    }
  }

  /// Batch norm of each column of an input of one channel: the second axis already.
  mutating func addInputNormalization(_ name: String, columns: Int) throws {
    guard layout == .segments, channels == 1 else {
      throw refusal("its columns' batch norm is of several features")
    }
    if foldsBatchNorm {
      let affine = try affineNormalization(name, columns)
      let scale = graph.constant("\(name)/scale", [columns, 1], affine.scale.map(Float.init))
      let shift = graph.constant("\(name)/shift", [columns, 1], affine.shift.map(Float.init))
      value = graph.node("Mul", [value, scale], "\(name)_scaled")
      value = graph.node("Add", [value, shift], name)
    } else {
      try addNormalization(name, columns)
    }
  }

  /// Batch norm of each channel of a map or a vector.
  mutating func addNormalization(_ name: String) throws {
    if layout != .vector { try need(.map) }
    try addNormalization(name, channels)
  }

  private mutating func addNormalization(_ name: String, _ width: Int) throws {
    var inputs = [value]
    for role in Self.normalizationTensors {
      inputs.append(graph.constant("\(name)/\(role)", [width], try model.tensor("\(name)/\(role)", [width])))
    }
    value = graph.node(
      "BatchNormalization", inputs, name, [("epsilon", .number(Float(LayerOperation.normalizationEpsilon)))])
  }

  /// In the order in which ONNX takes them.
  private static let normalizationTensors = ["gamma", "beta", "moving_mean", "moving_variance"]

  func affineNormalization(_ name: String, _ width: Int) throws -> AffineNormalization {
    let tensors = try Self.normalizationTensors.map { try model.tensor("\(name)/\($0)", [width]) }
    return AffineNormalization(gamma: tensors[0], beta: tensors[1], mean: tensors[2], variance: tensors[3])
  }

  /// - Parameter folding: the batch norm that goes into the weights, if any.
  mutating func addConvolution(_ name: String, filters: Int, folding: String?) throws {
    try need(.map)
    let inputs = channels
    var kernel = try model.tensor("\(name)/kernel", [3, 3, inputs, filters])
    var bias = try model.tensor("\(name)/bias", [filters])
    if let folding {
      let affine = try affineNormalization(folding, filters)
      for index in kernel.indices { kernel[index] = Float(Double(kernel[index]) * affine.scale[index % filters]) }
      for index in bias.indices {
        bias[index] = Float(Double(bias[index]) * affine.scale[index] + affine.shift[index])
      }
    }
    // Ours is row, column, input, filter; ONNX's is filter, input, row, column.
    var turned = [Float](repeating: 0, count: kernel.count)
    for place in 0..<9 {
      for input in 0..<inputs {
        for filter in 0..<filters {
          turned[(filter * inputs + input) * 9 + place] = kernel[(place * inputs + input) * filters + filter]
        }
      }
    }
    value = graph.node(
      "Conv",
      [
        value, graph.constant("\(name)/kernel", [filters, inputs, 3, 3], turned),
        graph.constant("\(name)/bias", [filters], bias),
      ], name, [("kernel_shape", .integers([3, 3])), ("pads", .integers([1, 1, 1, 1]))])
    channels = filters
  }
}
