/// Parts of songs in a row, and the tiles of each in a block.
struct WinogradParts {
  struct Place {
    let song: Int
    let tileRows: Range<Int>
  }

  var places: [Place] = []
  var tiles: [Range<Int>] = []
  var count: Int { places.count }

  mutating func removeAll() {
    places.removeAll(keepingCapacity: true)
    tiles.removeAll(keepingCapacity: true)
  }
}

/// Parts that pass through the transformed domain together, and where their tiles lie in the scratch.
struct WinogradBlock {
  let inputs: UnsafeMutablePointer<Float>
  let outputs: UnsafeMutablePointer<Float>
  let inputStride: Int
  let outputStride: Int
  /// Parts of the batch before this block's.
  var firstPart = 0
  var parts = WinogradParts()
  var tiles: Int { parts.tiles.last?.upperBound ?? 0 }

  func forEachPart(_ team: ThreadTeam, _ map: MapShape, _ body: (_ song: Int, _ run: TileRun) -> Void) {
    team.forEach(parts.count) { body(parts.places[$0].song, run($0, channels: 0..<map.channelStride)) }
  }

  /// The parts of a song one after the other: those that stand above one another share rows of the map. Where the songs
  /// are few, threads share channels.
  func forEachSong(_ team: ThreadTeam, _ map: MapShape, _ body: (_ song: Int, _ run: TileRun) -> Void) {
    guard let first = parts.places.first?.song, let last = parts.places.last?.song else { return }
    let songs = last - first + 1
    let width = parts.count > songs ? vectorWidth : map.channelStride
    let groups = map.channelStride / width
    team.forEach(songs * groups) { task in
      let (song, channel) = (first + task / groups, task % groups * width)
      for part in 0..<parts.count where parts.places[part].song == song {
        body(song, run(part, channels: channel..<channel + width))
      }
    }
  }

  private func run(_ part: Int, channels: Range<Int>) -> TileRun {
    TileRun(
      tileRows: parts.places[part].tileRows, firstTile: parts.tiles[part].lowerBound, channels: channels)
  }
}
