import ArgumentParser
import Diagnosis
import Foundation
import Splits
import TrackFiles
import Training

/// The options of a training run on the command line, beside those of its steps.
struct RunOptions: ParsableArguments {
  @OptionGroup var step: StepOptions

  @Option(help: "The snapshot to train on, as prepare makes it, or a file of spectrograms (docs/spectrograms.md).")
  var data: String?

  @Option(help: "Track files instead of a snapshot: a tree, one file, or a list of both (see prepare --help).")
  var msd: String?

  @Option(help: "The Last.fm tags of those songs: a tree of JSON files or lastfm_tags.db.")
  var lastfm: String?

  @Option(help: "Where tags are: lastfm, or in the track files artist-terms or artist-mbtags (default: lastfm).")
  var tagSource: String?

  @Option(help: "paper, normalised or track-id. Default: paper; track-id for lastfm_tags.db.")
  var join: String?

  @Option(
    help: """
      Which segments: first, middle or random, drawn anew each epoch; evaluation then takes the middle (default: \
      first).
      """)
  var crop: String?

  @Option(help: "Cut whole songs after so many segments.")
  var longest: String?

  @Option(help: "From which weight on a tag counts, for a tree (default: 0).")
  var minTagWeight: String?

  @Flag(help: "End at the first bad file of a tree instead of skipping it.")
  var strict = false

  @Option(
    help: """
      How songs are divided into training, validation and test: \(SplitRule.forms) (default: random:0.95). Prefer \
      artist or stratified-artist.
      """)
  var split: String?

  @Option(help: "Cross-validation by artist in place of a split: how many folds the songs are divided into.")
  var folds: String?

  @Option(help: "The fold that validates, from 1; the others are for training.")
  var fold: String?

  @Option(
    help: "Decides how chance divides the songs, so that runs of other seeds have the same sides (default: seed).")
  var splitSeed: String?

  @Flag(help: "Deal the songs' tags out at random: a control that must learn nothing.")
  var permuteTags = false

  @Option(
    help: """
      Begin with the weights of this checkpoint: of the same network, whose tags may be others (those it knows keep \
      their weights). Timbre is then scaled as it says; the optimiser begins afresh.
      """)
  var from: String?

  @Option(help: "Times that every song is seen (default: 100).")
  var epochs: String?

  @Option(
    help: """
      Order over all songs, global; over each rank's shard, local; or partial:F, local with the share F of every shard \
      exchanged from epoch to epoch (default: global).
      """)
  var shuffle: String?

  @Option(
    help: """
      A step whose loss or gradient is not finite: stop the run, or skip the step on all ranks, up to skip:K in a row \
      (default: stop; skip alone: \(NonFiniteRule.usualSkips)).
      """)
  var onNan: String?

  @Option(help: "Epochs between checkpoints, or 100steps, or 600s (default: 1).")
  var checkpointEvery: String?

  @Option(help: "Newest epoch checkpoints to keep; 0: all (default: 0).")
  var keepCheckpoints: String?

  @Option(
    help: """
      Memory a rank that songs may take, such as 2GiB; where they are more, they are read from the snapshot ahead \
      of each step. Default: no end.
      """)
  var memory: String?

  @Option(help: "A line in metrics.jsonl every so many steps; 0: none (default: 0).")
  var logEvery: String?

  @Option(
    help: "The distributions of weights and gradients for TensorBoard every so many steps; 0: never (default: 0).")
  var histogramsEvery: String?

  @Option(
    help: """
      The figure of an epoch that decides which is the best, as metrics.jsonl names it: \(RunOption.expected(of: "monitor")) \
      (default: val_auc_macro).
      """)
  var monitor: String?

  @Option(help: "End the run after so many epochs without a better one. Default: never.")
  var earlyStop: String?

  @Option(help: "Training songs that train_auc is taken over. Default: as many as for validation.")
  var trainAucSongs: String?

  /// Defaults, overlaid by the file, overlaid by the command line.
  /// - Parameter usual: the file where --config names none.
  func resolved(usual: String? = nil) throws -> RunConfiguration {
    try step.resolved(
      with: [
        ("data", data), ("msd", msd), ("lastfm", lastfm), ("tag_source", tagSource), ("join", join),
        ("crop", crop),
        ("longest", longest), ("min_tag_weight", minTagWeight), ("strict", strict ? "true" : nil),
        ("split", split),
        ("folds", folds), ("fold", fold), ("split_seed", splitSeed), ("from", from),
        ("permute_tags", permuteTags ? "true" : nil), ("epochs", epochs), ("shuffle", shuffle),
        ("on_nan", onNan), ("checkpoint_every", checkpointEvery), ("keep_checkpoints", keepCheckpoints),
        ("memory", memory),
        ("histograms_every", histogramsEvery), ("monitor", monitor), ("early_stop", earlyStop),
        ("log_every", logEvery),
        ("train_auc_songs", trainAucSongs),
      ], usual: usual)
  }
}
