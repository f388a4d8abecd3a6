import Diagnosis
import FileAccess
import MessagePassing
import Metrics
import RandomNumbers
import Sampling
import Spectrograms

/// Writes a file of made-up spectrograms, whose tags they predict to a known degree.
///
/// Collective: the ranks share the songs, and what is written does not depend on how many they are.
public struct SpectrogramSynthesis {
  public let parameters: SynthesisParameters
  public let shape: SpectrogramShape
  public let output: String
  private let process = TagProcess()

  /// Songs that a rank makes before all write theirs.
  private static let songsAtOnce = 16

  public init(songs: Int, seed: UInt64, shape: SpectrogramShape, permuteTags: Bool, output: String) {
    parameters = SynthesisParameters(
      songs: songs, seed: seed, missingShare: 0, mismatchedShare: 0, emptyShare: 0, otherTagsShare: 0,
      permuteTags: permuteTags)
    self.shape = shape
    self.output = output
  }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - communicator: of all ranks, which write the file together.
  ///   - replacing: whether a file of spectrograms that is there may be replaced.
  ///   - progress: told how many songs are done, on rank 0.
  /// - Returns: metrics of the true probabilities, the best that any model can reach.
  /// - Throws: `usage` for bad parameters, or where something stands at the path that is not to be replaced;
  ///   `fault` for a full disk.
  public func run(
    _ communicator: any Communicator, replacing: Bool = false, progress: (_ done: Int) -> Void = { _ in }
  ) throws -> TagMetrics {
    guard (1...SynthesisParameters.mostSongs).contains(parameters.songs) else {
      throw Failure(
        .usage, "--spectrograms is \(parameters.songs), expected 1 to \(SynthesisParameters.mostSongs)")
    }
    try shape.validate()
    try communicator.agree {
      guard communicator.isRoot else { return }
      try OutputClaim().file(
        output,
        replacing: OutputClaim.Predecessor(
          "a file of spectrograms", .byOption("--force", isGiven: replacing),
          isAt: { try SpectrogramFile.isSpectrograms(at: $0) }))
    }
    let sources = TagSources(parameters)
    let plans = (0..<parameters.songs).map { SongPlan(parameters, number: $0, process: process) }
    let labels = plans.flatMap { sources.labels(of: $0, process) }
    let writer = try SpectrogramWriter(
      output, shape, ids: plans.map(\.trackID), artists: plans.map(\.artist.id), tags: process.tags.map(\.name),
      labels: labels, communicator)
    let block = Self.songsAtOnce * communicator.size
    for start in stride(from: 0, to: plans.count, by: block) {
      let songs = start..<min(start + block, plans.count)
      let own = share(of: songs, rank: communicator.rank, size: communicator.size)
      try writer.write(own.map { spectrogram(of: plans[$0]) }, firstSong: own.lowerBound)
      if communicator.isRoot { progress(songs.upperBound) }
    }
    try writer.finish()
    return try TagMetrics(
      probabilities: plans.flatMap { $0.probabilities.map(Float.init) }, labels: plans.flatMap(\.labels),
      tagCount: process.tags.count)
  }

  private func spectrogram(of plan: SongPlan) -> [Float] {
    var stream = RandomStream(
      seed: parameters.seed, purpose: .synthesis, first: UInt32(plan.number), second: Use.spectrogram.rawValue)
    return SpectrogramProcess(plan.traits).decibels(bands: shape.bands, frames: shape.frames, &stream)
  }
}
