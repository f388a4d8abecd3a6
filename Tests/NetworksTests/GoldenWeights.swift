import RandomNumbers

/// Weights as `initial_value` in `scripts/golden/cases.py` defines them, for a tensor named `layer/role`.
func goldenWeights(_ name: String, _ shape: [Int], from words: RandomStream) -> [Float] {
  var words = words
  let role = name.split(separator: "/")[1]
  let bound: Double =
    switch role {
    case "kernel" where name.hasPrefix("convolution"): 0.3
    case "kernel", "recurrent_kernel": (6 / Double(shape.reduce(0, +))).squareRoot()
    case "bias": 0.1
    default: 0.3
    }
  return (0..<shape.reduce(1, *)).map { index in
    let unit = Double(words.nextWord()) * 0x1p-32
    return switch role {
    case "gamma": Float((0.5 + unit) * (index % 4 == 3 ? -1 : 1))
    case "moving_variance": Float(0.5 + unit)
    default: Float((2 * unit - 1) * bound)
    }
  }
}
