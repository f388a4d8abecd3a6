import ArgumentParser
import Diagnosis
import Foundation
import MillionSong
import Training

/// The options of a training run on the command line. Their values are read by the rules of the YAML file, so
/// they arrive here as text.
struct RunOptions: ParsableArguments {
  @Option(help: "A YAML file with any of the options below, `-` written as `_`. The command line wins.")
  var config: String?

  @Option(help: "The snapshot to train on, as prepare makes it.")
  var data: String?

  @Option(help: "Track files instead of a snapshot: a tree, one file, or a list of both (see prepare --help).")
  var msd: String?

  @Option(help: "The Last.fm tags of those songs: a tree of JSON files or lastfm_tags.db.")
  var lastfm: String?

  @Option(help: "Where tags are: lastfm, or in the track files artist-terms or artist-mbtags (default: lastfm).")
  var tagSource: String?

  @Option(help: "paper, normalised or track-id. Default: paper; track-id for lastfm_tags.db.")
  var join: String?

  @Option(help: "pitches, timbre or both. Default: what the snapshot has; pitches for a tree.")
  var features: String?

  @Option(
    help: """
      Segments of each song, shorter songs being left out; all: songs of any length, each whole. Default: the \
      snapshot's; 252 for a tree.
      """)
  var segments: String?

  @Option(
    help: """
      Which segments: first, middle or random, drawn anew each epoch; evaluation then takes the middle (default: \
      first).
      """)
  var crop: String?

  @Option(help: "Cut whole songs after so many segments.")
  var longest: String?

  @Option(help: "paper, top:K or a list file. Default: the snapshot's; paper for a tree.")
  var tags: String?

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

  @Flag(help: "Deal the songs' tags out at random: a control that must learn nothing.")
  var permuteTags = false

  @Option(help: "small, large or choi2016 (default: small).")
  var model: String?

  @Option(help: "Channels of the convolutions instead of the model's, such as [60,60,60].")
  var filters: String?

  @Option(help: "Units of both GRU layers instead of the model's.")
  var recurrentUnits: String?

  @Option(help: "Pooling windows, frequency and time, instead of the model's, such as [[2,2],[2,2],[3,3]].")
  var pooling: String?

  @Option(help: "Songs of a step, over all ranks (default: 32).")
  var batchSize: String?

  @Option(help: "Times that every song is seen (default: 100).")
  var epochs: String?

  @Option(help: "Adam's step size (default: 0.001).")
  var learningRate: String?

  @Option(help: "Scales the gradient of a step down to this Euclidean norm where it is larger. Default: never.")
  var clipNorm: String?

  @Option(help: "Decides weights, order, dropout and split (default: 1).")
  var seed: String?

  @Option(help: "Batch norm over the global batch, sync, or over each rank's songs, local (default: sync).")
  var batchNorm: String?

  @Option(help: "Order over all songs, global, or over each rank's shard, local (default: global).")
  var shuffle: String?

  @Option(help: "Arithmetic: fp32.")
  var precision: String?

  @Option(help: "What gradients are sent as: none, as they are.")
  var gradientCompression: String?

  @Option(help: "Epochs between checkpoints, or 100steps, or 600s (default: 1).")
  var checkpointEvery: String?

  @Option(help: "Newest epoch checkpoints to keep; 0: all (default: 0).")
  var keepCheckpoints: String?

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: String?

  @Option(
    help: """
      Memory a rank that songs may take, such as 2GiB; where they are more, they are read from the snapshot ahead \
      of each step. Default: no end.
      """)
  var memory: String?

  @Option(help: "A line in metrics.jsonl every so many steps; 0: none (default: 0).")
  var logEvery: String?

  @Option(help: "Training songs that train_auc is taken over. Default: as many as for validation.")
  var trainAucSongs: String?

  /// Defaults, overlaid by the file, overlaid by the command line.
  func resolved() throws -> RunConfiguration {
    var configuration = RunConfiguration()
    if let config { try configuration.apply(yamlFile: config) }
    try configuration.apply(commandLine: given)
    return configuration
  }

  /// What the command line says.
  private var given: [(key: String, text: String)] {
    let all: [(String, String?)] = [
      ("data", data), ("msd", msd), ("lastfm", lastfm), ("tag_source", tagSource),
      ("join", join), ("features", features), ("segments", segments), ("crop", crop), ("longest", longest),
      ("tags", tags),
      ("min_tag_weight", minTagWeight), ("strict", strict ? "true" : nil), ("split", split),
      ("permute_tags", permuteTags ? "true" : nil), ("model", model), ("filters", filters),
      ("recurrent_units", recurrentUnits), ("pooling", pooling), ("batch_size", batchSize), ("epochs", epochs),
      ("learning_rate", learningRate), ("clip_norm", clipNorm), ("seed", seed), ("batch_norm", batchNorm),
      ("shuffle", shuffle), ("precision", precision), ("gradient_compression", gradientCompression),
      ("checkpoint_every", checkpointEvery), ("keep_checkpoints", keepCheckpoints), ("threads", threads),
      ("memory", memory),
      ("log_every", logEvery), ("train_auc_songs", trainAucSongs),
    ]
    return all.compactMap { key, text in text.map { (key, $0) } }
  }
}
