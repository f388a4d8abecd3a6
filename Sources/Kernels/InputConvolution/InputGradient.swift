/// Puts the gradients of the first convolution and of the input's batch norm together.
///
/// With y the (signed) convolution's output, its gradient at every position is `scale·g + constant + slope·y`, g
/// sparse. The sums of the sparse part with the patches come from `InputConvolution.sparseMoments`; those of the
/// dense part follow from `PatchMoments`, because y itself is linear in the patches. docs/convolution.md has the
/// derivation.
public struct InputGradient {
  /// `[3][3][input channel][channel, padded]`, for the kernel as stored (signs undone).
  public var kernel: [Double]
  /// For γ and β of the input's batch norm, `[input channel][frequency, padded]`.
  public var gamma: [Double]
  public var beta: [Double]

  fileprivate mutating func zero() {
    for i in kernel.indices { kernel[i] = 0 }
    for i in gamma.indices { (gamma[i], beta[i]) = (0, 0) }
  }
}

extension InputConvolution {
  /// Room for a gradient, all zeros.
  public var emptyGradient: InputGradient {
    let parameters = Array(repeating: 0.0, count: kernel.inputs * padded(frequencies))
    return InputGradient(
      kernel: Array(repeating: 0, count: kernel.taps * kernel.channelStride), gamma: parameters, beta: parameters)
  }

  /// Writes the gradients of a batch.
  ///
  /// - Parameters:
  ///   - sparse: what `sparseMoments` wrote.
  ///   - moments: of the patches of the batch's normalised input.
  ///   - gamma: of the input's batch norm, `[input channel][frequency, padded]`.
  ///   - beta: of the same, likewise.
  ///   - signs: +1 or −1 per channel, as given to `prepareWeights`.
  ///   - scale: of the map's gradient, per channel.
  ///   - constant: of the same, per channel.
  ///   - slope: of the same, per channel.
  ///   - result: of the shape of `emptyGradient`, written over.
  public func differentiate(
    sparse: UnsafePointer<Double>, moments: PatchMoments, gamma: UnsafePointer<Float>,
    beta: UnsafePointer<Float>, signs: UnsafePointer<Float>, scale: UnsafePointer<Float>,
    constant: UnsafePointer<Float>, slope: UnsafePointer<Float>, to result: inout InputGradient
  ) {
    let (channels, taps, stride) = (kernel.channels, kernel.taps, kernel.channelStride)
    let (weights, moment) = (weights.start, channelMoments.start)
    result.zero()
    for row in 0..<frequencies {
      // The columns of a patch: its taps, then three of the indicator.
      for column in 0..<taps + 3 {
        let isTap = column < taps
        writeDenseMoment(row, column, moments, gamma, beta)
        let constantMoment = isTap ? moments.edge(row, column, 1) : moments.indicatorMoment(column - taps, 1)
        let source = sparse + sparseRow(row, column) * stride
        for channel in 0..<channels {
          moment[channel] =
            Double(scale[channel]) * source[channel] + Double(constant[channel]) * constantMoment
            + Double(slope[channel]) * moment[channel]
        }
        // A tap meets its own frequency only; an indicator column serves the taps that stand above one another.
        for tap in Swift.stride(from: isTap ? column : column - taps, to: isTap ? column + 1 : taps, by: 3) {
          guard let place = place(row, tap) else { continue }
          let factor = Double(isTap ? gamma[place] : beta[place])
          let target = kernel.place(of: tap)
          var total = 0.0
          for channel in 0..<channels {
            result.kernel[target + channel] += factor * moment[channel] * Double(signs[channel])
            total += weights[tap * channels + channel] * moment[channel]
          }
          if isTap { result.gamma[place] += total } else { result.beta[place] += total }
        }
      }
    }
  }

  /// Where the sums of a column stand in what `sparseMoments` wrote. Every input channel has sums of the indicator,
  /// all alike.
  private func sparseRow(_ row: Int, _ column: Int) -> Int {
    let inputs = kernel.inputs
    let (input, within) = column < kernel.taps ? (column / 9, column % 9) : (0, 9 + column - kernel.taps)
    return (row * inputs + input) * PatchMoments.width + within
  }

  /// Where the parameters of the frequency are that a tap reads; nil above and below the song.
  private func place(_ row: Int, _ tap: Int) -> Int? {
    let frequency = row + tap % 9 / 3 - 1
    guard frequency >= 0, frequency < frequencies else { return nil }
    return InputRows.place(of: tap / 9 * frequencies + frequency, frequencies: frequencies)
  }

  /// Σₜ y·column per channel, written to `channelMoments`: y = Σ over taps of w·(γ x̂ + β·indicator).
  private func writeDenseMoment(
    _ row: Int, _ column: Int, _ moments: PatchMoments, _ gamma: UnsafePointer<Float>,
    _ beta: UnsafePointer<Float>
  ) {
    let (channels, taps) = (kernel.channels, kernel.taps)
    let (weights, moment) = (weights.start, channelMoments.start)
    for channel in 0..<channels { moment[channel] = 0 }
    for tap in 0..<taps {
      guard let place = place(row, tap) else { continue }
      let values: Double
      let indicator: Double
      if column < taps {
        values = moments.cross(row, tap, column)
        indicator = moments.edge(row, column, tap % 3)
      } else {
        values = moments.edge(row, tap, column - taps)
        indicator = moments.indicatorMoment(tap % 3, column - taps)
      }
      let patch = Double(gamma[place]) * values + Double(beta[place]) * indicator
      for channel in 0..<channels { moment[channel] += weights[tap * channels + channel] * patch }
    }
  }
}

extension PatchMoments {
  /// First (`[tap]`) and second (`[tap][tap]`) moments of the affine input's patches, summed over rows and songs.
  func affineMoments(
    gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>, first: UnsafeMutablePointer<Double>,
    second: UnsafeMutablePointer<Double>
  ) {
    let taps = taps
    first.update(repeating: 0, count: taps)
    second.update(repeating: 0, count: taps * taps)
    func parameters(_ row: Int, _ tap: Int) -> (gamma: Double, beta: Double)? {
      let frequency = row + tap % 9 / 3 - 1
      guard frequency >= 0, frequency < rows else { return nil }
      let place = InputRows.place(of: tap / 9 * rows + frequency, frequencies: rows)
      return (Double(gamma[place]), Double(beta[place]))
    }
    for row in 0..<rows {
      for tap in 0..<taps {
        guard let (g, b) = parameters(row, tap) else { continue }
        first[tap] += g * edge(row, tap, 1) + b * indicatorMoment(tap % 3, 1)
        for other in 0..<taps {
          guard let (g2, b2) = parameters(row, other) else { continue }
          second[tap * taps + other] +=
            g * g2 * cross(row, tap, other) + g * b2 * edge(row, tap, other % 3)
            + b * g2 * edge(row, other, tap % 3)
            + b * b2 * indicatorMoment(tap % 3, other % 3)
        }
      }
    }
  }
}
