import Diagnosis
import HDF5

/// Weights as Keras 3 keeps them in a `.weights.h5` file, and beside them, where Keras looks at nothing, a description of
/// the network that scripts/keras_model.py builds.
public struct KerasWeightsFile {
  private let model: PortableModel

  public init(_ model: PortableModel) { self.model = model }

  /// The group that Keras passes over.
  static let ownGroup = "crnn_dist"
  static let description = "description"

  /// All of a file's bytes; equal models give equal ones.
  /// - Throws: `usage` where the network has weights that Keras has not; `fault` where HDF5 fails.
  public func bytes() throws -> [UInt8] {
    let layout = try KerasLayout(model)
    let contents = layout.places.reduce(0) { $0 + 4 * $1.shape.reduce(1, *) }
    let file = try File.createInMemory(name: "weights", growingBy: contents + (256 << 10))
    for place in layout.places {
      let steps = place.path.split(separator: "/").map(String.init)
      let group = try Self.group(steps.dropLast(), of: file)
      for count in [2, 4] {
        let layer = steps.prefix(count)
        guard let name = layout.layerNames[layer.joined(separator: "/")] else { continue }
        try Self.group(layer + ["vars"], of: file).setAttribute("name", name)
      }
      try group.createDataset(steps.last!, DatasetLayout(.float32, shape: place.shape)).write(values(of: place))
      if case .variance = place.content {
        // How many values Keras has counted: it does not read this, but wants it there.
        try group.createDataset("2", DatasetLayout(.int32, shape: [])).write([Int32(0)])
      }
    }
    let own = try file.createGroup(Self.ownGroup)
    for (name, text) in try model.metadata() {
      let layout = DatasetLayout(.fixedString(bytes: max(text.utf8.count, 1)), shape: [])
      try own.createDataset(name, layout).write(strings: [text])
    }
    let bytes = try file.image()
    try file.close()
    return bytes
  }

  private func values(of place: KerasLayout.Place) throws -> [Float] {
    switch place.content {
    case .tensor(let name): try model.tensor(name, place.shape)
    case .mean(let input): model.inputs[input].standardization?.mean ?? []
    // The root of the rounded square is the deviation again, to the last bit.
    case .variance(let input): model.inputs[input].standardization?.deviation.map { $0 * $0 } ?? []
    }
  }

  /// A group by the steps to it, made where it is missing.
  private static func group(_ steps: some Sequence<String>, of file: File) throws -> Group {
    var group: Group = file
    for step in steps { group = group.contains(step) ? try group.group(step) : try group.createGroup(step) }
    return group
  }
}
