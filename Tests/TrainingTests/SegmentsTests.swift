import Checkpointing
import Diagnosis
import Foundation
import MessagePassing
import Segments
import Testing
import Texts
import Training

/// Which segments and features of songs a run sees, and where it has them from.
@Suite(.serialized) struct SegmentsTests {
  private static let whole: @Sendable (Int) -> any SongSource = { wholeSongs($0) }

  private func arrays(_ run: TemporaryRun) throws -> [String: Checkpoint.FloatArray] {
    try run.checkpoint("epoch-0003.h5").arrays
  }

  // MARK: Whole songs

  @Test func aWholeSongIsSeenUpToWhatIsReadOfIt() {
    let whole = SongInput(features: .pitches, segments: .all)
    for (count, seen) in [(300, 300), (65_536, 65_536), (70_000, 65_536)] {
      #expect(whole.steadyWindow(of: count) == 0..<seen)
    }
    #expect(SongInput(features: .pitches, segments: .all, longest: 500).steadyWindow(of: 70_000) == 0..<500)
  }

  @Test(arguments: [2, 3]) func wholeSongsTrainAlikeOnAnyNumberOfRanks(ranks: Int) throws {
    let alone = try TemporaryRun().train(smallConfiguration(), source: Self.whole)
    let shared = try TemporaryRun().train(smallConfiguration(), ranks: ranks, source: Self.whole)
    #expect(alone.summary?.configuration.segments == .all && alone.summary?.configuration.features == .both)
    #expect(alone.steps.count == 12 && shared.steps.count == 12)
    for (one, other) in zip(alone.steps, shared.steps) { #expect(abs(one.loss - other.loss) <= 1e-6 * one.loss) }
    #expect(alone.steps.last!.loss < alone.steps.first!.loss)
  }

  @Test func aRunOfWholeSongsGoesOnInMidEpochBitForBit() throws {
    let (through, stopped) = (TemporaryRun(), TemporaryRun())
    try through.train(smallConfiguration(), ranks: 2, source: Self.whole)
    let interruption = #expect(throws: Failure.self) {
      try stopped.train(smallConfiguration(), ranks: 2, stopAfter: 6, source: Self.whole)
    }
    #expect(interruption?.kind == .interrupted)
    let refused = #expect(throws: Failure.self) {
      try stopped.train(smallConfiguration { $0.batchSize = 10 }, ranks: 2, resume: true, source: Self.whole)
    }
    #expect(refused?.description.contains("batch_size within an epoch 12, now 10") == true)
    try stopped.train(smallConfiguration(), ranks: 2, resume: true, source: Self.whole)
    #expect(try arrays(through) == arrays(stopped))
  }

  @Test func wholeSongsAreJudgedAsTheRunJudgedThemAndAlone() throws {
    let run = TemporaryRun()
    let listener = try run.train(smallConfiguration(), ranks: 2, source: Self.whole)
    let path = run.folder.checkpoints + "/epoch-0003.h5"
    for ranks in [1, 3] {
      let report = try InProcessCommunicator.run(size: ranks) {
        try Evaluation(checkpoint: path).run(on: wholeSongs(49), $0).metrics
      }[0]
      #expect(report.macroROCAUC == listener.epochs.last?.metrics.validationAUCMacro)
      #expect(report.loss == listener.epochs.last?.metrics.validationLoss)
    }
  }

  @Test func theLongestSongsAreCutWhereWantedAndTooShortOnesLeftOut() throws {
    let run = TemporaryRun()
    let cut = try run.train(smallConfiguration { $0.longest = 30 }) { wholeSongs($0, lengths: 5...60) }
    #expect(cut.summary?.segments == 30)
    let short = wholeSongs(49, lengths: 5...60).segmentCounts.filter { $0 < 12 }.count
    #expect(short > 0 && cut.summary?.tooShortSongs == short)
  }

  // MARK: Crops

  /// What `prepare` would keep and what `train` cuts is the same.
  @Test(arguments: [Crop.first, .middle]) func cutsOfWholeSongsTrainLikeSongsThatWereCutBefore(_ crop: Crop) throws
  {
    let (fromWhole, fromCut) = (TemporaryRun(), TemporaryRun())
    try fromWhole.train(
      smallConfiguration {
        $0.segments = 24
        $0.crop = crop
      }, ranks: 2, source: Self.whole)
    try fromCut.train(smallConfiguration(), ranks: 2) { count in
      let songs = wholeSongs(count)
      let kept = (0..<count).filter { songs.segmentCounts[$0] >= 24 }
      var values: [Feature: [Float]] = [:]
      for feature in songs.features.features {
        values[feature] = kept.flatMap { song in
          let start = crop == .first ? 0 : (songs.segmentCounts[song] - 24) / 2
          return songs.values(of: feature, song: song, segments: start..<start + 24).floats
        }
      }
      return InMemorySongs(
        segments: 24, lengths: kept.map { _ in 24 }, tags: songs.tags, trackIDs: kept.map { songs.trackIDs[$0] },
        artistIDs: kept.map { songs.artistIDs[$0] },
        labels: kept.flatMap { songs.labels[$0 * 3..<($0 + 1) * 3] }, values: values)
    }
    #expect(try arrays(fromWhole) == arrays(fromCut))
  }

  @Test func aRandomCropIsAFunctionOfSeedEpochAndSong() {
    let input = SongInput(features: .pitches, segments: 24, crop: .random)
    var starts: Set<Int> = []
    for epoch in 1...200 {
      let window = input.window(of: 30, song: 7, epoch: epoch, seed: 5)
      #expect(window == input.window(of: 30, song: 7, epoch: epoch, seed: 5))
      #expect(window.count == 24 && window.lowerBound >= 0 && window.upperBound <= 30)
      starts.insert(window.lowerBound)
    }
    #expect(starts == Set(0...6), "every place comes up")
    let all = (0..<50).map { input.window(of: 60, song: $0, epoch: 1, seed: 5).lowerBound }
    #expect(all != (0..<50).map { input.window(of: 60, song: $0, epoch: 2, seed: 5).lowerBound })
    #expect(all != (0..<50).map { input.window(of: 60, song: $0, epoch: 1, seed: 6).lowerBound })
    #expect(Set(all).count > 10)
    #expect(input.steadyWindow(of: 31) == 3..<27)
    #expect(input.window(of: 24, song: 1, epoch: 3, seed: 5) == 0..<24)
  }

  @Test func randomCropsTrainAlikeOnAnyNumberOfRanks() throws {
    let configuration = smallConfiguration {
      $0.segments = 24
      $0.crop = .random
    }
    let alone = try TemporaryRun().train(configuration, source: Self.whole).steps.map(\.loss)
    let shared = try TemporaryRun().train(configuration, ranks: 3, source: Self.whole).steps.map(\.loss)
    for (one, other) in zip(alone, shared) { #expect(abs(one - other) <= 1e-6 * one) }
    let first = try TemporaryRun().train(smallConfiguration { $0.segments = 24 }, source: Self.whole).steps
    #expect(first.map(\.loss) != alone)
  }

  // MARK: Features

  @Test func timbreIsStandardizedByTheTrainingSongsAlone() throws {
    let songs = wholeSongs(150)
    let train = Array(stride(from: 0, to: 150, by: 2))
    let input = SongInput(features: .both, segments: .all)
    let measured = try [1, 2, 4].map { ranks in
      try InProcessCommunicator.run(size: ranks) {
        try Standardization.measured(train, of: wholeSongs(150), input, $0)
      }
    }
    for result in measured.flatMap({ $0 }) { #expect(result == measured[0][0]) }
    let values = train.flatMap { songs.values(of: .timbre, songs: $0..<$0 + 1).floats.map { Double($0) } }
    for coefficient in 0..<12 {
      let own = stride(from: coefficient, to: values.count, by: 12).map { values[$0] }
      let mean = own.reduce(0, +) / Double(own.count)
      let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count)
      let scale = try #require(measured[0][0][.timbre])
      #expect(abs(Double(scale.mean[coefficient]) - mean) < 1e-4)
      #expect(abs(Double(scale.deviation[coefficient]) - variance.squareRoot()) < 1e-4)
    }
  }

  @Test(arguments: [FeatureSelection.pitches, .timbre, .both]) func everyFeatureTrainsAndIsKeptInTheCheckpoint(
    _ features: FeatureSelection
  ) throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.features = features }, source: Self.whole)
    let checkpoint = try run.checkpoint("epoch-0003.h5")
    let model = try StoredModel(checkpoint)
    #expect(model.architecture.inputChannels == (features == .both ? 2 : 1))
    #expect(try model.input().features == features)
    #expect(try model.input().standardization.isEmpty == (features == .pitches))
    guard features != .pitches else { return }
    var broken = checkpoint
    broken.arrays["standardization/timbre_mean"] = nil
    #expect(throws: Failure.self) { try StoredModel(broken).input() }
  }

  @Test func featuresThatTheDataDoNotHaveAreRefused() throws {
    let failure = #expect(throws: Failure.self) {
      try TemporaryRun().train(smallConfiguration { $0.features = .both }, ranks: 2)
    }
    #expect(failure?.kind == .badData && failure?.remedy == "prepare it with --features both")
  }

  // MARK: Streaming

  private static let streamed: [(budget: String, change: @Sendable (inout RunConfiguration) -> Void)] = [
    ("300KB", { $0.segments = .all }),
    (
      "120KB",
      {
        $0.segments = 24
        $0.crop = .random
      }
    ),
    (
      "150KB",
      {
        $0.features = .timbre
        $0.shuffle = .local
      }
    ),
  ]

  /// Songs read from the source as they are needed make the same run as songs in memory, to the last bit.
  @Test(arguments: 0..<3, [1, 2]) func streamingChangesNoBit(_ which: Int, ranks: Int) throws {
    let (budget, change) = Self.streamed[which]
    let (inMemory, streaming) = (TemporaryRun(), TemporaryRun())
    let one = try inMemory.train(smallConfiguration(change), ranks: ranks, songCount: 200, source: Self.whole)
    let other = try streaming.train(
      smallConfiguration {
        change(&$0)
        $0.memory = ByteCount(budget)
      }, ranks: ranks, songCount: 200, source: Self.whole)
    #expect(one.summary?.isStreaming == false && other.summary?.isStreaming == true)
    for name in ["epoch-0001.h5", "epoch-0003.h5", "best.h5"] {
      let bytes = try [inMemory, streaming].map {
        try Data(contentsOf: URL(fileURLWithPath: $0.folder.checkpoints + "/" + name))
      }
      #expect(bytes[0] == bytes[1], "\(name)")
    }
  }

  @Test func songsThatFitTheBudgetStayInMemory() throws {
    let listener = try TemporaryRun().train(smallConfiguration { $0.memory = ByteCount("1MiB") }, ranks: 2)
    #expect(listener.summary?.isStreaming == false)
  }

  @Test func aBudgetWithoutRoomForReadingAheadIsRefused() throws {
    let failure = #expect(throws: Failure.self) {
      try TemporaryRun().train(smallConfiguration { $0.memory = ByteCount("20KB") }, ranks: 2)
    }
    #expect(failure?.kind == .usage && failure?.remedy?.contains("give at least") == true)
  }

  @Test func whatCannotBeReadWhileTrainingEndsTheRunWithItsCause() throws {
    let failure = #expect(throws: Failure.self) {
      try TemporaryRun().train(smallConfiguration { $0.memory = ByteCount("300KB") }, songCount: 200) {
        FailingSongs(wholeSongs($0))
      }
    }
    #expect(failure?.description.contains("the disk is gone") == true)
  }

  @Test func sizesAreReadAsPeopleWriteThem() {
    for (text, bytes) in [
      ("2GiB", 2 << 30), ("500MB", 500_000_000), ("1.5G", 3 << 29), ("1048576", 1 << 20), ("64 KiB", 1 << 16),
    ] { #expect(ByteCount(text)?.bytes == bytes, "\(text)") }
    for text in ["", "GiB", "-1", "0", "2 GiBs", "1e3", "99999999999TiB"] {
      #expect(ByteCount(text) == nil, "\(text)")
    }
    for bytes in [1, 1000, 1 << 20, 3 << 29, 500_000_000] {
      #expect(ByteCount("\(ByteCount(bytes))")?.bytes == bytes)
    }
  }
}

/// Songs of which one cannot be read, as on a disk that goes away in mid-run.
private final class FailingSongs: SongSource {
  private let base: InMemorySongs

  init(_ base: InMemorySongs) { self.base = base }

  var name: String { base.name }
  var identity: String { base.identity }
  var features: FeatureSelection { .pitches }
  var segments: SegmentChoice { base.segments }
  var segmentCounts: [Int] { base.segmentCounts }
  var tags: [String] { base.tags }
  var trackIDs: PackedTexts { base.trackIDs }
  var artistIDs: PackedTexts { base.artistIDs }
  var artistNames: PackedTexts { base.artistNames }
  var labels: [UInt8] { base.labels }

  func bytesOfSegment(_ feature: Feature) -> Int { 48 }

  func values(of feature: Feature, songs: Range<Int>) throws -> SegmentValues {
    base.values(of: feature, songs: songs)
  }

  func values(of feature: Feature, song: Int, segments: Range<Int>) throws -> SegmentValues {
    guard song != 100 else { throw Failure(.badData, "the disk is gone") }
    return base.values(of: feature, song: song, segments: segments)
  }
}
