import Splits

extension Evaluation {
  /// Of some songs, those with as many segments in all as are wanted.
  func longEnough(_ songs: [Int], of source: any SongSource) -> [Int] {
    guard fewestSegments > 0 else { return songs }
    let counts = source.wholeSegmentCounts
    return songs.filter { counts[$0] >= fewestSegments }
  }

  /// Of networks that judge the same songs, each by the division of its own run, the first one's being told.
  func provenance(of all: [Said]) throws -> Provenance {
    let first = all[0]
    var divided = first.configuration
    if let splitRule { divided.split = splitRule }
    let trained = all.map(trainedOn)
    return Provenance(
      checkpoints: all.map(\.path), data: first.source.name,
      split: self.songs == .all ? nil : try SplitProvenance(divided, first.sides, first.source),
      trainedOn: trained.contains(nil) ? nil : trained.compactMap { $0 }.reduce(Set()) { $0.union($1) }.count)
  }

  /// The places among the judged songs of those that a network was trained on; nil where its checkpoint does not tell.
  private func trainedOn(_ said: Said) -> Set<Int>? {
    if let trained = TrainedSongs(said.model.checkpoint) {
      let ids = said.source.trackIDs
      return Set(said.songs.indices.filter { trained.contains(ids[said.songs[$0]]) })
    }
    // A checkpoint of old tells by its split alone, where that is the one at hand.
    guard said.model.splitIdentity == said.sides.identity, said.model.dataIdentity == said.source.identity else {
      return nil
    }
    return self.songs == .side(.training) ? Set(said.songs.indices) : []
  }
}

extension Evaluation.Report {
  /// What casts a doubt on the figures; nil where nothing is known to.
  public var warning: String? {
    guard side != .side(.training) else { return nil }
    switch provenance.trainedOn {
    case nil:
      return
        "whether any of these songs was trained on cannot be told: an earlier version has written the checkpoint"
    case 0: return nil
    case let count?:
      return "\(count) of the \(songs) songs judged were trained on: the figures say little of songs that are new"
    }
  }
}
