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

  /// - Parameter scaled: the numbers of the inputs that are standardised.
  /// - Throws: `usage` where an operation has no such weights as Keras's.
  init(
    _ operations: [LayerOperation], _ declarations: [TensorDeclaration], inputs: [String], rows: Int, scaled: [Int]
  ) throws {
    let shapes = Dictionary(uniqueKeysWithValues: declarations.map { ($0.name, $0.shape) })
    func shape(_ name: String, flat width: Int? = nil) throws -> [Int] {
      guard let shape = shapes[name], width == nil || shape.reduce(1, *) == width else {
        throw Failure(.usage, "the tensor \(name) has no place in a Keras network: found \(shapes[name] ?? [])")
      }
      return width.map { [$0] } ?? shape
    }
    for number in scaled {
      let group = self.group("normalization", "\(inputs[number])_standardization")
      places.append(Place(path: "\(group)/vars/0", shape: [rows], content: .mean(number)))
      places.append(Place(path: "\(group)/vars/1", shape: [rows], content: .variance(number)))
    }
    func add(_ group: String, _ name: String, _ roles: [String], flat width: Int? = nil) throws {
      for (index, role) in roles.enumerated() {
        let tensor = "\(name)/\(role)"
        places.append(
          Place(path: "\(group)/vars/\(index)", shape: try shape(tensor, flat: width), content: .tensor(tensor)))
      }
    }
    let normalized = ["gamma", "beta", "moving_mean", "moving_variance"]
    let recurrent = ["kernel", "recurrent_kernel", "bias"]
    for operation in operations {
      switch operation {
      case .normalization(let name, .inputRows):
        try add(group("batch_normalization", name), name, normalized, flat: rows * inputs.count)
      case .normalization(let name, .inputColumns(let count)):
        try add(group("batch_normalization", name), name, normalized, flat: count)
      case .normalization(let name, .channels): try add(group("batch_normalization", name), name, normalized)
      case .convolution(let name, _): try add(group("conv2d", name), name, ["kernel", "bias"])
      case .dense(let name, _, _): try add(group("dense", name), name, ["kernel", "bias"])
      case .recurrence(let recurrence) where recurrence.isBidirectional:
        let group = self.group("bidirectional", recurrence.name)
        for (part, name) in zip(["forward_layer", "backward_layer"], recurrence.directions) {
          try add("\(group)/\(part)/cell", name, recurrent)
        }
      case .recurrence(let recurrence):
        try add(group("gru", recurrence.name) + "/cell", recurrence.name, recurrent)
      case .zeroPadding, .exponentialLinearUnit, .maxPooling, .dropout, .timeSummary: break
      }
    }
  }

  init(_ model: PortableModel) throws {
    try self.init(
      model.operations, model.declarations, inputs: model.inputs.map(\.name), rows: model.rows,
      scaled: model.inputs.indices.filter { model.inputs[$0].standardization != nil })
  }

  private mutating func group(_ kind: String, _ name: String) -> String {
    let number = numbers[kind, default: 0]
    numbers[kind] = number + 1
    let path = number == 0 ? "layers/\(kind)" : "layers/\(kind)_\(number)"
    layerNames[path] = name
    return path
  }
}
