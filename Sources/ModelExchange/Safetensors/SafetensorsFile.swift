import Diagnosis
import Foundation

/// Weights in the safetensors format (https://github.com/huggingface/safetensors): the length of the header as eight
/// bytes, the header in JSON, the values. Names and shapes are those of a checkpoint.
public struct SafetensorsFile {
  private let model: PortableModel

  public init(_ model: PortableModel) { self.model = model }

  /// What a file begins with, behind the length.
  static let opening = #"{"__metadata__":{"#
  static let lengthBytes = 8

  /// All of a file's bytes; equal models give equal ones.
  /// - Throws: `usage` where a tensor is not what an operation takes it for.
  public func bytes() throws -> [UInt8] {
    var entries: [String: Entry] = [:]
    var values: [UInt8] = []
    for tensor in try tensors {
      let start = values.count
      values.append(littleEndian: tensor.values)
      entries[tensor.name] = Entry(shape: tensor.shape, offsets: [start, values.count])
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let metadata = try model.metadata() + [("format", "np"), ("producer", "crnn-dist \(programVersion)")]
    let told = String(decoding: try encoder.encode(Dictionary(uniqueKeysWithValues: metadata)), as: UTF8.self)
    let tensors = String(decoding: try encoder.encode(entries), as: UTF8.self)
    var header = Array((#"{"__metadata__":"# + told + "," + tensors.dropFirst()).utf8)
    // Values begin at a multiple of eight bytes.
    header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    return (0..<Self.lengthBytes).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + values
  }

  private struct Entry: Encodable {
    let dtype = "F32"
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }

  /// The network's, in the order of its layers, and what its inputs are scaled by.
  private var tensors: [(name: String, shape: [Int], values: [Float])] {
    get throws {
      var tensors = try model.declarations.map { declaration in
        (declaration.name, declaration.shape, try model.tensor(declaration.name, declaration.shape))
      }
      for input in model.inputs {
        guard let scale = input.standardization else { continue }
        tensors.append(("standardization/\(input.name)_mean", [scale.mean.count], scale.mean))
        tensors.append(("standardization/\(input.name)_deviation", [scale.deviation.count], scale.deviation))
      }
      return tensors
    }
  }
}
