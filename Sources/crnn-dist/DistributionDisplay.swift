import ArgumentParser
import Diagnosis
import MillionSong

/// Numbers of segments at which it is told how many songs are left.
struct Thresholds: ExpressibleByArgument {
  let values: [Int]

  /// The paper's three, and some around them.
  static let standard = Thresholds(values: [60, 120, 252, 512, 768, 1024, 1536, 2048])

  private init(values: [Int]) { self.values = values }

  /// Reads `252,512,1024`; nil for anything but whole numbers.
  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false)
    let values = words.compactMap { Int($0) }
    guard values.count == words.count, values.allSatisfy({ $0 >= 0 }) else { return nil }
    self.values = values.sorted()
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}

/// How many songs have how many segments, for people and for machines: the paper's Table 1 and Figure 3.
struct DistributionDisplay: Encodable {
  private struct Row: Encodable {
    let segments: Int
    let read: Int
    let joined: Int
    let tagged: Int

    init(_ segments: Int, _ songs: SegmentDistribution.Songs) {
      (self.segments, read, joined, tagged) = (segments, songs.read, songs.joined, songs.tagged)
    }
  }

  private let thresholds: [Row]
  /// Every number of segments that occurs, in rising order.
  private let rows: [Row]

  init(_ distribution: SegmentDistribution, thresholds: Thresholds) {
    self.thresholds = thresholds.values.map { Row($0, distribution.songs(withAtLeast: $0)) }
    rows = distribution.songs.sorted { $0.key < $1.key }.map { Row($0.key, $0.value) }
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
      right("≥ \(row.segments)", 9) + [row.read, row.joined, row.tagged].map { right("\($0)", 12) }.joined()
    }
    return ([" segments        read      joined  with a tag"] + lines).joined(separator: "\n")
  }

  private static let barWidth = 40
  private static let mostBins = 20

  /// Songs by segments in steps of a round number, those with a tag dark, the others that were read light.
  private var histogram: String {
    let step = self.step
    let bins = (rows.last?.segments ?? 0) / step + 1
    // The few longest songs share the last line.
    let shown = min(bins, Self.mostBins)
    var read = [Int](repeating: 0, count: shown)
    var tagged = read
    for row in rows {
      read[min(row.segments / step, shown - 1)] += row.read
      tagged[min(row.segments / step, shown - 1)] += row.tagged
    }
    let most = max(1, read.max() ?? 1)
    let lines = (0..<shown).map { bin in
      let end = bin == shown - 1 && bins > shown ? " or more" : "–\((bin + 1) * step - 1)"
      let dark = (tagged[bin] * Self.barWidth + most / 2) / most
      let light = max(read[bin] > 0 ? 1 : 0, (read[bin] * Self.barWidth + most / 2) / most) - dark
      let bar = String(repeating: "█", count: dark) + String(repeating: "░", count: max(0, light))
      return right("\(bin * step)", 6) + end.padded(9) + right("\(read[bin])", 8) + (bar.isEmpty ? "" : "  " + bar)
    }
    let heading = "segments          songs  █ joined, with a tag  ░ others read"
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

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
