import HDF5
import RandomNumbers
import TestFolders

/// A track file with the parts that the reader looks at; each can be made wrong.
package struct TestTrack {
  package var trackID: String
  package var title = "Title"
  package var artistName = "Artist"
  package var artistID = "ARAAAAA1187B98B7C8"
  package var segments: Int
  /// Value of a pitch by segment and pitch class.
  package var pitch: (Int, Int) -> Double = { segment, pitchClass in
    Double((segment * 12 + pitchClass) % 1001) / 1000
  }
  package var pitchClasses = 12
  /// Value of a timbre coefficient by segment and coefficient; no timbre where there is none.
  package var timbre: ((Int, Int) -> Double)?
  /// Segments that the timbre has; nil: as many as there are.
  package var timbreSegments: Int?
  package var songRows = 1
  package var leftOut: Set<String> = []
  package var pitchType: ElementType = .float64

  package init(
    trackID: String, artistName: String = "Artist", segments: Int,
    pitch: ((Int, Int) -> Double)? = nil, timbre: ((Int, Int) -> Double)? = nil
  ) {
    self.trackID = trackID
    self.artistName = artistName
    self.segments = segments
    if let pitch { self.pitch = pitch }
    self.timbre = timbre
  }

  package func image() throws -> [UInt8] {
    let file = try File.createInMemory(name: "track")
    if !leftOut.contains("metadata") {
      try write(
        "metadata", [("artist_id", 32, artistID), ("artist_name", 1024, artistName), ("title", 1024, title)], file)
    }
    try write("analysis", [("track_id", 32, trackID)], file)
    if !leftOut.contains("segments_pitches") {
      let values = (0..<segments).flatMap { segment in (0..<pitchClasses).map { pitch(segment, $0) } }
      let layout = DatasetLayout(
        pitchType, shape: [segments, pitchClasses], maximumShape: [.unlimited, .fixed(pitchClasses)],
        chunk: [85, pitchClasses], shuffle: true, deflate: 1)
      let dataset = try file.createDataset("analysis/segments_pitches", layout)
      switch pitchType {
      case .int32: try dataset.write(values.map { Int32($0) }, fromRow: 0)
      default: try dataset.write(values, fromRow: 0)
      }
    }
    if let timbre {
      let segments = timbreSegments ?? segments
      let dataset = try file.createDataset(
        "analysis/segments_timbre",
        DatasetLayout(
          .float64, shape: [segments, 12], maximumShape: [.unlimited, .fixed(12)], chunk: [85, 12], shuffle: true,
          deflate: 1))
      try dataset.write((0..<segments * 12).map { timbre($0 / 12, $0 % 12) }, fromRow: 0)
    }
    return try file.image()
  }

  private func write(_ group: String, _ fields: [(String, Int, String)], _ file: File) throws {
    let type = RecordType(
      fields.filter { !leftOut.contains($0.0) }.map { ($0.0, .fixedString(bytes: $0.1, .ascii)) })
    var record = Record(type)
    for (name, _, text) in fields where !leftOut.contains(name) { try record.set(name, text) }
    let songs = try file.createGroup(group)
      .createDataset(
        "songs", DatasetLayout(.record(type), shape: [songRows], maximumShape: [.unlimited], chunk: [3]))
    try songs.write(records: Array(repeating: record, count: songRows))
  }
}

/// A tree of a few tracks and their Last.fm records, every loss of the funnel among them.
package struct TestSongs {
  package let folder: TemporaryFolder
  package var msd: String { folder.path + "/msd" }
  package var lastfm: String { folder.path + "/lastfm" }

  package static func trackID(_ number: Int) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return "TRAAAAA" + String(repeating: "0", count: 11 - digits.count) + digits
  }

  package init() throws { folder = try TemporaryFolder() }

  package func add(_ track: TestTrack, path: String? = nil) throws {
    try folder.write(try track.image(), to: "msd/" + (path ?? "A/A/A/\(track.trackID).h5"))
  }

  package func add(record trackID: String, artist: String = "Artist", title: String = "Title", tags: String) throws
  {
    try folder.write(
      #"{"artist": "\#(artist)", "tags": [\#(tags)], "track_id": "\#(trackID)", "title": "\#(title)"}"#,
      to: "lastfm/A/A/A/\(trackID).json")
  }

  /// Songs 0 to 7 are good (tags rock, and pop for the even ones), each later one is lost at another step.
  package static func withEveryLoss() throws -> TestSongs {
    let songs = try TestSongs()
    for number in 0..<15 {
      let id = trackID(number)
      var track = TestTrack(trackID: id, segments: number == 8 ? 19 : 20 + number)
      if number == 9 { track.pitch = { _, _ in .nan } }
      track.artistID = "AR\(number / 2)"
      try songs.add(track)
      let title = number == 10 ? "title" : "Title"
      let tags =
        number == 11
        ? #"["Rock", "100"]"# : number % 2 == 0 ? #"["rock", "100"], ["pop", "3"]"# : #"["rock", "7"]"#
      if number != 12 { try songs.add(record: id, title: title, tags: tags) }
    }
    try songs.folder.write("not json", to: "lastfm/A/A/A/\(trackID(13)).json")
    try songs.folder.write("not HDF5", to: "msd/A/A/A/\(trackID(14)).h5")
    try songs.add(TestTrack(trackID: trackID(0), segments: 30), path: "copies/Z.h5")
    return songs
  }
}
