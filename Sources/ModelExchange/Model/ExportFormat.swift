import Diagnosis
import FileAccess
import HDF5

/// A form in which a model leaves the program.
public enum ExportFormat: String, Sendable, CaseIterable {
  case keras, onnx, safetensors

  /// What a file's name ends with.
  public var suffix: String {
    switch self {
    case .keras: ".weights.h5"
    case .onnx: ".onnx"
    case .safetensors: ".safetensors"
    }
  }

  /// For the card: the framework, the version of it or of the format, and what kind of file it is.
  var framework: (name: String, version: String, type: String) {
    switch self {
    case .keras: ("keras", "3", "weights")
    case .onnx: ("onnx", "\(ONNXFile.operatorSet)", "onnx")
    case .safetensors: ("safetensors", "1", "weights")
    }
  }

  /// Whether a file is one that this format's export has written.
  func isExported(_ path: String) throws -> Bool {
    switch self {
    case .keras: return try KerasWeights.isOwn(path)
    case .onnx: return try starts(path, ONNXFile.opening)
    case .safetensors:
      return try starts(path, Array(SafetensorsFile.opening.utf8), after: SafetensorsFile.lengthBytes)
    }
  }

  private func starts(_ path: String, _ opening: [UInt8], after skipped: Int = 0) throws -> Bool {
    do {
      return try readStart(of: path, count: skipped + opening.count).dropFirst(skipped).elementsEqual(opening)
    } catch {
      throw Failure(.missingInput, "\(path): cannot be looked at before it is written: \(error)")
    }
  }
}

/// A model on its way into a file of another tool, and the card beside it.
public struct ModelExport {
  public let format: ExportFormat
  /// Where the weights are to be.
  public let path: String
  /// Of ONNX alone: batch norm goes into the weights.
  public let foldsBatchNorm: Bool

  public init(_ format: ExportFormat, to path: String, foldsBatchNorm: Bool = false) {
    (self.format, self.path, self.foldsBatchNorm) = (format, path, foldsBatchNorm)
  }

  private var stem: String { String(path.dropLast(format.suffix.count)) }
  /// `tagger.json` beside `tagger.onnx`.
  public var cardPath: String { stem + ".json" }

  /// Looks at what the files would take the place of. Nothing is changed.
  /// - Throws: `usage` for a path that does not end as the format's files do, and where something stands that is no
  ///   earlier export, or is one and may not be replaced.
  public func claim(inputs: [String], replacing: Bool) throws {
    guard path.hasSuffix(format.suffix), !stem.isEmpty, stem.last != "/" else {
      throw Failure(
        .usage, "--out \(path): expected a name that ends in \(format.suffix)",
        remedy: format == .keras ? "Keras loads weights from such files alone" : nil)
    }
    let claim = OutputClaim(inputs: inputs)
    let permission = OutputClaim.Predecessor.Permission.byOption("--force", isGiven: replacing)
    let format = format
    try claim.file(
      path, replacing: .init("an exported model", permission) { try format.isExported($0) })
    try claim.file(
      cardPath, replacing: .init("the card of an exported model", permission) { try ModelCard.isCard($0) })
  }

  /// Writes the model, then its card; each appears whole or not at all.
  /// - Throws: `usage` where the format has nothing for a layer, `unwritable` where writing fails.
  public func write(_ model: PortableModel) throws {
    let bytes =
      switch format {
      case .keras: try KerasWeightsFile(model).bytes()
      case .onnx: try ONNXFile(model, foldsBatchNorm: foldsBatchNorm).bytes()
      case .safetensors: try SafetensorsFile(model).bytes()
      }
    let name = String(stem.split(separator: "/").last ?? "tagger")
    let card = try ModelCard(model, name: name, framework: format.framework).bytes()
    try replaceFile(path, with: bytes)
    try replaceFile(cardPath, with: card)
  }
}
