import Foundation

/// A folder of its own for one test, removed with everything in it when the test ends.
public final class TemporaryFolder: Sendable {
  public let path: String

  /// - Parameter place: the folder that it is made in.
  public init(in place: String = FileManager.default.temporaryDirectory.path) throws {
    path = "\(place)/crnn-dist-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The whole path of a name in the folder, whether something is there or not.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file, with the folders on the way to it; returns its path.
  @discardableResult
  public func write(_ contents: String, to relative: String) throws -> String {
    try write([UInt8](contents.utf8), to: relative)
  }

  @discardableResult
  public func write(_ contents: [UInt8], to relative: String) throws -> String {
    let url = URL(fileURLWithPath: path).appendingPathComponent(relative)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(contents).write(to: url)
    return url.path
  }

  public func read(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  /// The names of what is in the folder, sorted.
  public func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

  /// Makes a symbolic link inside the folder.
  public func link(_ relative: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: "\(path)/\(relative)", withDestinationPath: target)
  }
}
