import Checkpointing
import Diagnosis
import HDF5
import Isolation

/// What a `.weights.h5` file of Keras 3 holds.
public struct KerasWeights {
  /// For messages.
  let path: String
  /// All arrays of floats below `layers`, by their paths.
  private(set) var arrays: [String: Checkpoint.FloatArray] = [:]
  /// Of the network, where this program or scripts/keras_model.py has written the file.
  private(set) var description: ModelDescription?

  /// More names than any group of such a file has.
  private static let mostNames = 10_000
  /// Groups within groups: `layers/bidirectional/forward_layer/cell/vars`.
  private static let deepest = 6

  /// Reads a file, which another process tries first.
  /// - Throws: `missingInput` where there is none; `badData` where it is damaged or no such file.
  public init(_ path: String) throws {
    try TrialProcess().run(Self.trial, on: path)
    try self.init(reading: path)
  }

  private static let trial = "Keras weights"
  private static let ownTrial = "exported Keras weights"
  /// What is tried of a file before it is read.
  public static let trials: [String: TrialProcess.Trial] = [
    trial: { _ = try KerasWeights(reading: $0) }, ownTrial: { _ = try isOwnFile($0) },
  ]

  /// Whether a file is one that this program has exported.
  /// - Throws: `missingInput` where it cannot be told.
  static func isOwn(_ path: String) throws -> Bool {
    do {
      try TrialProcess().run(ownTrial, on: path)
      return try isOwnFile(path)
    } catch let failure as Failure where failure.kind == .badData {
      return false
    }
  }

  private static func isOwnFile(_ path: String) throws -> Bool {
    try File.open(path).kind(of: KerasWeightsFile.ownGroup + "/" + KerasWeightsFile.description) == .dataset
  }

  private init(reading path: String) throws {
    self.path = path
    let file = try File.open(path)
    guard file.kind(of: "layers") == .group else {
      throw Failure(
        .badData, "\(path): an HDF5 file, but no weights of Keras 3: it has no group layers",
        remedy: "save them with model.save_weights(\"NAME.weights.h5\")")
    }
    // Nothing in a file is larger than the file: what claims to be is damaged.
    let limit = try file.bytes()
    try read(file.group("layers"), "layers", limit: limit / 4, depth: 0)
    let place = KerasWeightsFile.ownGroup + "/" + KerasWeightsFile.description
    guard file.kind(of: place) == .dataset else { return }
    let text = try file.dataset(place).readStrings(limit: 1, byteLimit: limit).first ?? ""
    guard let description = ModelDescription(json: text) else {
      throw Failure(.badData, "\(path): \(place) describes no network")
    }
    self.description = description
  }

  private mutating func read(_ group: Group, _ path: String, limit: Int, depth: Int) throws {
    guard depth < Self.deepest else {
      throw Failure(.badData, "\(self.path): damaged: groups within groups at \(path)")
    }
    for name in try group.childNames(limit: Self.mostNames) {
      let place = path + "/" + name
      switch group.kind(of: name) {
      case .group: try read(group.group(name), place, limit: limit, depth: depth + 1)
      case .dataset:
        let dataset = try group.dataset(name)
        guard dataset.element.elementClass == .float else { continue }
        arrays[place] = Checkpoint.FloatArray(
          shape: dataset.shape, values: try dataset.read(Float.self, limit: limit))
      default: continue
      }
    }
  }

  /// A weight's values.
  /// - Throws: `badData` where it is missing, of another shape, or holds what is no number.
  func values(at place: KerasLayout.Place, _ layer: String) throws -> [Float] {
    guard let array = arrays[place.path] else {
      throw Failure(
        .badData, "\(path): no array of floats \(place.path), the network's \(layer)",
        remedy: "its layers are not those of the configuration; inspect it with h5ls -r")
    }
    guard array.shape == place.shape else {
      throw Failure(
        .badData,
        "\(path): \(place.path), the network's \(layer), has the shape \(array.shape), expected \(place.shape)",
        remedy: "the configuration describes another network than the one of these weights")
    }
    if let wrong = array.values.firstIndex(where: { !$0.isFinite }) {
      throw Failure(
        .badData,
        "\(path): \(place.path), the network's \(layer): value \(wrong) is \(array.values[wrong]), expected a finite "
          + "number")
    }
    return array.values
  }
}
