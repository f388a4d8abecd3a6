import Diagnosis

/// Everything a run needs to go on, as names and values: this module knows no model.
///
/// A value type; `write` puts it into one HDF5 file, whole or not at all, and `read` gives back the same bits or
/// throws. docs/formats.md describes the file.
public struct Checkpoint: Sendable {
  /// The layout this program writes, and the newest it reads.
  public static let formatVersion = 2

  /// An array of 32-bit floats with its shape, the last axis running fastest.
  public struct FloatArray: Sendable, Equatable {
    public var shape: [Int]
    public var values: [Float]

    public init(shape: [Int], values: [Float]) {
      self.shape = shape
      self.values = values
    }
  }

  /// The file this was read from, for messages; "checkpoint" for one that was not read.
  public internal(set) var source = "checkpoint"
  /// Texts by name, such as the run's configuration in YAML or the metrics so far in JSON.
  public var texts: [String: String] = [:]
  /// Lists of texts by name, such as the tags in the order of the model's outputs.
  public var lists: [String: [String]] = [:]
  /// Whole numbers by name, such as `epoch` and `step`. Names are single words.
  public var integers: [String: Int] = [:]
  /// Numbers by name, such as the best validation result. Names are single words.
  public var numbers: [String: Double] = [:]
  /// Arrays by path, the first step of which is a group: `weights/convolution_1/kernel`.
  public var arrays: [String: FloatArray] = [:]

  public init() {}
}

extension Checkpoint {
  /// A text; throws `.badData` where the checkpoint has none of this name.
  public func text(_ name: String) throws -> String { try found(texts[name], "text", name) }

  /// A list of texts; throws `.badData` where the checkpoint has none of this name.
  public func list(_ name: String) throws -> [String] { try found(lists[name], "list", name) }

  /// A whole number; throws `.badData` where the checkpoint has none of this name.
  public func integer(_ name: String) throws -> Int { try found(integers[name], "whole number", name) }

  /// A whole number within a range; throws `.badData` where the checkpoint has none of this name, or another.
  public func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int {
    try within(range, try integer(name), name)
  }

  /// A number within a range; throws `.badData` where the checkpoint has none of this name, or another.
  public func number(_ name: String, in range: ClosedRange<Double>) throws -> Double {
    try within(range, try number(name), name)
  }

  private func within<Number: Comparable>(
    _ range: ClosedRange<Number>, _ value: Number, _ name: String
  ) throws -> Number {
    guard range.contains(value) else {
      throw Failure(
        .badData, "\(source): \(name) is \(value), expected \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A number; throws `.badData` where the checkpoint has none of this name.
  public func number(_ name: String) throws -> Double { try found(numbers[name], "number", name) }

  /// An array's values; throws `.badData` where it is missing or of another shape, as in another model's
  /// checkpoint.
  public func values(_ path: String, shape: [Int]) throws -> [Float] {
    let array = try found(arrays[path], "array", path)
    guard array.shape == shape else {
      throw Failure(
        .badData, "\(source): \(path) has the shape \(array.shape), expected \(shape)",
        remedy: "this checkpoint is of another model; name the configuration it was trained with")
    }
    return array.values
  }

  /// The arrays of one group, by their names below it, in alphabetical order.
  public func arrays(in group: String) -> [(name: String, array: FloatArray)] {
    arrays.filter { $0.key.hasPrefix(group + "/") }
      .map { (String($0.key.dropFirst(group.count + 1)), $0.value) }
      .sorted { $0.0 < $1.0 }
  }

  private func found<Value>(_ value: Value?, _ kind: String, _ name: String) throws -> Value {
    guard let value else { throw Failure(.badData, "\(source): the checkpoint has no \(kind) \(name)") }
    return value
  }
}
