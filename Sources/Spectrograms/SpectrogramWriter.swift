import Diagnosis
import FileAccess
import HDF5
import MessagePassing
import Segments

/// The shape of a file's spectrograms, and how their values are kept.
public struct SpectrogramShape: Sendable, Equatable {
  public var bands: Int
  public var frames: Int
  public var isHalf: Bool

  public init(bands: Int, frames: Int, isHalf: Bool) {
    self.bands = bands
    self.frames = frames
    self.isHalf = isHalf
  }

  /// - Throws: `usage` for what no file may have.
  public func validate() throws {
    guard SpectrogramFormat.bands.contains(bands) else {
      throw Failure(.usage, "--bands is \(bands), expected 1 to \(SpectrogramFormat.bands.upperBound)")
    }
    guard SegmentLimits.taken.contains(frames) else {
      throw Failure(.usage, "--frames is \(frames), expected 1 to \(SegmentLimits.taken.upperBound)")
    }
  }
}

/// Writes a file of spectrograms, all ranks together; every method is collective. The file has its name when it is
/// complete.
package final class SpectrogramWriter {
  private let output: AtomicFile
  private let shape: SpectrogramShape
  private let file: File
  private let features: Dataset
  private let communicator: any Communicator

  /// - Parameters:
  ///   - ids, artists: of each song.
  ///   - labels: `[song][tag]`.
  package init(
    _ path: String, _ shape: SpectrogramShape, ids: [String], artists: [String], tags: [String], labels: [UInt8],
    _ communicator: any Communicator
  ) throws {
    self.shape = shape
    self.communicator = communicator
    let output = AtomicFile(path, writer: try communicator.broadcast { FileWriter() })
    self.output = output
    let bytes = ids.count * (shape.bands * shape.frames * (shape.isHalf ? 2 : 4) + tags.count + 64)
    try communicator.agree { if communicator.isRoot { try output.checkRoom(for: bytes) } }
    let file = try communicator.agree { try File.create(output.temporaryPath, by: communicator) }
    self.file = file
    do {
      features = try file.createDataset(
        SpectrogramFormat.features,
        DatasetLayout(shape.isHalf ? .float16 : .float32, shape: [ids.count, shape.bands, shape.frames]))
      for (name, texts) in [
        (SpectrogramFormat.ids, ids), (SpectrogramFormat.artists, artists), (SpectrogramFormat.tags, tags),
      ] {
        let longest = max(1, texts.map(\.utf8.count).max() ?? 1)
        try file.createDataset(name, DatasetLayout(.fixedString(bytes: longest), shape: [texts.count]))
          .write(strings: texts)
      }
      try file.createDataset(SpectrogramFormat.labels, DatasetLayout(.uint8, shape: [ids.count, tags.count]))
        .write(labels)
    } catch {
      removeFile(output.temporaryPath)
      throw error
    }
  }

  /// Writes this rank's songs, which stand one after the other; it may have none.
  /// - Parameter songs: decibels `[band][frame]` of each.
  package func write(_ songs: [[Float]], firstSong: Int) throws {
    if shape.isHalf {
      let halves = songs.flatMap { song in song.map { HalfFloat(bits: Float16($0).bitPattern) } }
      try features.write(halves, fromRow: firstSong)
    } else {
      try features.write(songs.flatMap { $0 }, fromRow: firstSong)
    }
  }

  package func finish() throws {
    try file.close()
    try communicator.agree { if communicator.isRoot { try output.commit() } }
    try communicator.barrier()
  }
}
