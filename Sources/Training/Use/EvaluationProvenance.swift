import Splits

extension Evaluation {
  /// Of some songs, those with as many segments in all as are wanted.
  func longEnough(_ songs: [Int], of source: any SongSource) -> [Int] {
    guard fewestSegments > 0 else { return songs }
    let counts = source.wholeSegmentCounts
    return songs.filter { counts[$0] >= fewestSegments }
  }

  func provenance(
    of songs: [Int], _ source: any SongSource, _ sides: SongSides, _ model: StoredModel,
    _ configuration: RunConfiguration
  ) throws -> Provenance {
    var divided = configuration
    if let splitRule { divided.split = splitRule }
    return Provenance(
      checkpoint: checkpoint, data: source.name,
      split: self.songs == .all ? nil : try SplitProvenance(divided, sides, source),
      trainedOn: trainedOn(songs, source, sides, model))
  }

  private func trainedOn(
    _ songs: [Int], _ source: any SongSource, _ sides: SongSides, _ model: StoredModel
  ) -> Int? {
    if let trained = TrainedSongs(model.checkpoint) {
      let ids = source.trackIDs
      return songs.count { trained.contains(ids[$0]) }
    }
    // A checkpoint of old tells by its split alone, where that is the one at hand.
    guard model.splitIdentity == sides.identity, model.dataIdentity == source.identity else { return nil }
    return self.songs == .side(.training) ? songs.count : 0
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
