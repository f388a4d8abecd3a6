/// Moments of a song's segments: what is left of a song when the order of its segments is forgotten, but for how one
/// leads to the next. A song's 453 numbers are the same however it is read.
///
/// In order: of timbre means, deviations, covariances and mean absolute steps (102), covariances of the steps (78), the
/// 5th, 25th, 75th and 95th percentiles (48); of pitches means, deviations, covariances and steps (102), the 10th and 90th
/// percentiles (24), means and deviations of each segment's pitches by rank (24), and what stays when the key changes:
/// sums along the cyclic diagonals of the products of the pitches with themselves and with the next segment's (24); of
/// loudness (maximum, logarithm of its time, start), logarithm of duration and confidence each mean, deviation, five
/// percentiles and mean absolute step (40); and the facts but for the key (11). Tests/EndToEnd/song_moments.py has them in numpy.
public enum SongMoments {
  public static let count = 453
  /// Those of the twelve pitch classes by name, which tell the key above all: moments and percentiles.
  private static let ofKey = 228..<354
  public static let keylessCount = count - ofKey.count

  /// What is left of a song's moments where the key is to be of no account.
  package static func keyless(_ moments: [Float]) -> [Float] {
    moments.indices.filter { !ofKey.contains($0) }.map { moments[$0] }
  }

  /// Shorter times count as this long when their logarithm is taken: a hundred-thousandth of a second.
  private static let shortest = 1e-5

  /// What is asked for of a whole song.
  /// - Parameter read: the values of a feature, `[segment][width]`, of all the song's segments.
  package static func values(
    _ features: [SongFeature], _ facts: SongFacts, _ read: (Feature) throws -> [Double]
  ) rethrows -> [SongFeature: [Float]] {
    var values: [SongFeature: [Float]] = [:]
    if features.contains(.facts) { values[.facts] = facts.values.map { Float($0) } }
    guard !features.allSatisfy({ $0 == .facts }) else { return values }
    var ofSegments: [Feature: [Double]] = [:]
    for feature in Feature.ofSegments { ofSegments[feature] = try read(feature) }
    let moments = of(ofSegments, facts)
    if features.contains(.moments) { values[.moments] = moments }
    if features.contains(.keyless) { values[.keyless] = keyless(moments) }
    return values
  }

  /// - Parameter values: of each feature, `[segment][width]`, of the same segments, of which there may be none.
  package static func of(_ values: [Feature: [Double]], _ facts: SongFacts) -> [Float] {
    let timbre = SegmentTable(values[.timbre] ?? [], width: Feature.timbre.width)
    let pitches = SegmentTable(values[.pitches] ?? [], width: Feature.pitches.width)
    let loudness = SegmentTable(values[.loudness] ?? [], width: Feature.loudness.width)
    let ordered = pitches.mapRows { $0.sorted(by: >) }
    let logarithms: (Double) -> Double = { logarithm(max($0, shortest)) }
    var moments = timbre.moments + timbre.steps.covariances(diagonal: true)
    for share in [0.05, 0.25, 0.75, 0.95] { moments += timbre.quantiles(share) }
    moments += pitches.moments
    for share in [0.1, 0.9] { moments += pitches.quantiles(share) }
    moments += ordered.means + ordered.deviations
    moments += pitches.diagonals(next: 0) + pitches.diagonals(next: 1)
    for scalar in [
      loudness.column(0), loudness.column(1).map(logarithms), loudness.column(2),
      (values[.duration] ?? []).map(logarithms), values[.confidence] ?? [],
    ] { moments += SegmentTable(scalar, width: 1).summary }
    moments += facts.ofMoments
    precondition(moments.count == count)
    return moments.map { Float($0) }
  }
}
