import Diagnosis
import Networks

/// Where Keras 3 keeps each weight in a `.weights.h5` file: under the class of its layer in snake case, with a number from
/// the second of a class on, and under its place among the layer's weights.
struct KerasLayout {
  /// A weight, or what an input is scaled by.
  struct Place {
    /// In the file: `layers/conv2d_1/vars/0`.
    let path: String
    let shape: [Int]
    let content: Content
  }

  enum Content: Equatable {
    /// A tensor of the network by its name.
    case tensor(String)
    /// Of an input's standardisation, by the input's number. Keras keeps the deviation's square.
    case mean(Int)
    case variance(Int)
  }

  /// In the order of the layers.
  private(set) var places: [Place] = []
  /// The names of the layers by the groups of their weights.
  private(set) var layerNames: [String: String] = [:]
  private var numbers: [String: Int] = [:]

  /// Where the groups of layers are that come next: those of a branch are a model within the model.
  private var folder = "layers"
  private let shapes: [String: [Int]]
  private let inputs: [PortableModel.Input]
  private let rows: Int
  private let channels: Int

  private static let normalized = ["gamma", "beta", "moving_mean", "moving_variance"]
  private static let recurrent = ["kernel", "recurrent_kernel", "bias"]

  /// - Parameter scaled: the numbers of the inputs that are standardised.
  /// - Throws: `usage` where an operation has no such weights as Keras's.
  init(
    _ operations: [LayerOperation], _ declarations: [TensorDeclaration], inputs: [PortableModel.Input], rows: Int,
    channels: Int, scaled: [Int]
  ) throws {
    shapes = Dictionary(uniqueKeysWithValues: declarations.map { ($0.name, $0.shape) })
    (self.inputs, self.rows, self.channels) = (inputs, rows, channels)
    for number in scaled where !inputs[number].isOfSong { addScale(number) }
    for operation in operations { try add(operation, scaled: scaled) }
  }

  private func shape(_ name: String, flat width: Int? = nil) throws -> [Int] {
    guard let shape = shapes[name], width == nil || shape.reduce(1, *) == width else {
      throw Failure(.usage, "the tensor \(name) has no place in a Keras network: found \(shapes[name] ?? [])")
    }
    return width.map { [$0] } ?? shape
  }

  private mutating func addScale(_ number: Int) {
    let group = self.group("normalization", "\(inputs[number].name)_standardization")
    let shape = [inputs[number].width ?? rows]
    places.append(Place(path: "\(group)/vars/0", shape: shape, content: .mean(number)))
    places.append(Place(path: "\(group)/vars/1", shape: shape, content: .variance(number)))
  }

  private mutating func add(_ group: String, _ name: String, _ roles: [String], flat width: Int? = nil) throws {
    for (index, role) in roles.enumerated() {
      let tensor = "\(name)/\(role)"
      places.append(
        Place(path: "\(group)/vars/\(index)", shape: try shape(tensor, flat: width), content: .tensor(tensor)))
    }
  }

  private mutating func add(_ operation: LayerOperation, scaled: [Int]) throws {
    switch operation {
    case .normalization(let name, .inputRows):
      try add(group("batch_normalization", name), name, Self.normalized, flat: rows * channels)
    case .normalization(let name, .inputColumns(let count)):
      try add(group("batch_normalization", name), name, Self.normalized, flat: count)
    case .normalization(let name, .channels): try add(group("batch_normalization", name), name, Self.normalized)
    case .convolution(let name, _): try add(group("conv2d", name), name, ["kernel", "bias"])
    case .dense(let name, _, _): try add(group("dense", name), name, ["kernel", "bias"])
    case .product(let name, _): try add(group("dense", name), name, ["kernel"])
    case .recurrence(let recurrence) where recurrence.isBidirectional:
      let group = self.group("bidirectional", recurrence.name)
      for (part, name) in zip(["forward_layer", "backward_layer"], recurrence.directions) {
        try add("\(group)/\(part)/cell", name, Self.recurrent)
      }
    case .recurrence(let recurrence):
      try add(group("gru", recurrence.name) + "/cell", recurrence.name, Self.recurrent)
    case .songValues: for number in scaled where inputs[number].isOfSong { addScale(number) }
    case .branches(let branches): for branch in branches { try add(branch, scaled: scaled) }
    case .zeroPadding, .exponentialLinearUnit, .rectifiedLinearUnit, .maxPooling, .dropout, .timeSummary: break
    }
  }

  /// A branch of whole songs is a model of its own: Keras would else number its layers among the others' by their distance
  /// from the output.
  private mutating func add(_ branch: OperationBranch, scaled: [Int]) throws {
    let outer = folder
    if branch.isOfSong { folder = group("functional", "song_branch") + "/layers" }
    for operation in branch.operations { try add(operation, scaled: scaled) }
    folder = outer
  }

  init(_ model: PortableModel) throws {
    try self.init(
      model.operations, model.declarations, inputs: model.inputs, rows: model.rows, channels: model.channels,
      scaled: model.inputs.indices.filter { model.inputs[$0].standardization != nil })
  }

  private mutating func group(_ kind: String, _ name: String) -> String {
    let first = "\(folder)/\(kind)"
    let number = numbers[first, default: 0]
    numbers[first] = number + 1
    let path = number == 0 ? first : "\(first)_\(number)"
    layerNames[path] = name
    return path
  }
}
