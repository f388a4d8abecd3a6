/// How many songs have how many segments, at three steps: what the paper's table of thresholds and its figure of
/// lengths are made of.
public struct SegmentDistribution: Codable, Equatable, Sendable {
  public struct Songs: Codable, Equatable, Sendable {
    /// Songs read.
    public var read = 0
    /// Of these: joined.
    public var joined = 0
    /// Of these: with a tag of the vocabulary, whatever their length.
    public var tagged = 0

    public init(read: Int = 0, joined: Int = 0, tagged: Int = 0) {
      self.read = read
      self.joined = joined
      self.tagged = tagged
    }

    package static func += (total: inout Songs, more: Songs) {
      total.read += more.read
      total.joined += more.joined
      total.tagged += more.tagged
    }
  }

  /// By number of segments.
  public private(set) var songs: [Int: Songs] = [:]

  public init() {}

  /// From columns of equal length, as a snapshot keeps them.
  init(segments: [Int], read: [Int], joined: [Int], tagged: [Int]) {
    for (index, count) in segments.enumerated() {
      add(segments: count, Songs(read: read[index], joined: joined[index], tagged: tagged[index]))
    }
  }

  package mutating func add(segments: Int, joined: Bool, tagged: Bool) {
    add(segments: segments, Songs(read: 1, joined: joined ? 1 : 0, tagged: tagged ? 1 : 0))
  }

  package mutating func add(segments: Int, _ more: Songs) { songs[segments, default: Songs()] += more }

  package static func += (total: inout SegmentDistribution, more: SegmentDistribution) {
    for (segments, songs) in more.songs { total.songs[segments, default: Songs()] += songs }
  }

  /// Songs with at least so many segments, at each step.
  public func songs(withAtLeast threshold: Int) -> Songs {
    songs.reduce(into: Songs()) { total, entry in if entry.key >= threshold { total += entry.value } }
  }
}
