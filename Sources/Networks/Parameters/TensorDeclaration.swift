/// A tensor of a layer, before it has a place: name, shape and what it holds at first.
public struct TensorDeclaration: Sendable, Equatable {
  /// Layer and role, for example `convolution_2/kernel`.
  public var name: String
  /// The shape that users and files see, without padding.
  public var shape: [Int]
  /// Equal parts of the last axis, each padded by itself: the gates of a recurrence.
  public var groups: Int
  public var initialValue: InitialValue
  /// Whether an optimiser that decays weights decays these: kernels, but neither biases nor batch norm's.
  public var decays: Bool

  public init(
    _ name: String, _ shape: [Int], groups: Int = 1, initialValue: InitialValue = .zeros, decays: Bool = false
  ) {
    self.name = name
    self.shape = shape
    self.groups = groups
    self.initialValue = initialValue
    self.decays = decays
  }

  /// Values without padding.
  public var count: Int { shape.reduce(1, *) }
}
