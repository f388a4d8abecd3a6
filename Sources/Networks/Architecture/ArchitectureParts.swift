/// What a network makes of the steps that its convolutions leave.
public enum TimeReading: String, Sendable, Codable {
  /// Mean and maximum over time of every channel, beside the last states of a GRU in each direction.
  case summary
}

/// What a unit makes of its input.
public enum UnitActivation: String, Sendable, Codable, CaseIterable {
  /// x above zero, eˣ − 1 below.
  case elu
  /// x above zero, 0 below.
  case relu

  /// As texts write it.
  var title: String { self == .relu ? "ReLU" : "ELU" }
}

/// Dense layers on what is known of a whole song, which stand beside the convolutions: each dense → batch norm → activation,
/// with dropout between them.
public struct SongBranch: Equatable, Sendable, Codable {
  /// Numbers of a song.
  public var values: Int
  /// Of each layer.
  public var units: [Int]
  public var activation = UnitActivation.elu
  /// Share of the numbers dropped in training.
  public var inputDropout = 0.2
  /// Share of each layer's values dropped in training; of the last one's the network's final dropout is.
  public var dropout = 0.5

  public init(values: Int, units: [Int]) { (self.values, self.units) = (values, units) }

  /// Networks of before there was a choice of the activation do not tell it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      values: try container.decode(Int.self, forKey: .values),
      units: try container.decode([Int].self, forKey: .units))
    activation = try container.decodeIfPresent(UnitActivation.self, forKey: .activation) ?? .elu
    inputDropout = try container.decode(Double.self, forKey: .inputDropout)
    dropout = try container.decode(Double.self, forKey: .dropout)
  }
}

/// Other targets than the tags, with weights from 0 to 1, which all songs of the training side may have: what they teach the
/// layers below serves the tags.
public struct AuxiliaryHead: Equatable, Sendable, Codable {
  public var outputs: Int
  /// What their loss is multiplied by before it is added to that of the tags.
  public var weight: Double

  /// What its tensors' names begin with.
  public static let layer = "auxiliary"

  public init(outputs: Int, weight: Double) { (self.outputs, self.weight) = (outputs, weight) }
}
