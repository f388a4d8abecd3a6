import Checkpointing
import Foundation
import TestFolders
import Testing

/// A checkpoint may be anybody's: one of very many entries is opened in a time that grows with their number alone.
@Suite(.serialized) struct ManyEntriesTests {
  private static let fewEntries = 2_000
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

  /// Ten times as many entries took some fifty times as long where each was looked up by its number.
  @Test(arguments: Kind.allCases) private func readingTakesNoLongerThanInProportion(_ kind: Kind) throws {
    let folder = try TemporaryFolder()
    func secondsToRead(_ entries: Int) throws -> Double {
      let path = folder.file("\(entries).h5")
      try checkpoint(of: kind, entries: entries).write(to: path)
      // The better of two, in this thread's own time: other tests use the processor too.
      return try (0..<2).map { _ in
        let begun = Self.threadSeconds
        _ = try Checkpoint.read(path)
        return Self.threadSeconds - begun
      }.min()!
    }
    let few = try secondsToRead(Self.fewEntries)
    let many = try secondsToRead(Self.manyEntries)
    #expect(few > 0 && many < 25 * few, "\(few) s, \(many) s")
  }
}
