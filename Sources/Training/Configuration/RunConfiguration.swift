import DataParallel
import Diagnosis
import Foundation
import Networks
import Sampling
import Segments
import Splits
import Tags

/// Everything that decides what a training run does: defaults, overlaid by a YAML file, overlaid by the command
/// line. `RunOption` has the names, and how each is read and written.
public struct RunConfiguration: Sendable, Equatable {
  public enum Model: String, Sendable, CaseIterable {
    case small, large
    /// The original network, of spectrograms.
    case choi2016
    /// Its convolutions fitted to the 12 rows of segments; of old called choi2016.
    case choi2016Of12Rows = "choi2016-12"
    /// Of all that is known of segments and songs.
    case recommended
  }

  /// Over which songs batch normalisation takes its statistics in training.
  public enum BatchNorm: String, Sendable, CaseIterable {
    /// Those of the rank: no communication, but results depend on the world size.
    case local
    /// Those of the global batch: the same results for any world size.
    case sync
  }

  // What to learn from: a snapshot, or a tree and its tags.
  public var data: String?
  public var msd: String?
  public var lastfm: String?
  public var tagSource = TagSource.lastFM
  /// When a track and its Last.fm record are the same song. Nil: the strictest that the Last.fm tags allow.
  public var join: JoinRule?
  /// What is known of the segments. Nil: what the snapshot has; pitches for a tree.
  public var features: FeatureSelection?
  /// Nil: the snapshot's; 252 for a tree.
  public var segments: SegmentChoice?
  /// Which of a song's segments, where a number of them is taken.
  public var crop = Crop.first
  /// Whole songs are cut after so many segments. Nil: never.
  public var longest: Int?
  /// `paper`, `top:K` or a list file. Nil: the snapshot's; `paper` for a tree.
  public var tags: String?
  /// From which weight on a tag of a tree's song counts.
  public var minimumTagWeight = 0.0
  /// Whether a bad track file of a tree ends the run instead of being skipped.
  public var strict = false
  /// Nil: what the songs were made for, or else the standard rule.
  public var givenSplit: String?
  /// What the split's lists held in the run that this one repeats; nil: whatever they hold.
  public var splitListsHash: String?
  /// Of cross-validation by artist: how many folds, and which of them (from 1) is judged. Both or neither.
  public var folds: Int?
  public var fold: Int?
  /// Decides what a split leaves to chance. Nil: `seed`.
  public var splitSeed: UInt64?
  public var permuteTags = false
  /// The checkpoint whose weights the run begins with. Nil: initial values.
  public var from: String?

  // The network.
  public var model = Model.small
  public var filters: [Int]?
  public var recurrentUnits: Int?
  /// Of the dense layers on what is known of a whole song. Nil: the model's.
  public var denseUnits: [Int]?
  public var denseActivation: UnitActivation?
  public var pooling: [PoolingSize]?
  /// Columns that songs are brought to with zeros; 0: none are added.
  public var padTo: Int?
  public var inputNormalization: InputAxis?
  public var resetGate: ResetGate?
  /// Shares of the values that training drops after each pooling and before the last layer. Nil: the model's.
  public var convolutionDropout: Double?
  public var finalDropout: Double?
  /// Words beside the tags that a head of its own learns. Nil: none.
  public var auxiliary: AuxiliaryTargets?
  /// What their loss is multiplied by. Nil: 3.
  public var auxiliaryWeight: Double?

  // How it learns.
  public var batchSize = 32
  public var epochs = 100
  public var learningRate = 1e-3
  /// One of `Optimizers.all` by name. Nil: adam.
  public var optimizer: String?
  /// Of optimisers that have it; nil: the optimiser's default.
  public var momentum: Double?
  public var weightDecay: Double?
  /// How the learning rate changes in the course of the run. Nil: it does not.
  public var schedule: LearningRateSchedule.Form?
  /// Steps in which the learning rate rises. Nil: none.
  public var warmUpSteps: Int?
  /// Where the schedule `cosine` ends. Nil: 0.
  public var finalLearningRate: Double?
  /// Of the schedule `step`: epochs between two decays, and what each multiplies the rate by. Nil: 30, 0.1.
  public var decayEvery: Int?
  public var decayFactor: Double?
  /// The Euclidean norm that the gradient of a step is scaled down to where it is larger. Nil: never.
  public var clipNorm: Double?
  /// Parts of a batch whose gradients are summed before the optimiser sees them. Nil: 1.
  public var accumulate: Int?
  /// How gradients are written on their way between nodes.
  public var gradientCompression = GradientFormat.none
  /// Whether gradients are summed while the backward pass goes on. The result is the same.
  public var overlap = true
  public var seed: UInt64 = 1
  public var batchNorm = BatchNorm.sync
  /// What the moving statistics of batch norm keep of themselves in a step. Nil: 0.99.
  public var batchNormMomentum: Double?
  public var shuffle = Shuffle.global

  /// What happens to a step whose loss or gradient is not finite. Nil: the run stops.
  public var onNaN: NonFiniteRule?

  // How the run is kept and told.
  public var checkpointEvery = CheckpointInterval.epochs(1)
  /// Newest epoch checkpoints to keep; 0: all.
  public var keepCheckpoints = 0
  /// Nil: a fair share of the cores.
  public var threads: Int?
  /// Bytes a rank that songs may take in memory; where they are more they are read as they are needed. Nil: no end.
  public var memory: ByteCount?
  /// A `step` line every so many steps; 0: none.
  public var logEvery = 0
  /// The distributions of weights and gradients every so many steps; 0: never.
  public var histogramsEvery = 0
  /// What decides which epoch is the best. Nil: the macro AUC.
  public var monitor: Monitor?
  /// Epochs without a better one after which the run ends. Nil: it does not.
  public var earlyStop: Int?
  /// Training songs that `train_auc` is taken over. Nil: as many as there are for validation.
  public var trainAUCSongs: Int?

  public init() {}
}

extension RunConfiguration {
  /// The rule by which songs are to be divided; nil: what the songs were made for, or else the standard rule.
  public var wantedSplit: String? {
    if let folds, let fold { return "artist-folds:\(fold)/\(folds)" }
    return givenSplit
  }

  /// How songs are divided.
  public var split: String {
    get { wantedSplit ?? SplitRule.standard.description }
    set { (givenSplit, folds, fold) = (newValue, nil, nil) }
  }

  /// What chance in the split comes from.
  public var seedOfSplit: UInt64 { splitSeed ?? seed }

  /// Without what says where the run took place: paths, threads and memory.
  var portable: RunConfiguration {
    var portable = self
    (portable.data, portable.msd, portable.lastfm, portable.threads) = (nil, nil, nil, nil)
    (portable.memory, portable.overlap, portable.from) = (nil, true, nil)
    return portable
  }

  /// With paths that lead to the same files from any folder.
  var located: RunConfiguration {
    func located(_ path: String) -> String { URL(fileURLWithPath: path).path }
    var configuration = self
    (configuration.data, configuration.msd) = (data.map(located), msd.map(located))
    (configuration.lastfm, configuration.from) = (lastfm.map(located), from.map(located))
    if let tags, case .list(let path)? = try? VocabularyRule(tags) { configuration.tags = located(path) }
    if let givenSplit, let rule = try? SplitRule(givenSplit), rule.lists != nil {
      // A comma parts the lists of a rule.
      configuration.givenSplit = rule.mappingLists { located($0).contains(",") ? $0 : located($0) }.description
    }
    return configuration
  }

  /// Refuses what cannot be run, before anything is read.
  public func validate() throws {
    switch (data, msd, lastfm) {
    case (.some, _, _): break
    case (nil, .some, _): try tagSource.check(lastFM: lastfm, join: join)
    case (nil, nil, nil):
      throw Failure(.usage, "no songs to train on: give --data SNAPSHOT.h5, or --msd PATH with --lastfm PATH")
    case (nil, nil, .some): throw Failure(.usage, "--lastfm needs --msd PATH, where the songs are")
    }
    if data == nil, features == .spectrogram {
      throw Failure(
        .usage, "--features spectrogram: track files hold none", remedy: "give a file of them as --data")
    }
    try validateFolds()
    try validateSegments()
    try validateLearning()
    _ = try architecture(segments: segments?.count ?? defaultColumns, tags: 1)
  }

  private func validateFolds() throws {
    switch (fold, folds) {
    case (let fold?, let folds?): _ = try FoldChoice(fold: fold, folds: folds)
    case (nil, nil): break
    case (nil, _):
      throw Failure(.usage, "--folds needs --fold, the one that is judged", remedy: "such as --fold 1")
    case (_, nil): throw Failure(.usage, "--fold needs --folds, how many there are", remedy: "such as --folds 5")
    }
  }

  /// Refuses choices of segments that do not go together.
  package func validateSegments() throws {
    if segments == .all, crop != .first {
      throw Failure(
        .usage, "--crop \(crop.rawValue) takes a part of each song, --segments all takes it whole",
        remedy: "give a number of --segments")
    }
    if segments == .all,
      try architecture(segments: SegmentLimits.taken.upperBound, tags: 1).inputNormalization == .time
    {
      throw Failure(
        .usage, "input_normalization time has parameters for each column, but whole songs differ in length",
        remedy: "give a number of --segments")
    }
    if longest != nil, let count = segments?.count {
      throw Failure(.usage, "--longest cuts whole songs, but --segments \(count) takes that many of every song")
    }
  }
}
