import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import MillionSong

/// A snapshot as the songs of a run.
public final class SnapshotSongs: SongSource {
  private let snapshot: Snapshot
  public let name: String
  public var identity: String { snapshot.identity }
  public var segments: Int { snapshot.segments }
  public var tags: [String] { snapshot.tags }
  public var trackIDs: [String] { snapshot.trackIDs }
  public var artistIDs: [String] { snapshot.artistIDs }
  public var labels: [UInt8] { snapshot.labels }

  /// - Throws: as `Snapshot.open`.
  public init(_ path: String) throws {
    name = path
    snapshot = try Snapshot.open(path)
  }

  public func pitchValues(of songs: Range<Int>) throws -> PitchValues { try snapshot.pitches(of: songs).values }
}

extension TrainingRun {
  /// The songs that the configuration names. A tree is made into a snapshot in the run's folder first, which a
  /// resumed run finds there. Collective.
  public func songs(_ communicator: any Communicator) throws -> any SongSource {
    if let data = configuration.data { return try communicator.agree { try SnapshotSongs(data) } }
    guard let msd = configuration.msd, let lastfm = configuration.lastfm else {
      throw Failure(.usage, "no songs to train on")
    }
    let options = PreparationOptions(
      trackTree: msd, lastFMTree: lastfm, segments: configuration.segments ?? RunConfiguration.defaultSegments,
      tags: try VocabularyRule(configuration.tags ?? "paper"), minimumTagWeight: configuration.minimumTagWeight,
      isStrict: configuration.strict)
    let isThere = try communicator.broadcast {
      resume && FileManager.default.fileExists(atPath: folder.snapshot)
    }
    if isThere {
      let songs = try communicator.agree { try SnapshotSongs(folder.snapshot) }
      try communicator.agree { try songs.refuseOther(options) }
      return songs
    }
    try Preparation.run(options, output: folder.snapshot, communicator: communicator)
    return try communicator.agree { try SnapshotSongs(folder.snapshot) }
  }
}

extension SnapshotSongs {
  /// Refuses to go on with songs that were made from something else.
  fileprivate func refuseOther(_ options: PreparationOptions) throws {
    let made = snapshot.record.options
    var differences: [String] = []
    func compare(_ name: String, _ was: String, _ now: String) {
      if was != now { differences.append("\(name) was \(was), is now \(now)") }
    }
    compare("msd", made.msd, options.trackTree)
    compare("lastfm", made.lastfm, options.lastFMTree)
    compare("segments", "\(made.segments)", "\(options.segments)")
    compare("tags", made.tags, options.tags.description)
    compare("min_tag_weight", "\(made.minTagWeight)", "\(options.minimumTagWeight)")
    guard !differences.isEmpty else { return }
    throw Failure(
      .badData, "\(name): made from other songs: \(differences.joined(separator: "; "))",
      remedy: "go on with the options the run was started with, or start a new one with another --out")
  }
}
