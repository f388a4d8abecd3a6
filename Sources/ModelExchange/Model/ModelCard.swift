import Diagnosis
import FileAccess
import Foundation

/// The JSON beside an exported model, in the shape that the models of Essentia have
/// (https://essentia.upf.edu/models.html), so that what reads theirs reads ours.
public struct ModelCard: Encodable {
  let name: String
  let type = "multi-label auto-tagging"
  let version: String
  let description: String
  let framework: String
  let frameworkVersion: String
  let creator = "crnn-dist \(programVersion)"
  let classes: [String]
  /// Essentia's models have nothing like it: from which probability on each of the classes is best said.
  let thresholds: [Float]?
  let modelTypes: [String]
  let dataset: DataSet
  let schema: Schema
  let inference: Inference
  let provenance: [String: String]
  let citation =
    "K. Choi, G. Fazekas, M. Sandler, K. Cho: Convolutional recurrent neural networks for music classification, ICASSP 2017"

  struct DataSet: Encodable {
    let name: String
    let citation: String?
    let metrics: [String: Double]
  }

  struct Schema: Encodable {
    let inputs: [Input]
    let outputs: [Output]
  }

  struct Input: Encodable {
    let name: String
    let type = "float"
    let shape: [Axis]
    /// What is done to the values inside the model; users give them as they stand in track files.
    let standardization: Scale?
    let description: String
  }

  struct Scale: Encodable {
    let mean: [Float]
    let deviation: [Float]
    let insideModel = true
  }

  struct Output: Encodable {
    let name: String
    let type = "float"
    let shape: [Axis]
    let op: String
    let outputPurpose: String
  }

  struct Inference: Encodable {
    /// Of the audio that the analysis has been made from.
    let sampleRate: Int
    let algorithm: String
    /// A number, or all.
    let segments: String
    let crop: String
    let longest: Int?
    let shortestSong: Int
  }

  /// A fixed extent, or the name of one that is free.
  enum Axis: Encodable {
    case fixed(Int)
    case free(String)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .fixed(let extent): try container.encode(extent)
      case .free(let name): try container.encode(name)
      }
    }
  }

  init(_ model: PortableModel, name: String, framework: (name: String, version: String, type: String)) {
    self.name = name
    version = model.provenance.texts.first { $0.name == "checkpoint_checksum" }?.text ?? "1"
    let kind = model.inputs.map(\.name).joined(separator: " and ")
    let isOfSpectrograms = model.inputs.contains(where: \.isSpectrogram)
    description =
      "probabilities of \(model.tags.count) tags for a song, from its \(kind), by a "
      + "convolutional-recurrent network of \(model.trainableParameters) trainable parameters"
    (self.framework, frameworkVersion) = (framework.name, framework.version)
    modelTypes = [framework.type]
    classes = model.tags
    thresholds = model.thresholds
    dataset =
      isOfSpectrograms
      ? DataSet(name: "a file of spectrograms", citation: nil, metrics: model.provenance.metrics)
      : DataSet(
        name: "Million Song Dataset, Last.fm tags",
        citation: "T. Bertin-Mahieux, D. P. W. Ellis, B. Whitman, P. Lamere: The Million Song Dataset, ISMIR 2011",
        metrics: model.provenance.metrics)
    schema = Schema(
      inputs: model.inputs.map { input in
        Input(
          name: input.name,
          shape: model.axes(input),
          standardization: input.standardization.map { Scale(mean: $0.mean, deviation: $0.deviation) },
          description: model.words(input))
      },
      outputs: [
        Output(
          name: ONNXFile.probabilities, shape: [.free("batch"), .fixed(model.tags.count)], op: "Sigmoid",
          outputPurpose: "predictions"),
        Output(
          name: ONNXFile.embeddings, shape: [.free("batch"), .fixed(model.embeddingWidth)],
          op: "Input of the last layer",
          outputPurpose: "embeddings"),
      ])
    let songs = model.provenance.songs
    inference = Inference(
      sampleRate: isOfSpectrograms ? 12_000 : 22_050,
      algorithm: isOfSpectrograms
        ? "mel spectrogram in decibels, as scripts/spectrograms makes it"
        : "Echo Nest analysis: what a track file has of segments",
      segments: songs.segments.description, crop: songs.crop.rawValue, longest: songs.longest,
      shortestSong: model.shortestSong)
    provenance = Dictionary(
      uniqueKeysWithValues: model.provenance.texts.filter { $0.name != "architecture" }.map { ($0.name, $0.text) })
  }

  /// As a file holds it.
  func bytes() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    } catch {
      throw Failure(wrapping: error, while: "writing the card")
    }
  }

  /// Whether a file is a card of this program.
  static func isCard(_ path: String) throws -> Bool {
    struct Head: Decodable { let creator: String }
    do {
      let bytes = try readWholeFile(path, limit: 256 << 20)
      return (try? JSONDecoder().decode(Head.self, from: Data(bytes)))?.creator.hasPrefix("crnn-dist ") ?? false
    } catch {
      throw Failure(.missingInput, "\(path): cannot be looked at before it is written: \(error)")
    }
  }
}

extension PortableModel {
  /// Inputs of the last layer.
  var embeddingWidth: Int {
    let kernel = declarations.last { $0.name.hasSuffix("/kernel") }
    return kernel?.shape.first ?? 0
  }
}
