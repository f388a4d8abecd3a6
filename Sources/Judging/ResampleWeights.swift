import RandomNumbers

/// Eight resamples side by side.
package typealias Lanes = SIMD8<Double>

/// How often each song is in each of eight resamples: as many artists as there are, drawn with replacement, each with
/// all its songs (the cluster bootstrap; Davison and Hinkley, "Bootstrap Methods and their Application", 1997, 3.8).
package struct ResampleWeights {
  /// By song; whole numbers.
  package let ofSong: [Lanes]

  /// A resample is a function of seed and number alone, whichever rank draws it.
  /// - Parameter first: the number of the first of the eight.
  package init(_ clusters: ArtistClusters, seed: UInt64, first: Int) {
    var ofCluster = [Lanes](repeating: .zero, count: clusters.count)
    for lane in 0..<Lanes.scalarCount {
      var stream = RandomStream(seed: seed, purpose: .bootstrap, first: UInt32(truncatingIfNeeded: first + lane))
      for _ in 0..<clusters.count { ofCluster[stream.index(below: clusters.count)][lane] += 1 }
    }
    ofSong = clusters.clusterOfSong.map { ofCluster[$0] }
  }
}
