import Diagnosis
import Foundation
import SwiftProtobuf

/// A network as an ONNX model (https://onnx.ai/onnx/repo-docs/IR.html).
///
/// Inputs are `[batch, segments, row]`, one for each feature, as track files have them; outputs are `probabilities`
/// `[batch, tag]` and `embeddings`, what the last layer takes. Batch and segments are free.
public struct ONNXFile {
  private let model: PortableModel
  private let foldsBatchNorm: Bool

  static let probabilities = "probabilities"
  static let embeddings = "embeddings"
  /// The oldest versions that have all it takes, so that old runtimes read it too.
  static let operatorSet = 17
  static let formatVersion = 8
  static let producer = "crnn-dist"
  /// A file of Protocol Buffers is at most 2 GiB; that much less is room for the nodes.
  private static let mostTensorBytes = (2 << 30) - (64 << 20)

  /// - Parameters:
  ///   - model: what the file is to hold.
  ///   - foldsBatchNorm: whether each convolution's batch norm goes into its weights, and the inputs' is one
  ///     product and one sum.
  public init(_ model: PortableModel, foldsBatchNorm: Bool) {
    (self.model, self.foldsBatchNorm) = (model, foldsBatchNorm)
  }

  /// All of a file's bytes; equal models give equal ones.
  /// - Throws: `usage` where the network cannot be an ONNX model.
  public func bytes() throws -> [UInt8] {
    var layers = ONNXLayers(model, foldsBatchNorm: foldsBatchNorm)
    try layers.addAll()
    guard layers.graph.tensorBytes <= Self.mostTensorBytes else {
      throw Failure(
        .usage,
        "the network has \(inBinaryUnits(layers.graph.tensorBytes)) of weights, more than an ONNX file can hold",
        remedy: "export it with --format safetensors")
    }
    var file = ProtoModel()
    file.irVersion = Int64(Self.formatVersion)
    file.producerName = Self.producer
    file.producerVersion = programVersion
    file.docString = "Probabilities of tags for songs; which tags stands in the metadata: tags."
    file.graph = layers.graph.graph
    var operators = ProtoOperatorSet()
    operators.domain = ""
    operators.version = Int64(Self.operatorSet)
    file.opsetImport = [operators]
    file.metadataProps = try model.metadata().map { name, text in
      var entry = ProtoEntry()
      (entry.key, entry.value) = (name, text)
      return entry
    }
    do {
      return [UInt8](try file.serializedData())
    } catch {
      throw Failure(wrapping: error, while: "encoding the ONNX model")
    }
  }

  /// What every file of this program begins with: the format's version, then the producer.
  static var opening: [UInt8] {
    [0x08, UInt8(formatVersion), 0x12, UInt8(producer.utf8.count)] + Array(producer.utf8)
  }
}
