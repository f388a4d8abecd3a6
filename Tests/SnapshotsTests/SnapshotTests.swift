import Diagnosis
import Foundation
import HDF5
import MessagePassing
import Preparation
import Snapshots
import TestFolders
import TestTracks
import Testing

@Suite struct SnapshotTests {
  private func snapshot() throws -> (songs: TestSongs, path: String) {
    let songs = try TestSongs.withEveryLoss()
    let path = songs.folder.path + "/songs.h5"
    let options = PreparationOptions(trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20)
    _ = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(options, output: path, communicator: $0)
    }
    return (songs, path)
  }

  @Test func theSameSongsGiveTheSameBytes() throws {
    let (songs, path) = try snapshot()
    let options = PreparationOptions(trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20)
    let again = songs.folder.path + "/again.h5"
    _ = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(options, output: again, communicator: $0)
    }
    #expect(FileManager.default.contentsEqual(atPath: path, andPath: again))
  }

  @Test func anotherFileIsNoSnapshot() throws {
    let folder = try TemporaryFolder()
    let track = try folder.write(
      try TestTrack(trackID: TestSongs.trackID(1), segments: 20).image(), to: "track.h5")
    let failure = #expect(throws: Failure.self) { try Snapshot.open(track) }
    #expect(failure?.kind == .badData)
    #expect(failure?.message == "\(track): an HDF5 file, but no snapshot")
    let text = try folder.write("text", to: "text.h5")
    #expect(#expect(throws: Failure.self) { try Snapshot.open(text) }?.kind == .badData)
    #expect(#expect(throws: Failure.self) { try Snapshot.open("/none.h5") }?.kind == .missingInput)
  }

  @Test func aCutSnapshotIsBadData() throws {
    let (songs, path) = try snapshot()
    defer { withExtendedLifetime(songs) {} }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for share in [0.1, 0.5, 0.9, 0.99] {
      try whole.prefix(Int(Double(whole.count) * share)).write(to: URL(fileURLWithPath: path))
      #expect(#expect(throws: Failure.self) { try Snapshot.open(path) }?.kind == .badData)
    }
  }

  @Test func everyFlippedByteIsNoticedOrHarmless() throws {
    let (songs, path) = try snapshot()
    defer { withExtendedLifetime(songs) {} }
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let sound = try Snapshot.open(path)
    let pitches = try sound.values(of: .pitches, songs: 0..<sound.songCount)
    var noticed = 0
    // A step that is prime to the sizes of HDF5's structures meets each of them somewhere.
    for position in stride(from: 0, to: whole.count, by: 61) {
      var bytes = whole
      bytes[position] ^= 0x41
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        let damaged = try Snapshot.open(path)
        #expect(damaged.songCount == 8 && damaged.labels.count == 400)
        #expect(try damaged.values(of: .pitches, songs: 0..<8).bytes == pitches.bytes)
      } catch {
        noticed += 1
        #expect((error as? Failure)?.kind == .badData)
      }
    }
    #expect(noticed > 0)
  }
}
