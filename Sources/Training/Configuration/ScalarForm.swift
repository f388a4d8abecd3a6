import Sampling
import Segments
import Yams

/// How one value stands in YAML and on the command line.
struct ScalarForm<Value> {
  /// For messages: "a whole number from 1".
  let expected: String
  /// Nil where the text is not what is expected.
  let read: (Node.Scalar) -> Value?
  let node: (Value) -> Node
}

extension ScalarForm where Value: LosslessStringConvertible {
  /// A value with a text of its own, within what `allows` says.
  fileprivate init(_ expected: String, allows: @escaping (Value) -> Bool = { _ in true }) {
    self.init(
      expected: expected, read: { Value($0.string).flatMap { allows($0) ? $0 : nil } },
      node: { Node($0.description) })
  }
}

extension ScalarForm<Int> {
  static func integer(_ range: ClosedRange<Int>) -> Self {
    ScalarForm("a whole number from \(range.lowerBound) to \(range.upperBound)", allows: range.contains)
  }
}

extension ScalarForm<Double> {
  /// A finite number. `allowed` completes "a number …".
  static func number(_ allowed: String, allows: @escaping (Double) -> Bool) -> Self {
    ScalarForm("a number \(allowed)") { $0.isFinite && allows($0) }
  }
}

extension ScalarForm<Double> {
  /// Of what is dropped: all of it would leave nothing.
  static var share: Self { number("from 0 up to, but not, 1") { $0 >= 0 && $0 < 1 } }
}

extension ScalarForm<UInt64> {
  static var seed: Self { ScalarForm("a whole number from 0 to \(UInt64.max)") }
}

extension ScalarForm<Bool> {
  /// Also in the other words that YAML has for them.
  static var flag: Self {
    ScalarForm(expected: "true or false", read: { Bool.construct(from: $0) }, node: { Node("\($0)") })
  }
}

extension ScalarForm<String> {
  static func text(_ expected: String) -> Self { ScalarForm(expected) { !$0.isEmpty } }

  static func oneOf(_ names: [String]) -> Self {
    ScalarForm(names.joined(separator: " or "), allows: names.contains)
  }

  /// Quoted, because it may look like a number.
  static var listsHash: Self {
    ScalarForm(
      expected: "16 hexadecimal digits, as a run's config.yaml has them",
      read: { $0.string.count == 16 && UInt64($0.string, radix: 16) != nil ? $0.string : nil },
      node: { Node($0, .implicit, .doubleQuoted) })
  }
}

extension ScalarForm<Int> {
  static var wholeSong: Self {
    ScalarForm(SegmentLimits.wholeSongInWords, allows: SegmentLimits.wholeSong.contains)
  }
}

extension ScalarForm<SegmentChoice> {
  static var segments: Self {
    ScalarForm(SegmentLimits.takenInWords, allows: SegmentLimits.allow)
  }
}

extension ScalarForm<FeatureSelection> {
  static var features: Self {
    ScalarForm(
      expected: "\(FeatureSelection.forms); spectrogram for files of them",
      read: { FeatureSelection(rawValue: $0.string) },
      node: { Node($0.rawValue) })
  }
}

extension ScalarForm<AuxiliaryTargets> {
  static var auxiliary: Self { ScalarForm(AuxiliaryTargets.forms) }
}

extension ScalarForm<ByteCount> {
  static var bytes: Self { ScalarForm("a number of bytes, such as 2GiB or 500MB") }
}

extension ScalarForm<CheckpointInterval> {
  static var checkpointInterval: Self { ScalarForm("a count of epochs, or one such as 100steps or 600s") }
}

extension ScalarForm<Shuffle> {
  static var shuffle: Self { ScalarForm(Shuffle.forms) }
}

extension ScalarForm<NonFiniteRule> {
  static var nonFiniteRule: Self { ScalarForm("stop, skip or skip:K, such as skip:5") }
}

extension ScalarForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  static func choice() -> Self {
    ScalarForm(
      expected: Value.allCases.map(\.rawValue).joined(separator: " or "), read: { Value(rawValue: $0.string) },
      node: { Node($0.rawValue) })
  }
}
