import Diagnosis
import Foundation
import Networks

/// What an exported file says of its network beside the weights: enough to build it in another tool, and to know what
/// goes in and what comes out. docs/exchange.md explains each field.
struct ModelDescription: Codable {
  var formatVersion = 1
  var inputs: [Input]
  /// Values of an input at a segment.
  var rows: Int
  var segments: Int
  var shortestSong: Int
  var layers: [Layer]
  var tags: [String]
  var normalizationEpsilon = LayerOperation.normalizationEpsilon
  var gateOrder = "z, r, h"

  struct Input: Codable {
    var name: String
    /// Nil: the rows.
    var width: Int?
    /// True for values of whole songs.
    var ofSong: Bool?
    var mean: [Float]?
    var deviation: [Float]?
  }

  /// An operation; which fields it has depends on its kind.
  struct Layer: Codable, Equatable {
    var kind: String
    var name: String?
    /// Of a batch norm that has a value for each.
    var columns: Int?
    var before: Int?
    var after: Int?
    var filters: Int?
    /// Rows, columns.
    var window: [Int]?
    var rate: Double?
    var units: Int?
    var resetAfter: Bool?
    var returnSequences: Bool?
    var bidirectional: Bool?
    var activation: String?
    /// Whether a dense layer has a bias; nil: it has.
    var bias: Bool?
    var values: Int?
    var branches: [Branch]?

    init(_ kind: String, _ name: String? = nil) { (self.kind, self.name) = (kind, name) }
  }

  /// Layers one after the other, whose outcome stands beside that of the other branches.
  struct Branch: Codable, Equatable {
    /// Whether they begin with what is known of whole songs.
    var ofSong: Bool
    var layers: [Layer]
  }

  init(_ model: PortableModel) {
    inputs = model.inputs.map { input in
      Input(
        name: input.name, width: input.width == model.rows ? nil : input.width,
        ofSong: input.isOfSong ? true : nil,
        mean: input.standardization?.mean, deviation: input.standardization?.deviation)
    }
    rows = model.rows
    segments = model.segments
    shortestSong = model.shortestSong
    layers = model.operations.map(Layer.init)
    tags = model.tags
  }

  /// On one line, with the keys in order.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    } catch {
      throw Failure(wrapping: error, while: "describing the model")
    }
  }

  /// Nil for a text that describes no model.
  init?(json: String) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let read = try? decoder.decode(Self.self, from: Data(json.utf8)) else { return nil }
    self = read
  }
}

extension ModelDescription.Layer {
  init(_ operation: LayerOperation) {
    switch operation {
    case .zeroPadding(let before, let after):
      self.init("zero_padding")
      (self.before, self.after) = (before, after)
    case .normalization(let name, let axis):
      self.init(axis == .channels ? "normalization" : "input_normalization", name)
      if case .inputColumns(let count) = axis { columns = count }
    case .convolution(let name, let filters):
      self.init("convolution", name)
      self.filters = filters
    case .exponentialLinearUnit: self.init("elu")
    case .rectifiedLinearUnit: self.init("relu")
    case .maxPooling(let window):
      self.init("max_pooling")
      self.window = [window.frequency, window.time]
    case .dropout(let rate):
      self.init("dropout")
      self.rate = rate
    case .recurrence(let recurrence):
      self.init("gru", recurrence.name)
      units = recurrence.units
      resetAfter = recurrence.resetAfter
      returnSequences = recurrence.returnsAllSteps
      bidirectional = recurrence.isBidirectional
    case .timeSummary: self.init("time_summary")
    case .dense(let name, let units, let activation):
      self.init("dense", name)
      self.units = units
      self.activation = activation.rawValue
    case .product(let name, let units):
      self.init("dense", name)
      self.units = units
      bias = false
    case .songValues(let count):
      self.init("song_values")
      values = count
    case .branches(let branches):
      self.init("branches")
      self.branches = branches.map { branch in
        ModelDescription.Branch(
          ofSong: branch.isOfSong, layers: branch.operations.map { ModelDescription.Layer($0) })
      }
    }
  }
}
