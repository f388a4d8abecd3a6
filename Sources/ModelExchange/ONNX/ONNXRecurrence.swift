import Networks

extension ONNXLayers {
  /// A gated recurrent unit. ONNX's gates have our order, z, r, h, on the first axis of each weight.
  mutating func addRecurrence(_ recurrence: Recurrence) throws {
    try need(.steps)
    let (name, units, directions) = (recurrence.name, recurrence.units, recurrence.directions)
    var weights: [Float] = []
    var recurrent: [Float] = []
    var biases: [Float] = []
    for direction in directions {
      weights += try transposed("\(direction)/kernel", channels, 3 * units)
      recurrent += try transposed("\(direction)/recurrent_kernel", units, 3 * units)
      biases += try bias("\(direction)/bias", 3 * units, resetAfter: recurrence.resetAfter)
    }
    let count = directions.count
    let all = "\(name)_all_steps"
    let last = "\(name)_last_step"
    graph.node(
      "GRU",
      [
        value, graph.constant("\(name)/kernel", [count, 3 * units, channels], weights),
        graph.constant("\(name)/recurrent_kernel", [count, 3 * units, units], recurrent),
        graph.constant("\(name)/bias", [count, 6 * units], biases),
      ], "\(name)_gru", outputs: recurrence.returnsAllSteps ? [all] : ["", last],
      [
        ("hidden_size", .integer(units)), ("direction", .text(count == 2 ? "bidirectional" : "forward")),
        ("linear_before_reset", .integer(recurrence.resetAfter ? 1 : 0)),
      ])
    if recurrence.returnsAllSteps {
      // Step, direction, batch, unit.
      value = graph.node("Transpose", [all], "\(name)_directions", [("perm", .integers([0, 2, 1, 3]))])
      value = graph.node(
        "Reshape", [value, graph.constant("\(name)/shape", [0, 0, count * units])], name)
    } else {
      value = graph.node("Transpose", [last], "\(name)_directions", [("perm", .integers([1, 0, 2]))])
      value = graph.node("Reshape", [value, graph.constant("\(name)/shape", [0, count * units])], name)
      layout = .vector
    }
    channels = count * units
  }

  /// The biases of the inputs' product and of the states' product, one behind the other. A unit that resets before the
  /// product has one bias a gate; the other is zero.
  private func bias(_ name: String, _ gates: Int, resetAfter: Bool) throws -> [Float] {
    resetAfter
      ? try model.tensor(name, [2, gates])
      : try model.tensor(name, [gates]) + [Float](repeating: 0, count: gates)
  }

  private func transposed(_ name: String, _ rows: Int, _ columns: Int) throws -> [Float] {
    let values = try model.tensor(name, [rows, columns])
    var turned = [Float](repeating: 0, count: values.count)
    for row in 0..<rows {
      for column in 0..<columns { turned[column * rows + row] = values[row * columns + column] }
    }
    return turned
  }
}
