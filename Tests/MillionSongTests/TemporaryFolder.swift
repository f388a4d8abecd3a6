import Foundation

/// A folder that is removed with everything in it when the test ends.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("crnn-dist-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, with the folders on the way to it; returns its path.
  @discardableResult
  func write(_ contents: String, to relative: String) throws -> String {
    try write([UInt8](contents.utf8), to: relative)
  }

  @discardableResult
  func write(_ contents: [UInt8], to relative: String) throws -> String {
    let url = URL(fileURLWithPath: path).appendingPathComponent(relative)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(contents).write(to: url)
    return url.path
  }

  /// Makes a symbolic link inside the folder.
  func link(_ relative: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: "\(path)/\(relative)", withDestinationPath: target)
  }
}

/// The folder of real files (msd/, lastfm/, aggregate/), or nil where they are not installed.
enum RealData {
  static let folder: String? = {
    let named = ProcessInfo.processInfo.environment["CRNN_DIST_REAL_DATA"]
    let path =
      named
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path
    return FileManager.default.fileExists(atPath: path + "/msd") ? path : nil
  }()

  static var isInstalled: Bool { folder != nil }
}
