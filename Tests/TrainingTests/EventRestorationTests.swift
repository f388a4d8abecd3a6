import Foundation
import TensorBoardEvents
import Testing
import Training

extension TrainingRunTests {
  private static let logged = smallConfiguration { $0.logEvery = 1 }

  /// All scalars of a run's folder, as a list that shows doubles.
  private func scalars(_ run: TemporaryRun) throws -> [StepScalar] {
    try StepScalar.eventFiles(in: run.folder.tensorBoard).flatMap { try #require(StepScalar.all(ofFile: $0)) }
      .sorted { ($0.step, $0.name) < ($1.step, $1.name) }
  }

  private func values(_ run: TemporaryRun) throws -> [String] {
    try scalars(run).filter { $0.name != "songs_per_second" }.map { "\($0.step) \($0.name) \($0.value)" }
  }

  @Test(arguments: ["nothing", "gone", "torn", "twice"]) func eventsAreMadeWholeWhateverHasHappenedToThem(
    _ damage: String
  ) throws {
    let (whole, run) = (TemporaryRun(), TemporaryRun())
    try whole.train(Self.logged)
    #expect(throws: (any Error).self) { try run.train(Self.logged, stopAfter: 6) }
    let before = try scalars(run)
    let path = try #require(StepScalar.eventFiles(in: run.folder.tensorBoard).first)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    switch damage {
    case "gone": try FileManager.default.removeItem(atPath: path)
    case "torn": try bytes.dropLast(50).write(to: URL(fileURLWithPath: path))
    case "twice": try bytes.write(to: URL(fileURLWithPath: path + ".again"))
    default: break
    }
    try run.train(Self.logged, resume: true)
    #expect(try values(run) == values(whole))
    #expect(StepScalar.eventFiles(in: run.folder.tensorBoard).count == 1)
    if damage == "nothing" {
      let after = try scalars(run)
      #expect(before.allSatisfy(after.contains), "with their times and speeds")
    }
  }

  @Test func somebodyElsesEventsStayAsTheyAre() throws {
    let run = TemporaryRun()
    #expect(throws: (any Error).self) { try run.train(Self.logged, stopAfter: 6) }
    let path = run.folder.tensorBoard + "/events.out.tfevents.1.elsewhere"
    // A record with a field that this program does not know: a graph.
    let theirs = Data(Record.framed([0x22, 3, 1, 2, 3]))
    try theirs.write(to: URL(fileURLWithPath: path))
    try run.train(Self.logged, resume: true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == theirs)
  }
}
