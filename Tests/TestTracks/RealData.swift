import Foundation

/// The folder of real files (msd/, lastfm/, aggregate/), or nil where they are not installed.
package enum RealData {
  package static let folder: String? = {
    let named = ProcessInfo.processInfo.environment["CRNN_DIST_REAL_DATA"]
    let path =
      named
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path
    return FileManager.default.fileExists(atPath: path + "/msd") ? path : nil
  }()

  package static var isInstalled: Bool { folder != nil }
}
