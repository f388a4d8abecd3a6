/// One line of a network's table: what `inspect` prints.
public struct LayerSummary: Equatable, Sendable, Codable {
  public var name: String
  public var kind: String
  /// Without the batch: `[frequency, time, channel]`, `[time, unit]`, `[unit]`.
  public var outputShape: [Int]
  public var trainable: Int
  public var nonTrainable: Int
}

extension Architecture {
  /// Every layer in order with its output shape and its parameters.
  public func layers() -> [LayerSummary] {
    var table: [LayerSummary] = []
    func add(_ name: String, _ kind: String, _ shape: [Int], _ trainable: Int = 0, _ nonTrainable: Int = 0) {
      table.append(
        LayerSummary(
          name: name, kind: kind, outputShape: shape, trainable: trainable, nonTrainable: nonTrainable))
    }
    add("input", "input", [frequencyBins, segments, inputChannels])
    add(
      "input_normalization", "batch normalization over frequency", [frequencyBins, segments, inputChannels],
      2 * segmentWidth, 2 * segmentWidth)
    for (index, shape) in convolutions.enumerated() {
      let full = [shape.rows, shape.columns, shape.outputChannels]
      let pooled = [shape.pooledRows, shape.pooledColumns, shape.outputChannels]
      let number = index + 1
      add(
        "convolution_\(number)", "convolution 3×3", full,
        9 * shape.inputChannels * shape.outputChannels + shape.outputChannels)
      add(
        "normalization_\(number)", "batch normalization", full, 2 * shape.outputChannels,
        2 * shape.outputChannels)
      add("activation_\(number)", "ELU", full)
      add("pooling_\(number)", "max pooling \(shape.pooling.frequency)×\(shape.pooling.time)", pooled)
      add("dropout_\(number)", "dropout \(convolutionDropout)", pooled)
    }
    let units = recurrentUnits
    let gates = { (inputs: Int) in 3 * units * (inputs + units + 2) }
    add("recurrent_1", "GRU, all steps", [recurrentSteps, units], gates(filters.last ?? 1))
    add("recurrent_2", "GRU, last step", [units], gates(units))
    add("final_dropout", "dropout \(finalDropout)", [units])
    add("tags", "dense, sigmoid", [tags], units * tags + tags)
    return table
  }

  /// Parameters that the optimiser changes.
  public var trainableParameters: Int { layers().reduce(0) { $0 + $1.trainable } }

  /// Moving means and variances of the batch normalisations.
  public var nonTrainableParameters: Int { layers().reduce(0) { $0 + $1.nonTrainable } }
}
