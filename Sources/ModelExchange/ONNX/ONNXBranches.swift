import Networks

extension ONNXLayers {
  /// What is known of the whole song takes the place of what there is.
  mutating func addSongValues(_ count: Int) throws {
    guard !song.isEmpty else { throw refusal("nothing is known of whole songs") }
    (value, layout, channels) = (song, .vector, count)
  }

  /// Vectors side by side, each made by operations of its own.
  mutating func addBranches(_ branches: [OperationBranch]) throws {
    // Once, for all that take them: nodes have names of their own.
    if branches.contains(where: { !$0.isOfSong }) { try need(.steps) }
    let (common, commonLayout, commonChannels) = (value, layout, channels)
    var vectors: [String] = []
    var width = 0
    for branch in branches {
      (value, layout, channels) = (common, commonLayout, commonChannels)
      try add(branch.operations[...])
      try need(.vector)
      vectors.append(value)
      width += channels
    }
    value = graph.node("Concat", vectors, numbered("branches"), [("axis", .integer(1))])
    (layout, channels) = (.vector, width)
  }

  /// - Parameter folding: the batch norm that goes into the weights, if any.
  mutating func addProduct(_ name: String, _ units: Int, folding: String?) throws {
    try need(.vector)
    var kernel = try model.tensor("\(name)/kernel", [channels, units])
    var inputs = [value, ""]
    if let folding {
      let affine = try affineNormalization(folding, units)
      for index in kernel.indices { kernel[index] = Float(Double(kernel[index]) * affine.scale[index % units]) }
      inputs.append(graph.constant("\(name)/bias", [units], affine.shift.map(Float.init)))
    }
    inputs[1] = graph.constant("\(name)/kernel", [channels, units], kernel)
    value = graph.node("Gemm", inputs, name)
    channels = units
  }
}
