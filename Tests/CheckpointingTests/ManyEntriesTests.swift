import Checkpointing
import Foundation
import TestFolders
import Testing

/// A checkpoint may be anybody's: one of very many entries is opened in a time that grows with their number alone.
@Suite(.serialized) struct ManyEntriesTests {
  private static let fewEntries = 500
  private static let manyEntries = 20_000

  private enum Kind: CaseIterable {
    case arrays, groups, lists
  }

  private func checkpoint(of kind: Kind, entries: Int) -> Checkpoint {
    var checkpoint = Checkpoint()
    for number in 0..<entries {
      switch kind {
      case .arrays: checkpoint.arrays["many/a\(number)"] = .init(shape: [1], values: [0])
      case .groups: checkpoint.arrays["many\(number)/a"] = .init(shape: [1], values: [0])
      case .lists: checkpoint.lists["l\(number)"] = ["a"]
      }
    }
    return checkpoint
  }

  private static var threadSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Forty times as many entries took some three hundred times as long where each was looked up by its number. Memory
  /// that other tests fight for makes reading dearer where it is more, by three times at most; so one try of three within
  /// the limit is enough.
  @Test(arguments: Kind.allCases) private func readingTakesNoLongerThanInProportion(_ kind: Kind) throws {
    let folder = try TemporaryFolder()
    func read(_ entries: Int) throws -> () throws -> Double {
      let path = folder.file("\(entries).h5")
      try checkpoint(of: kind, entries: entries).write(to: path)
      return {
        let begun = Self.threadSeconds
        _ = try Checkpoint.read(path)
        return Self.threadSeconds - begun
      }
    }
    let (secondsOfFew, secondsOfMany) = (try read(Self.fewEntries), try read(Self.manyEntries))
    let few = try (0..<5).map { _ in try secondsOfFew() }.min()!
    var many = try secondsOfMany()
    for _ in 0..<2 where many >= 150 * few { many = min(many, try secondsOfMany()) }
    #expect(few > 0 && many < 150 * few, "\(few) s, \(many) s")
  }
}
