/// What a layer computes in inference, as textbooks and other tools name it: the language in which a network leaves the
/// program. A layer that fuses several of these has several.
///
/// A name is that under which a network's tensors stand: `convolution_1` has `convolution_1/kernel`.
package enum LayerOperation: Sendable, Equatable {
  /// Columns of zeros before and after a song.
  case zeroPadding(before: Int, after: Int)
  /// Batch norm with the moving statistics.
  case normalization(String, NormalizedAxis)
  /// 3×3, same padding, stride 1.
  case convolution(String, filters: Int)
  /// x above zero, eˣ − 1 below.
  case exponentialLinearUnit
  /// x above zero, 0 below.
  case rectifiedLinearUnit
  /// The stride is the window; a remainder is cut off.
  case maxPooling(PoolingSize)
  /// Nothing, in inference.
  case dropout(Double)
  case recurrence(Recurrence)
  /// Mean, then maximum over time, of a sequence.
  case timeSummary
  case dense(String, units: Int, Activation)
  /// A dense layer without bias and activation.
  case product(String, units: Int)
  /// So many values of the whole song, scaled: an input of its own.
  case songValues(Int)
  /// What several lists of operations make of a song, each a vector, side by side.
  case branches([OperationBranch])

  /// What has a mean and a variance of its own.
  package enum NormalizedAxis: Sendable, Equatable {
    /// Each row of each channel of the input: a pitch class, say.
    case inputRows
    /// Each column of an input of one channel, which has so many: all songs are equally long then.
    case inputColumns(Int)
    /// Each channel of a map.
    case channels
  }

  package enum Activation: String, Sendable, Equatable {
    case exponentialLinear = "elu"
    case sigmoid
  }

  /// Added to a variance before its root is taken, in every batch norm.
  package static let normalizationEpsilon = 1e-3
}

/// Operations one after the other, on what is there so far, or on the values of the whole song alone.
package struct OperationBranch: Sendable, Equatable {
  package var isOfSong: Bool
  package var operations: [LayerOperation]
}

/// A gated recurrent unit with the gates in the order z, r, h: h' = z ⊙ h + (1 − z) ⊙ g.
package struct Recurrence: Sendable, Equatable {
  package var name: String
  package var units: Int
  /// Whether the reset gate comes after the recurrent product, which then has a bias of its own: Keras's `reset_after`,
  /// ONNX's `linear_before_reset`.
  package var resetAfter: Bool
  /// Whether it hands on the states of all steps, or the last one alone.
  package var returnsAllSteps: Bool
  /// Whether songs are read from their ends too. The tensors of both directions then stand under `NAME/forward` and
  /// `NAME/backward`.
  package var isBidirectional = false

  /// What the tensors' names begin with, direction by direction.
  package var directions: [String] { isBidirectional ? ["\(name)/forward", "\(name)/backward"] : [name] }
}

extension Network {
  /// The operations of all layers in order, the last of them the outputs' sigmoid; nil in place of a layer's that other
  /// tools do not have, with its name.
  package var operations: [(layer: String, operations: [LayerOperation]?)] {
    layers.map { ($0.name, $0.operations) }
  }
}
