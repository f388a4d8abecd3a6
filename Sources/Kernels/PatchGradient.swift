/// Puts the gradients of the first convolution and of the input's batch norm together.
///
/// With y the (signed) convolution's output, its gradient at every position is `scale·g + constant + slope·y`, g
/// sparse. The sums of the sparse part with the patches come from `PatchConvolution.sparseMoments`; those of the
/// dense part follow from `PatchMoments`, because y itself is linear in the patches. docs/convolution.md has the
/// derivation.
public struct PatchGradient {
  /// `[9][channel, padded]`, for the kernel as stored (signs undone).
  public var kernel: [Double]
  /// For γ and β of the input's batch norm, `[frequency]`.
  public var gamma: [Double]
  public var beta: [Double]
}

extension PatchConvolution {
  /// - Parameters:
  ///   - sparse: what `sparseMoments` wrote.
  ///   - gamma, beta: of the input's batch norm.
  ///   - scale, constant, slope: of the map's gradient, per channel.
  public func gradient(
    sparse: UnsafePointer<Double>, moments: PatchMoments, gamma: UnsafePointer<Float>,
    beta: UnsafePointer<Float>, signs: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    constant: UnsafePointer<Float>, slope: UnsafePointer<Float>
  ) -> PatchGradient {
    let c = padded(channels)
    let weights = signedWeights
    var result = PatchGradient(
      kernel: Array(repeating: 0, count: 9 * c), gamma: Array(repeating: 0, count: frequencies),
      beta: Array(repeating: 0, count: frequencies))
    var moment = [Double](repeating: 0, count: channels)
    for row in 0..<frequencies {
      for column in 0..<PatchMoments.width {
        let firstTap = column < 9 ? column : column - 9
        // A tap meets its own frequency only; an indicator column serves the three taps above one another.
        let taps = column < 9 ? [firstTap] : [firstTap, firstTap + 3, firstTap + 6]
        denseMoment(row, column, moments, gamma, beta, weights, into: &moment)
        let constantMoment = indicatorOrEdge(row, column, moments)
        let source = sparse + (row * PatchMoments.width + column) * c
        for channel in 0..<channels {
          moment[channel] =
            Double(scale[channel]) * source[channel] + Double(constant[channel]) * constantMoment
            + Double(slope[channel]) * moment[channel]
        }
        for tap in taps {
          let frequency = row + tap / 3 - 1
          guard frequency >= 0, frequency < frequencies else { continue }
          let factor = Double(column < 9 ? gamma[frequency] : beta[frequency])
          var total = 0.0
          for channel in 0..<channels {
            result.kernel[tap * c + channel] += factor * moment[channel] * Double(signs[channel])
            total += weights[tap * channels + channel] * moment[channel]
          }
          if column < 9 { result.gamma[frequency] += total } else { result.beta[frequency] += total }
        }
      }
    }
    return result
  }

  /// Σₜ of the column itself: x̂ of a tap, or the indicator.
  private func indicatorOrEdge(_ row: Int, _ column: Int, _ moments: PatchMoments) -> Double {
    if column < 9 { return moments.edge(row, column, 1) }
    return moments.indicatorMoment(column - 9, 1)
  }

  /// Σₜ y·column per channel: y = Σ over taps of w·(γ x̂ + β·indicator).
  private func denseMoment(
    _ row: Int, _ column: Int, _ moments: PatchMoments, _ gamma: UnsafePointer<Float>,
    _ beta: UnsafePointer<Float>, _ weights: [Double], into moment: inout [Double]
  ) {
    for channel in 0..<channels { moment[channel] = 0 }
    for tap in 0..<9 {
      let frequency = row + tap / 3 - 1
      guard frequency >= 0, frequency < frequencies else { continue }
      let values: Double
      let indicator: Double
      if column < 9 {
        values = moments.cross(row, tap, column)
        indicator = moments.edge(row, column, tap % 3)
      } else {
        values = moments.edge(row, tap, column - 9)
        indicator = moments.indicatorMoment(tap % 3, column - 9)
      }
      let patch = Double(gamma[frequency]) * values + Double(beta[frequency]) * indicator
      for channel in 0..<channels { moment[channel] += weights[tap * channels + channel] * patch }
    }
  }
}

extension PatchMoments {
  /// First (9) and second (9 × 9) moments of the affine input's patches, summed over rows and songs.
  public func affineMoments(
    gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>
  ) -> (first: [Double], second: [Double]) {
    var first = [Double](repeating: 0, count: 9)
    var second = [Double](repeating: 0, count: 81)
    for row in 0..<rows {
      for tap in 0..<9 {
        let frequency = row + tap / 3 - 1
        guard frequency >= 0, frequency < rows else { continue }
        let (g, b) = (Double(gamma[frequency]), Double(beta[frequency]))
        first[tap] +=
          g * edge(row, tap, 1) + b * indicatorMoment(tap % 3, 1)
        for other in 0..<9 {
          let otherFrequency = row + other / 3 - 1
          guard otherFrequency >= 0, otherFrequency < rows else { continue }
          let (g2, b2) = (Double(gamma[otherFrequency]), Double(beta[otherFrequency]))
          second[tap * 9 + other] +=
            g * g2 * cross(row, tap, other) + g * b2 * edge(row, tap, other % 3)
            + b * g2 * edge(row, other, tap % 3)
            + b * b2 * indicatorMoment(tap % 3, other % 3)
        }
      }
    }
    return (first, second)
  }
}
