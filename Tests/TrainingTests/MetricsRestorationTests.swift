import Foundation
import Testing
import Training

/// HDF5 belongs to one thread at a time, and runs write checkpoints.
extension TrainingRunTests {
  private static let configuration = smallConfiguration { $0.logEvery = 1 }

  /// A run that has been stopped in its second epoch, after step 6 of 12.
  private func stopped() throws -> TemporaryRun {
    let run = TemporaryRun()
    #expect(throws: (any Error).self) { try run.train(Self.configuration, stopAfter: 6) }
    return run
  }

  private func lines(_ run: TemporaryRun) throws -> [String] {
    try String(contentsOfFile: run.folder.metrics, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func places(_ run: TemporaryRun) throws -> [String] {
    try run.metrics.map { "\($0["event"] ?? "") \($0["epoch"] ?? "") \($0["step"] ?? "")" }
  }

  static let damages: [(name: String, damage: @Sendable ([String]) -> String)] = [
    ("gone", { _ in "" }),
    ("each line twice", { lines in (lines + lines).map { $0 + "\n" }.joined() }),
    (
      "every other line",
      { lines in lines.enumerated().filter { $0.offset % 2 == 0 }.map { $0.element + "\n" }.joined() }
    ),
    ("the last line torn", { lines in lines.joined(separator: "\n").dropLast(20).description }),
    ("backwards", { lines in lines.reversed().map { $0 + "\n" }.joined() }),
    (
      "other losses", { lines in lines.map { $0.replacing("\"loss\": 0.", with: "\"loss\": 9.") + "\n" }.joined() }
    ),
    ("no text at all", { _ in "\u{0}\u{1}{{{\n\n]\n{\"event\": 3}\n" }),
  ]

  @Test(arguments: damages.indices) func metricsAreMadeWholeWhateverHasHappenedToThem(_ index: Int) throws {
    let whole = TemporaryRun()
    try whole.train(Self.configuration)
    let run = try stopped()
    let before = try lines(run)
    #expect(before.count == 7, "start, five steps, one epoch")
    let damage = Self.damages[index]
    try damage.damage(before).write(toFile: run.folder.metrics, atomically: false, encoding: .utf8)
    try run.train(Self.configuration, resume: true)

    let found = try places(run)
    let expected = try places(whole).filter { !$0.hasPrefix("start") }
    #expect(found.filter { !$0.hasPrefix("start") && !$0.hasPrefix("resume") } == expected, "\(damage.name)")
    #expect(found.filter { $0.hasPrefix("resume") } == ["resume 2 5"])
    func numbers(_ run: TemporaryRun) throws -> [[Double?]] {
      try run.metrics.filter { ["step", "epoch"].contains($0["event"] as? String) }.map { line in
        ["loss", "train_loss", "train_auc", "val_loss", "val_auc_macro", "val_pr_auc_macro"].map {
          line[$0] as? Double
        }
      }
    }
    #expect(try numbers(run) == numbers(whole), "\(damage.name)")
  }

  @Test func whatIsWholeStaysAsItIs() throws {
    let run = try stopped()
    let before = try lines(run)
    try run.train(Self.configuration, resume: true)
    #expect(try Array(lines(run).prefix(before.count)) == before, "with their speeds")
  }
}
