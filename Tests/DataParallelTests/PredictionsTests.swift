import DataParallel
import Diagnosis
import MessagePassing
import Testing

@Suite struct PredictionsTests {
  /// A song's probabilities are a function of the song alone.
  private static func row(_ song: Int) -> [Float] { [Float(song) / 97, 1 / Float(song + 3)] }

  @Test(arguments: [1, 2, 3, 5, 8, 40])
  func anyWorldSizeGivesTheSameTableToTheLastBit(size: Int) throws {
    let gathered = try InProcessCommunicator.run(size: size) { communicator in
      // Dealt out in a scrambled order; ranks get unequal numbers, some none.
      let songs = (0..<37).map { $0 * 11 % 37 }.filter { $0 * $0 % size == communicator.rank }
      return try communicator.gatherPredictions(
        songs: songs.map { UInt32($0) }, probabilities: songs.flatMap(Self.row), tags: 2,
        expected: 37)
    }
    #expect(
      gathered[0] == Predictions(songs: Array(0..<37), probabilities: (0..<37).flatMap(Self.row)))
    #expect(gathered.dropFirst().allSatisfy { $0 == nil })
  }

  @Test func aSongThatComesTwiceIsAnErrorOnAllRanks() {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 2) {
        try $0.gatherPredictions(songs: [4], probabilities: [0.5], tags: 1, expected: 2)
      }
    }
    #expect(failure?.isAgreed == true && failure?.message.contains("song 4 was evaluated twice") == true)
  }

  @Test func aSongThatDoesNotComeIsAnErrorOnAllRanks() {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 2) {
        try $0.gatherPredictions(songs: [UInt32($0.rank)], probabilities: [0.5], tags: 1, expected: 3)
      }
    }
    #expect(failure?.isAgreed == true && failure?.message.contains("2 songs were evaluated, expected 3") == true)
  }

  @Test func aTableOfTheWrongShapeIsAnErrorThatNamesTheRank() {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 2) {
        try $0.gatherPredictions(
          songs: [UInt32($0.rank)], probabilities: [Float](repeating: 0, count: $0.rank + 1), tags: 1, expected: 2)
      }
    }
    #expect(failure?.isAgreed == true && failure?.message.contains("rank 1 on ") == true)
  }
}
