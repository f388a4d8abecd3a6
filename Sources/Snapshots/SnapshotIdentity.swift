import Segments
import Texts

/// The hash that tells two snapshots apart, made as the track ids come.
struct SnapshotIdentity {
  private var hash = Fingerprint()

  init(songs: Int) { hash.add("\(songs)") }

  mutating func add(trackID: String) { hash.add(trackID) }

  /// 16 hexadecimal digits, when all track ids are in.
  func text(tags: [String], segments: SegmentChoice, crop: Crop, longest: Int) -> String {
    var hash = hash
    hash.add("\(tags.count)")
    for tag in tags { hash.add(tag) }
    let cut = longest == SegmentLimits.taken.upperBound ? "" : " \(longest)"
    hash.add(segments == .all ? "all\(cut)" : crop == .first ? "\(segments)" : "\(segments) \(crop.rawValue)")
    return hash.text
  }
}
