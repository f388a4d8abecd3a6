extension Architecture {
  /// Trainable tensors in the order of the layers.
  package func parameterTensors() -> [(name: String, shape: [Int], groups: Int)] {
    var tensors: [(name: String, shape: [Int], groups: Int)] = [
      ("input_normalization/gamma", [frequencyBins], 1), ("input_normalization/beta", [frequencyBins], 1),
    ]
    for (index, shape) in convolutions.enumerated() {
      let outputs = shape.outputChannels
      tensors += [
        ("convolution_\(index + 1)/kernel", [3, 3, shape.inputChannels, outputs], 1),
        ("convolution_\(index + 1)/bias", [outputs], 1), ("normalization_\(index + 1)/gamma", [outputs], 1),
        ("normalization_\(index + 1)/beta", [outputs], 1),
      ]
    }
    for (layer, inputs) in [(1, filters.last!), (2, recurrentUnits)] {
      tensors += [
        ("recurrent_\(layer)/kernel", [inputs, 3 * recurrentUnits], 3),
        ("recurrent_\(layer)/recurrent_kernel", [recurrentUnits, 3 * recurrentUnits], 3),
        ("recurrent_\(layer)/bias", [2, 3 * recurrentUnits], 3),
      ]
    }
    return tensors + [("tags/kernel", [recurrentUnits, tags], 1), ("tags/bias", [tags], 1)]
  }

  /// Means and variances of the batch normalisations.
  func statisticTensors() -> [(name: String, shape: [Int], groups: Int)] {
    var tensors: [(name: String, shape: [Int], groups: Int)] = []
    func add(_ layer: String, _ count: Int) {
      tensors += [("\(layer)/moving_mean", [count], 1), ("\(layer)/moving_variance", [count], 1)]
    }
    add("input_normalization", frequencyBins)
    for (index, outputs) in filters.enumerated() { add("normalization_\(index + 1)", outputs) }
    return tensors
  }
}
