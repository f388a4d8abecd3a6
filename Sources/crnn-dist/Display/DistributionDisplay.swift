import ArgumentParser
import Diagnosis
import Snapshots

/// Numbers of segments at which it is told how many songs are left.
struct Thresholds: CustomStringConvertible {
  let values: [Int]

  /// The paper's three, and some around them.
  static let standard = Thresholds(values: [60, 120, 252, 512, 768, 1024, 1536, 2048])

  private init(values: [Int]) { self.values = values }

  /// Reads `252,512,1024`. Throws for anything but whole numbers.
  init(_ text: String) throws {
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    values = try words.map { word in
      guard let value = Int(word), value >= 0 else {
        throw ValidationError("\"\(word)\" is no whole number; expected numbers of segments, such as 252,512,1024")
      }
      return value
    }.sorted()
  }

  var description: String { values.map(String.init).joined(separator: ",") }
}

/// How many songs have how many segments, for people and for machines: the paper's Table 1 and Figure 3.
struct DistributionDisplay: Encodable {
  private struct Row: Encodable {
    let segments: Int
    let read: Int
    /// Nil where the songs were read without tags; so is `tagged`.
    let joined: Int?
    let tagged: Int?

    init(_ segments: Int, _ songs: SegmentDistribution.Songs, hasTags: Bool) {
      (self.segments, read) = (segments, songs.read)
      (joined, tagged) = hasTags ? (songs.joined, songs.tagged) : (nil, nil)
    }
  }

  private let thresholds: [Row]
  /// Every number of segments that occurs, in rising order.
  private let rows: [Row]
  private let hasTags: Bool

  /// - Parameter hasTags: whether the songs were joined with tags; else only those read are told of.
  init(_ distribution: SegmentDistribution, hasTags: Bool, thresholds: Thresholds) {
    self.hasTags = hasTags
    self.thresholds = thresholds.values.map {
      Row($0, distribution.songs(withAtLeast: $0), hasTags: hasTags)
    }
    rows = distribution.songs.sorted { $0.key < $1.key }.map { Row($0.key, $0.value, hasTags: hasTags) }
  }

  enum CodingKeys: String, CodingKey {
    case thresholds
    case rows = "songs_by_segments"
  }

  // MARK: As text

  /// The table and the histogram.
  var text: String { rows.isEmpty ? "" : "\(thresholdTable)\n\n\(histogram)" }

  private var thresholdTable: String {
    let lines = thresholds.map { row in
      "≥ \(row.segments)".leftPadded(to: 9)
        + [row.read, row.joined, row.tagged].compactMap { $0 }.map { "\($0)".leftPadded(to: 12) }.joined()
    }
    let heading = " segments        read" + (hasTags ? "      joined  with a tag" : "")
    return ([heading] + lines).joined(separator: "\n")
  }

  private static let barWidth = 40
  private static let mostBins = 20

  /// Songs by segments in steps of a round number, those with a tag dark, the others that were read light. Where it is
  /// not known who has a tag, all are dark.
  private var histogram: String {
    let step = self.step
    let bins = (rows.last?.segments ?? 0) / step + 1
    // The few longest songs share the last line.
    let shown = min(bins, Self.mostBins)
    var read = [Int](repeating: 0, count: shown)
    var tagged = read
    for row in rows {
      read[min(row.segments / step, shown - 1)] += row.read
      tagged[min(row.segments / step, shown - 1)] += row.tagged ?? 0
    }
    let most = max(1, read.max() ?? 1)
    let lines = (0..<shown).map { bin in
      let end = bin == shown - 1 && bins > shown ? " or more" : "–\((bin + 1) * step - 1)"
      func length(_ songs: Int) -> Int { (songs * Self.barWidth + most / 2) / most }
      let whole = max(read[bin] > 0 ? 1 : 0, length(read[bin]))
      let dark = hasTags ? length(tagged[bin]) : whole
      let bar = String(repeating: "█", count: dark) + String(repeating: "░", count: max(0, whole - dark))
      return "\(bin * step)".leftPadded(to: 6) + end.padded(9) + "\(read[bin])".leftPadded(to: 8)
        + (bar.isEmpty ? "" : "  " + bar)
    }
    let heading = "segments          songs" + (hasTags ? "  █ joined, with a tag  ░ others read" : "  read")
    return ([heading] + lines + [quantiles]).joined(separator: "\n")
  }

  private var quantiles: String {
    let points = [0.0, 0.05, 0.5, 0.95, 1.0].map { "\(quantile($0))" }
    return "segments of the songs read: \(points[0]) to \(points[4]), median \(points[2]), "
      + "90 % from \(points[1]) to \(points[3])"
  }

  /// The number of segments that this share of the songs read have at most.
  private func quantile(_ share: Double) -> Int {
    let place = share * Double(rows.reduce(0) { $0 + $1.read })
    var seen = 0
    for row in rows {
      seen += row.read
      if seen > 0, Double(seen) >= place { return row.segments }
    }
    return rows.last?.segments ?? 0
  }

  /// So that nearly all songs are within the bins: 10, 20, 50, 100, …
  private var step: Int {
    let wanted = quantile(0.99) / (Self.mostBins - 1) + 1
    var power = 1
    while true {
      for factor in [1, 2, 5] where factor * power >= wanted { return factor * power }
      power *= 10
    }
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
