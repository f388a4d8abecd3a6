import Segments
import Snapshots

extension PreparationOptions {
  /// What the snapshot says of them.
  var recorded: SnapshotRecord.Options {
    SnapshotRecord.Options(
      msd: trackFiles, tagSource: tagSource, lastfm: lastFMTags, segments: segments, crop: crop, longest: longest,
      features: features, tags: tags.description, minTagWeight: minimumTagWeight, join: join, strict: isStrict,
      split: keptSplit?.description, seed: keptSplit == nil ? nil : seed,
      untagged: keepsUntagged ? true : nil, auxiliary: auxiliary?.rawValue)
  }
}

extension SnapshotRecord {
  init(options: Options, _ report: PreparationReport) {
    self.init(
      options: options, counts: report.counts, distribution: report.distribution, tags: report.vocabulary.names)
  }
}
