import Diagnosis

/// Shares of the songs on each side; they add up to 1.
public struct SplitShares: Sendable, Equatable, CustomStringConvertible {
  public var train: Double
  public var validation: Double
  public var test: Double

  subscript(side: SongSide) -> Double {
    switch side {
    case .training: train
    case .validation: validation
    case .test: test
    }
  }

  init(train: Double, validation: Double, test: Double) {
    self.train = train
    self.validation = validation
    self.test = test
  }

  /// Reads `0.95` (the rest is for validation), `0.9/0.1` or `0.8/0.1/0.1`.
  init(_ text: String, in rule: String) throws {
    let words = text.split(separator: "/", omittingEmptySubsequences: false)
    let numbers = words.compactMap { Double($0) }
    guard numbers.count == words.count, (1...3).contains(numbers.count),
      numbers.allSatisfy({ $0 >= 0 && $0 <= 1 }), numbers[0] > 0
    else {
      throw Failure(.usage, "split \(rule): expected one to three shares from 0 to 1, training first and above 0")
    }
    let sum = numbers.reduce(0, +)
    guard numbers.count == 1 || abs(sum - 1) < 1e-6 else {
      throw Failure(.usage, "split \(rule): the shares add up to \(sum), expected 1")
    }
    train = numbers[0]
    validation = numbers.count == 1 ? 1 - numbers[0] : numbers[1]
    test = numbers.count == 3 ? numbers[2] : 0
  }

  public var description: String {
    if test > 0 { return "\(train)/\(validation)/\(test)" }
    return train + validation == 1 ? "\(train)" : "\(train)/\(validation)"
  }

  /// Whole numbers of songs for training, validation and test that add up to all of them; a side with a share
  /// above 0 gets at least one while there are any.
  func songs(of count: Int) -> BySide<Int> {
    var counts = BySide { Int((self[$0] * Double(count)).rounded()) }
    for side in [SongSide.validation, .test] where self[side] > 0 && counts[side] == 0 { counts[side] = 1 }
    counts[.test] = min(counts[.test], max(0, count - 1))
    counts[.validation] = min(counts[.validation], max(0, count - 1 - counts[.test]))
    counts[.training] = count - counts[.validation] - counts[.test]
    return counts
  }
}
