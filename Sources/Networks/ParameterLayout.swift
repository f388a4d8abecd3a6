extension Architecture {
  /// Trainable tensors in the order of the layers.
  package func parameterTensors() -> [(name: String, shape: [Int], groups: Int)] {
    var tensors: [(name: String, shape: [Int], groups: Int)] = [
      ("input_normalization/gamma", inputNormalizationShape, 1),
      ("input_normalization/beta", inputNormalizationShape, 1),
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
    func add(_ layer: String, _ shape: [Int]) {
      tensors += [("\(layer)/moving_mean", shape, 1), ("\(layer)/moving_variance", shape, 1)]
    }
    add("input_normalization", inputNormalizationShape)
    for (index, outputs) in filters.enumerated() { add("normalization_\(index + 1)", [outputs]) }
    return tensors
  }

  /// A value for each row; of several channels, for each row of each.
  private var inputNormalizationShape: [Int] {
    inputChannels == 1 ? [frequencyBins] : [inputChannels, frequencyBins]
  }
}
