import Kernels

/// The tensors of a batch norm inside the arenas.
struct NormalizationTensors {
  let gamma: UnsafeMutablePointer<Float>
  let beta: UnsafeMutablePointer<Float>
  let gammaGradient: UnsafeMutablePointer<Double>
  let betaGradient: UnsafeMutablePointer<Double>
  let movingMean: UnsafeMutablePointer<Float>
  let movingVariance: UnsafeMutablePointer<Float>
  let batchMean: UnsafeMutablePointer<Float>
  let batchVariance: UnsafeMutablePointer<Float>

  /// - Parameter name: what the tensors' names begin with.
  init(_ name: String, _ tensors: LayerTensors) {
    gamma = tensors.weights("\(name)/gamma")
    beta = tensors.weights("\(name)/beta")
    gammaGradient = tensors.gradient("\(name)/gamma")
    betaGradient = tensors.gradient("\(name)/beta")
    movingMean = tensors.moving("\(name)/moving_mean")
    movingVariance = tensors.moving("\(name)/moving_variance")
    batchMean = tensors.batch("\(name)/moving_mean")
    batchVariance = tensors.batch("\(name)/moving_variance")
  }
}
