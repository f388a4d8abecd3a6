import Foundation
import Judging
import Metrics
import RandomNumbers
import Testing

@Suite struct BootstrapTests {
  /// Songs of artists with one to three each, tags of decreasing frequency, probabilities that know something and are
  /// often alike.
  private func songs(_ count: Int = 60, tags: Int = 4, seed: UInt64 = 1) -> JudgedSongs {
    var stream = RandomStream(seed: seed, purpose: .test)
    var (labels, probabilities): ([UInt8], [Float]) = ([], [])
    for _ in 0..<count {
      for tag in 0..<tags {
        let has = stream.chance(0.5 / Double(tag + 1))
        labels.append(has ? 1 : 0)
        probabilities.append(Float((stream.uniform() + (has ? 0.3 : 0)) * 10).rounded() / 13)
      }
    }
    return JudgedSongs(
      trackIDs: (0..<count).map { "TR\($0)" }, artistIDs: (0..<count).map { $0 % 7 == 0 ? "" : "AR\($0 / 2)" },
      labels: labels, probabilities: probabilities, tagCount: tags)
  }

  /// The same songs, each as often as a resample has it: what the metrics themselves say of them.
  private func metrics(_ songs: JudgedSongs, weights: [Double]) throws -> TagMetrics {
    let drawn = weights.enumerated().flatMap { song, weight in Array(repeating: song, count: Int(weight)) }
    let picked = songs.picked(drawn)
    return try TagMetrics(
      probabilities: picked.probabilities, labels: picked.labels, tagCount: picked.tagCount)
  }

  @Test func aResamplesFiguresAreTheMetricsOfTheSongsDrawn() throws {
    let songs = songs()
    let columns = Columns(tags: songs.tagCount)
    let bootstrap = Bootstrap(resamples: 20, seed: 4)
    let rows = bootstrap.rows(songs, resamples: 0..<20)
    let clusters = ArtistClusters(songs.artistIDs)
    for resample in 0..<20 {
      let lanes = ResampleWeights(clusters, seed: 4, first: resample - resample % 8).ofSong
      let expected = try metrics(songs, weights: lanes.map { $0[resample % 8] })
      let row = Array(rows[resample * columns.count..<(resample + 1) * columns.count])
      func agree(_ found: Double, _ expected: Double?) {
        #expect(expected.map { abs($0 - found) < 1e-12 } ?? found.isNaN)
      }
      agree(row[columns.macroROCAUC], expected.macroROCAUC)
      agree(row[columns.microROCAUC], expected.microROCAUC)
      agree(row[columns.macroAveragePrecision], expected.macroAveragePrecision)
      for (tag, figures) in expected.tags.enumerated() {
        agree(row[columns.rocAUC(tag)], figures.rocAUC)
        agree(row[columns.averagePrecision(tag)], figures.averagePrecision)
      }
    }
  }

  @Test func anArtistsSongsAreDrawnTogetherAndThoseOfUnknownArtistsAlone() {
    let clusters = ArtistClusters(["AR1", "", "AR2", "AR1", "", "AR2"])
    #expect(clusters.clusterOfSong == [0, 1, 2, 0, 3, 2] && clusters.count == 4)
    let weights = ResampleWeights(clusters, seed: 1, first: 0).ofSong
    #expect(weights[0] == weights[3] && weights[2] == weights[5])
    #expect(weights[1] != weights[4])
    // As many artists as there are.
    #expect(weights[0] + weights[1] + weights[2] + weights[4] == Lanes(repeating: 4))
  }

  @Test func sharesOfTheResamplesAreTheResamplesAndTheSeedDecides() {
    let songs = songs(30)
    let bootstrap = Bootstrap(resamples: 50, seed: 2)
    let whole = bootstrap.rows(songs, resamples: 0..<50)
    let parts = [0..<13, 13..<14, 14..<14, 14..<50].flatMap { bootstrap.rows(songs, resamples: $0) }
    #expect(whole.map(\.bitPattern) == parts.map(\.bitPattern))
    #expect(whole != Bootstrap(resamples: 50, seed: 3).rows(songs, resamples: 0..<50))
  }

  @Test func percentilesLieBetweenValuesAndLeaveOutWhatIsUndefined() throws {
    // numpy.percentile(range(101), [2.5, 97.5])
    let interval = try #require(Interval(percentilesOf: (0...100).map(Double.init).reversed() + [.nan]))
    #expect(abs(interval.lower - 2.5) < 1e-12 && abs(interval.upper - 97.5) < 1e-12)
    #expect(Interval(percentilesOf: [Double.nan]) == nil)
  }

  @Test func aTagOfFewArtistsIsNotJudged() {
    // Ten artists; one song of an artist has the first tag, those of six the second: both perfectly predicted.
    let labels: [UInt8] = (0..<10).flatMap { song -> [UInt8] in [song == 9 ? 1 : 0, song >= 4 ? 1 : 0, 0] }
    let songs = JudgedSongs(
      trackIDs: (0..<10).map { "TR\($0)" }, artistIDs: (0..<10).map { "AR\($0)" }, labels: labels,
      probabilities: (0..<10).flatMap { song in [Float](repeating: Float(song), count: 3) }, tagCount: 3)
    let bootstrap = Bootstrap(resamples: 100)
    let judgement = Judgement(songs, bootstrap, rows: bootstrap.rows(songs, resamples: 0..<100))
    #expect(judgement.tags.map(\.artists) == [1, 6, 0])
    #expect(judgement.tags.map(\.verdict) == [.tooFew, .tooFew, .tooFew])
    #expect(judgement.tags[2].rocAUC == nil && judgement.tags[2].averagePrecision == nil)
    #expect(judgement.tags[1].rocAUC?.lower == 1)
  }

  /// Songs whose true AUC is known: scores of positives are normal, `distance` above those of negatives, so that it is
  /// Φ(distance / √2). Songs of an artist share a part of their scores, as real ones do.
  private func normalSongs(seed: UInt64, artists: Int, distance: Double) -> JudgedSongs {
    var stream = RandomStream(seed: seed, purpose: .test, first: 1)
    var (artistIDs, labels, scores): ([String], [UInt8], [Float]) = ([], [], [])
    for artist in 0..<artists {
      let (has, own) = (stream.chance(0.3), stream.normal())
      for _ in 0..<1 + stream.index(below: 4) {
        artistIDs.append("AR\(artist)")
        labels.append(has ? 1 : 0)
        scores.append(Float(0.7.squareRoot() * own + 0.3.squareRoot() * stream.normal() + (has ? distance : 0)))
      }
    }
    return JudgedSongs(
      trackIDs: artistIDs.indices.map { "TR\($0)" }, artistIDs: artistIDs, labels: labels, probabilities: scores,
      tagCount: 1)
  }

  @Test func intervalsHoldTheTrueFigureAboutAsOftenAsTheySay() throws {
    let sets = 200
    let truth = 0.5 * erfc(-1.0 / 2)  // Φ(1 / √2)
    var holding = 0
    var holdingOverSongs = 0
    for seed in 1...UInt64(sets) {
      let songs = normalSongs(seed: seed, artists: 120, distance: 1)
      func holds(_ songs: JudgedSongs) -> Bool {
        let bootstrap = Bootstrap(resamples: 400, seed: seed)
        let judgement = Judgement(songs, bootstrap, rows: bootstrap.rows(songs, resamples: 0..<400))
        return judgement.macroROCAUC?.contains(truth) ?? false
      }
      if holds(songs) { holding += 1 }
      let strangers = JudgedSongs(
        trackIDs: songs.trackIDs, artistIDs: songs.trackIDs, labels: songs.labels,
        probabilities: songs.probabilities, tagCount: 1)
      if holds(strangers) { holdingOverSongs += 1 }
      if seed == 20 { #expect(holding >= 17, "\(holding) of the first 20") }
    }
    #expect((180...198).contains(holding), "\(holding) of \(sets)")
    // Songs taken for independent that are not: intervals too narrow. That is why artists are drawn.
    #expect(holdingOverSongs < holding - 10, "\(holdingOverSongs) against \(holding)")
  }

  @Test func aPairedDifferenceIsNarrowerThanItsParts() throws {
    let one = normalSongs(seed: 3, artists: 200, distance: 1)
    // The same scores, disturbed a little: hardly worse, and worse on the same songs.
    var stream = RandomStream(seed: 9, purpose: .test)
    let two = JudgedSongs(
      trackIDs: one.trackIDs, artistIDs: one.artistIDs, labels: one.labels,
      probabilities: one.probabilities.map { $0 + Float(0.5 * stream.normal()) }, tagCount: 1)
    let bootstrap = Bootstrap(resamples: 500)
    let (first, second) = (bootstrap.rows(one, resamples: 0..<500), bootstrap.rows(two, resamples: 0..<500))
    func metrics(_ songs: JudgedSongs) throws -> TagMetrics {
      try TagMetrics(probabilities: songs.probabilities, labels: songs.labels, tagCount: 1)
    }
    let paired = try PairedDifference(
      one, first: metrics(one), second: metrics(two), rows: zip(first, second).map { $0 - $1 })
    let difference = try #require(paired.macroROCAUC)
    let alone = try #require(Judgement(one, bootstrap, rows: first).macroROCAUC)
    #expect(difference.interval.upper - difference.interval.lower < 0.6 * (alone.upper - alone.lower))
    #expect(difference.interval.contains(difference.value))
    let same = try PairedDifference(
      one, first: metrics(one), second: metrics(one), rows: zip(first, first).map { $0 - $1 })
    #expect(same.macroROCAUC?.value == 0 && same.macroROCAUC?.isSure == false)
  }
}
