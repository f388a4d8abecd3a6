import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import RandomNumbers

/// Writes a synthetic tree: `msd/A/B/C/TR….h5`, `lastfm/A/B/C/TR….json` and `synthesis.json` in one folder.
///
/// Collective: the ranks share the songs, and what is written does not depend on how many they are.
public struct TreeSynthesis {
  public let parameters: SynthesisParameters
  public let folder: String
  private let process = TagProcess()

  public init(_ parameters: SynthesisParameters, into folder: String) {
    self.parameters = parameters
    self.folder = folder
  }

  public static let reportName = "synthesis.json"

  /// Writes the set.
  ///
  /// - Parameters:
  ///   - communicator: of all ranks, each of which writes its share of the songs.
  ///   - replacing: remove a set of other parameters that is there.
  ///   - progress: told how many songs are done; on rank 0, which speaks for all.
  /// - Returns: the report, on every rank.
  /// - Throws: `.usage` for bad parameters or a folder that holds something else, `.fault` for a full disk.
  public func run(
    _ communicator: any Communicator, replacing: Bool = false, progress: (_ done: Int) -> Void = { _ in }
  ) throws -> SynthesisReport {
    try parameters.validate()
    let isRoot = communicator.rank == 0
    var report = SynthesisReport(starting: parameters, process)
    try communicator.agree { if isRoot { try takeFolder(replacing: replacing, report) } }
    let sources = TagSources(parameters)
    try communicator.agree {
      for number in stride(from: communicator.rank, to: parameters.songs, by: communicator.size) {
        try write(SongPlan(parameters, number: number, process: process), sources)
        if isRoot { progress(min(number + communicator.size, parameters.songs)) }
      }
    }
    try report.finish(process)
    try communicator.agree { if isRoot { try writeWholeFile(report.json(), to: path(Self.reportName)) } }
    return report
  }

  // MARK: Songs

  private func write(_ plan: SongPlan, _ sources: TagSources) throws {
    func stream(_ use: Use) -> RandomStream {
      RandomStream(
        seed: parameters.seed, purpose: .synthesis, first: UInt32(plan.number), second: use.rawValue)
    }
    var pitchStream = stream(.pitches)
    var analysisStream = stream(.analysis)
    var metadataStream = stream(.metadata)
    let file = TrackFile(
      plan: plan, analysis: TrackAnalysis(segments: plan.segments, &analysisStream),
      metadata: TrackMetadata(&metadataStream),
      pitches: PitchProcess(plan.traits).pitches(segments: plan.segments, &pitchStream))
    let trackPath = path("msd/\(Self.letters(of: plan.trackID))/\(plan.trackID).h5")
    try writeWholeFile(file.image(path: trackPath), to: trackPath)
    if let record = LastFMRecordText(plan, labels: sources.labels(of: plan, process), parameters, process) {
      let recordPath = path("lastfm/\(Self.letters(of: plan.trackID))/\(plan.trackID).json")
      try writeWholeFile(Array(record.text.utf8), to: recordPath)
    }
  }

  /// The folders of a track id: its third, fourth and fifth letters.
  private static func letters(of trackID: String) -> String {
    trackID.dropFirst(2).prefix(3).map(String.init).joined(separator: "/")
  }

  private func path(_ name: String) -> String { folder + "/" + name }

  // MARK: The folder

  /// Makes sure that the folder is ours: new, empty, or with a set of the same parameters. Another set is
  /// removed when asked to; anything else is left alone.
  private func takeFolder(replacing: Bool, _ report: SynthesisReport) throws {
    try OutputClaim().folder(folder)
    try makeFolders(folder)
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw Failure(.missingInput, "\(folder): cannot be used as a folder")
    }
    if !entries.isEmpty {
      let report = (try? readWholeFile(path(Self.reportName), limit: 16 << 20)) ?? []
      guard let present = SynthesisReport.parameters(in: report) else {
        throw Failure(
          .usage, "\(folder): holds other files (\(entries.sorted().prefix(3).joined(separator: ", ")))",
          remedy: "name a new or empty folder")
      }
      if present != parameters {
        guard replacing else {
          throw Failure(
            .usage, "\(folder): holds a synthetic set of other parameters",
            remedy: "name another folder, or add --force to replace it")
        }
        for name in ["msd", "lastfm", Self.reportName] where entries.contains(name) {
          try FileManager.default.removeItem(atPath: path(name))
        }
      }
    }
    try writeWholeFile(report.json(), to: path(Self.reportName))
  }
}
