/// Songs by artist: the units that are drawn in a resample. A song whose artist is not known is a unit of its own.
package struct ArtistClusters {
  /// Each song's unit, numbered as they first come.
  package let clusterOfSong: [Int]
  package let count: Int

  package init(_ artistIDs: [String]) {
    // As bytes: Swift takes texts for equal that Unicode does.
    var numbers: [[UInt8]: Int] = [:]
    var count = 0
    clusterOfSong = artistIDs.map { artist in
      let key = Array(artist.utf8)
      if !key.isEmpty, let known = numbers[key] { return known }
      defer { count += 1 }
      if !key.isEmpty { numbers[key] = count }
      return count
    }
    self.count = count
  }

  /// How many units have a song that fits.
  func count(where fits: (_ song: Int) -> Bool) -> Int {
    var isFound = [Bool](repeating: false, count: count)
    for (song, cluster) in clusterOfSong.enumerated() where fits(song) { isFound[cluster] = true }
    return isFound.count { $0 }
  }
}
