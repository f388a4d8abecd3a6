import Diagnosis
import Foundation
import Networks
import Preparation
import Segments
import Testing
import Training

private func configured(_ yaml: String) throws -> RunConfiguration {
  var configuration = RunConfiguration()
  try configuration.apply(yaml: yaml, source: "test.yaml")
  return configuration
}

@Test func yamlTextGivesBackTheSameConfiguration() throws {
  let configuration = try configured(
    """
    data: songs.h5
    model: large
    filters: [8, 9]
    pooling: [[2, 2], [6, 3]]
    recurrent_units: 7
    batch_size: 24
    learning_rate: 0.0003
    clip_norm: 0.25
    convolution_dropout: 0.4
    final_dropout: 0
    seed: 18446744073709551615
    split: artist:0.8/0.1/0.1
    batch_norm: local
    batch_norm_momentum: 0.9
    shuffle: local
    checkpoint_every: 100steps
    permute_tags: true
    threads: 3
    """)
  #expect(configuration.filters == [8, 9])
  #expect(configuration.pooling == [PoolingSize(frequency: 2, time: 2), PoolingSize(frequency: 6, time: 3)])
  #expect(configuration.seed == .max)
  #expect(configuration.clipNorm == 0.25)
  #expect(configuration.batchNormMomentum == 0.9)
  #expect(configuration.checkpointEvery == .steps(100))
  #expect(configuration.convolutionDropout == 0.4 && configuration.finalDropout == 0)
  #expect(try configured(configuration.yaml) == configuration)
  #expect(try configured("") == RunConfiguration())
  #expect(try configured(RunConfiguration().yaml) == RunConfiguration())
}

@Test func sourcesOfSongsAndTagsGoTogetherOrAreRefused() throws {
  let terms = try configured("msd: list.txt\ntag_source: artist-terms\nmin_tag_weight: 0.5")
  try terms.validate()
  #expect(try configured(terms.yaml) == terms)
  let joined = try configured("msd: a.h5\nlastfm: lastfm_tags.db\njoin: track-id")
  try joined.validate()
  #expect(try configured(joined.yaml) == joined && joined.yaml.contains("join: track-id"))
  for wrong in [
    "msd: a", "lastfm: b", "msd: a\nlastfm: b\ntag_source: artist-mbtags",
    "msd: a\njoin: paper\ntag_source: artist-terms",
  ] {
    #expect(#expect(throws: Failure.self) { try configured(wrong).validate() }?.kind == .usage, "\(wrong)")
  }
}

@Test func auxiliaryTargetsOfSeveralSourcesStandInTheirOrderOrAreRefused() throws {
  let targets = try #require(AuxiliaryTargets("similar-artists:20,artist-terms:30"))
  #expect(targets.description == "artist-terms:30,similar-artists:20" && targets.count == 50)
  #expect(AuxiliaryTargets(targets.description) == targets && AuxiliaryTargets("artist-terms:30")?.count == 30)
  #expect(AuxiliaryTargets("artist-terms:65536")?.count == 65_536)
  for wrong in [
    "", "artist-terms", "artist-terms:0", "artist-terms:5,", "artist-terms:5,artist-terms:6", "year:5",
    "similar-artists:1001", "artist-terms:65537", "artist-terms:65536,similar-artists:1",
  ] {
    #expect(AuxiliaryTargets(wrong) == nil, "\(wrong)")
  }
}

@Test func commandLineWinsOverTheFile() throws {
  var configuration = try configured("batch_size: 16\nmodel: large\nfilters: [1, 2, 3]\nmsd: a\nlastfm: b")
  try configuration.apply(commandLine: [("batch_size", "48"), ("data", "songs.h5"), ("filters", "[4, 5, 6]")])
  #expect(configuration.batchSize == 48)
  #expect(configuration.filters == [4, 5, 6])
  #expect(configuration.data == "songs.h5")
  #expect(configuration.msd == nil && configuration.lastfm == nil, "a snapshot replaces the tree")
  try configuration.apply(commandLine: [("model", "small")])
  #expect(configuration.filters == nil, "a model replaces the shape that was spelt out before")
}

@Test(arguments: [
  ("lerning_rate: 0.1", ["test.yaml", "lerning_rate", "learning_rate"]),
  ("tag_source: last", ["tag_source", "last", "lastfm or artist-terms or artist-mbtags"]),
  ("join: exact", ["join", "exact", "paper or normalised or track-id"]),
  ("batch_size: many", ["batch_size", "many", "whole number from 1"]),
  ("batch_size: 0", ["batch_size", "\"0\""]),
  ("batch_size: [1, 2]", ["batch_size", "[1, 2]"]),
  ("filters: 60", ["filters", "60", "list"]),
  ("pooling: [[2, 2], [2]]", ["pooling", "[2]"]),
  ("dense_units: [256, 0]", ["dense_units", "[256, 0]", "list"]),
  ("dense_activation: tanh", ["dense_activation", "tanh", "elu or relu"]),
  ("auxiliary: similar-artists", ["auxiliary", "similar-artists:150"]),
  ("learning_rate: .nan", ["learning_rate", "number above 0"]),
  ("learning_rate: -1", ["learning_rate", "-1"]),
  ("batch_norm_momentum: 1", ["batch_norm_momentum", "\"1\""]),
  ("clip_norm: 0", ["clip_norm", "\"0\"", "number above 0"]),
  ("clip_norm: 1e-60", ["clip_norm", "number above 0"]),
  ("clip_norm: .inf", ["clip_norm", "number above 0"]),
  ("convolution_dropout: 1", ["convolution_dropout", "\"1\"", "from 0 up to"]),
  ("final_dropout: -0.1", ["final_dropout", "-0.1"]),
  ("precision: bf16", ["precision", "bf16", "fp32"]),
  ("gradient_compression: fp8", ["gradient_compression", "fp8", "none"]),
  ("split: random:2", ["random:2"]),
  ("tags: top:0", ["top:0"]),
  ("checkpoint_every: 3weeks", ["checkpoint_every", "3weeks"]),
  ("permute_tags: perhaps", ["permute_tags", "perhaps", "true or false"]),
  ("model: [small", ["not YAML"]),
  ("- model", ["expected lines of option: value"]),
])
func wrongYAMLIsRefusedByName(yaml: String, words: [String]) {
  let failure = #expect(throws: Failure.self) { try configured(yaml) }
  #expect(failure?.kind == .usage)
  for word in words { #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")") }
}

@Test func theNetworkFollowsModelAndExplicitShape() throws {
  #expect(try configured("model: small").architecture().network().trainableParameters == 81_314)
  #expect(try configured("model: large\nsegments: 1024").architecture().network().trainableParameters == 2_514_154)
  let shaped = try configured("filters: [8, 8, 8]\nrecurrent_units: 5\nsegments: 24\ntags: top:3").architecture()
  #expect(shaped.filters == [8, 8, 8])
  #expect(shaped.recurrentUnits == 5)
  #expect(shaped.segments == 24)
  #expect(shaped.tags == 3)
  #expect(shaped.pooling == Architecture.paperPooling)
  #expect(shaped.convolutionDropout == 0.1 && shaped.finalDropout == 0.3)
  let dropping = try configured("convolution_dropout: 0.25\nfinal_dropout: 0.5").architecture()
  #expect(dropping.convolutionDropout == 0.25 && dropping.finalDropout == 0.5)
}

@Test func aRunNeedsSongs() throws {
  var configuration = RunConfiguration()
  #expect(throws: Failure.self) { try configuration.validate() }
  configuration.msd = "tree"
  #expect(throws: Failure.self) { try configuration.validate() }
  configuration.lastfm = "tags"
  try configuration.validate()
}

/// Text of a few hundred bytes whose value, written out, has 9 to the power of 11 words.
@Test(.timeLimit(.minutes(1))) func aListOfListsOverAndOverIsRefusedInShort() {
  let keys = [
    "filters", "pooling", "tags", "crop", "epochs", "data", "msd", "lastfm", "seed", "segments", "model",
  ]
  let lines = keys.enumerated().map { level, key in
    let item = level == 0 ? "x" : "*a\(level - 1)"
    return "\(key): &a\(level) [" + Array(repeating: item, count: 9).joined(separator: ", ") + "]\n"
  }
  let failure = #expect(throws: Failure.self) { try configured(lines.joined()) }
  #expect(failure?.message.contains("model: found the list [[[") == true)
  #expect((failure?.message.utf8.count ?? .max) < 1000)
}

/// `prepare` and `train` have one declaration of how many segments may be taken, and refuse others alike.
@Test(arguments: [("segments", "65537"), ("segments", "0"), ("longest", "65537"), ("longest", "11")])
func segmentsBeyondTheLimitsAreRefusedAsPrepareRefusesThem(option: String, text: String) throws {
  var configuration = RunConfiguration()
  let trained = #expect(throws: Failure.self) {
    try configuration.apply(commandLine: [(key: option, text: text)])
  }
  let number = try #require(Int(text))
  let prepared = #expect(throws: Failure.self) {
    try PreparationOptions(
      trackFiles: "tree", lastFMTags: "tags", segments: option == "segments" ? .count(number) : .all,
      longest: option == "longest" ? number : SegmentLimits.wholeSong.upperBound
    ).validate()
  }
  #expect(trained?.kind == .usage && prepared?.kind == .usage)
  #expect(
    trained?.message == prepared?.message && trained?.message.contains("found \"\(text)\", expected") == true)
}

@Test func theMostSegmentsThatPrepareTakesAreAllowed() throws {
  var configuration = RunConfiguration()
  try configuration.apply(commandLine: [(key: "segments", text: "65536")])
  #expect(configuration.segments == .count(65_536))
  try PreparationOptions(trackFiles: "tree", lastFMTags: "tags", segments: 65_536).validate()
}
