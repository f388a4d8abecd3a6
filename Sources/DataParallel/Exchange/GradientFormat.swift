import Kernels

/// How gradients are written on their way between nodes (`--gradient-compression`). On one node they are summed where
/// they lie, whatever the format.
public enum GradientFormat: String, Sendable, CaseIterable, Codable {
  /// Parts in 64 bits; their sum in the 32 bits that optimisers take. The same training at any world size.
  case none
  /// Parts and sum in 32 bits.
  case fp32
  /// Parts and sum in 16 bits, what is lost being added in the next step.
  case bf16

  /// Of a node's part of a sum.
  var part: NumberFormat {
    switch self {
    case .none: .double
    case .fp32: .float
    case .bf16: .brainFloat
    }
  }

  /// Of the sum.
  var sum: NumberFormat { self == .bf16 ? .brainFloat : .float }
}
