import Diagnosis
import HDF5

/// One song as a Million Song Dataset file.
struct TrackFile {
  let plan: SongPlan
  let analysis: TrackAnalysis
  let metadata: TrackMetadata
  /// [segments][12], row by row.
  let pitches: [Double]

  /// The file's bytes, the same for the same song. `path` stands for it in messages.
  func image(path: String) throws -> [UInt8] {
    let file = try File.createInMemory(name: path, growingBy: 512 << 10)
    try mark(file, title: "H5 Song File")
    try file.setAttribute("PYTABLES_FORMAT_VERSION", "2.0", characters: .ascii)
    for (name, title) in TrackFileLayout.groups { try mark(file.createGroup(name), title: title) }
    for table in TrackFileLayout.tables { try write(table.group, table.type, table.chunk, table.title, to: file) }
    for (position, layout) in TrackFileLayout.arrays.enumerated() {
      try write(layout, extent: Int32(position), to: file)
    }
    let image = try file.image(modificationTime: Self.modificationTime)
    try file.close()
    return image
  }

  /// The files keep times of change, as the real ones do; all say the start of 2011, so that equal songs give
  /// equal files.
  private static let modificationTime: UInt32 = 1_293_840_000

  private func mark(_ group: Group, title: String) throws {
    try group.setAttribute("CLASS", "GROUP", characters: .ascii)
    try group.setAttribute("FILTERS", TrackFileLayout.filters)
    try group.setAttribute("TITLE", title, characters: .ascii)
    try group.setAttribute("VERSION", "1.0", characters: .ascii)
  }

  // MARK: Arrays

  private func write(_ layout: TrackFileLayout.ArrayLayout, extent: Int32, to file: File) throws {
    let width = layout.chunk.dropFirst()
    func create(rows: Int) throws -> Dataset {
      let dataset = try file.createDataset(
        layout.path, Self.storage(layout.type, shape: [rows] + width, chunk: layout.chunk))
      try set("CLASS", "EARRAY", on: dataset)
      try dataset.setAttribute("EXTDIM", extent)
      try set("TITLE", layout.title, on: dataset)
      try set("VERSION", "1.0", on: dataset)
      return dataset
    }
    switch contents(of: layout.path) {
    case .numbers(let values): try create(rows: values.count / (width.first ?? 1)).write(values)
    case .counts(let values): try create(rows: values.count).write(values)
    case .texts(let texts): try create(rows: texts.count).write(strings: texts)
    }
  }

  private enum Contents {
    case numbers([Double])
    case counts([Int32])
    case texts([String])
  }

  private func contents(of path: String) -> Contents {
    switch path {
    case "metadata/similar_artists": .texts(metadata.similarArtists)
    case "metadata/artist_terms": .texts(metadata.terms)
    case "metadata/artist_terms_freq": .numbers(metadata.termFrequencies)
    case "metadata/artist_terms_weight": .numbers(metadata.termWeights)
    case "musicbrainz/artist_mbtags": .texts(metadata.musicBrainzTags)
    case "musicbrainz/artist_mbtags_count": .counts(metadata.musicBrainzTags.map { _ in 1 })
    case "analysis/segments_start": .numbers(analysis.segmentStarts)
    case "analysis/segments_confidence": .numbers(analysis.segmentConfidences)
    case "analysis/segments_pitches": .numbers(pitches)
    case "analysis/segments_timbre": .numbers(analysis.timbre)
    case "analysis/segments_loudness_max": .numbers(analysis.loudnessMaxima)
    case "analysis/segments_loudness_max_time": .numbers(analysis.loudnessMaximumTimes)
    case "analysis/segments_loudness_start": .numbers(analysis.loudnessStarts)
    case "analysis/sections_start": .numbers(analysis.sections.starts)
    case "analysis/sections_confidence": .numbers(analysis.sections.confidences)
    case "analysis/beats_start": .numbers(analysis.beats.starts)
    case "analysis/beats_confidence": .numbers(analysis.beats.confidences)
    case "analysis/bars_start": .numbers(analysis.bars.starts)
    case "analysis/bars_confidence": .numbers(analysis.bars.confidences)
    case "analysis/tatums_start": .numbers(analysis.tatums.starts)
    case "analysis/tatums_confidence": .numbers(analysis.tatums.confidences)
    default: preconditionFailure("an array without contents: \(path)")
    }
  }

  // MARK: Tables

  private func write(_ group: String, _ type: RecordType, _ chunk: Int, _ title: String, to file: File) throws {
    let dataset = try file.createDataset(
      "\(group)/songs", Self.storage(.record(type), shape: [1], chunk: [chunk]))
    try set("CLASS", "TABLE", on: dataset)
    try set("VERSION", "2.6", on: dataset)
    try set("TITLE", title, on: dataset)
    for (index, field) in type.fields.enumerated() { try set("FIELD_\(index)_NAME", field.name, on: dataset) }
    for (index, field) in type.fields.enumerated() {
      let attribute = "FIELD_\(index)_FILL"
      switch field.type {
      case .int32: try dataset.setAttribute(attribute, Int32(0))
      case .float64: try dataset.setAttribute(attribute, 0.0)
      default: try dataset.setAttribute(attribute, "", bytes: 1, characters: .ascii)
      }
    }
    try dataset.setAttribute("NROWS", Int64(1))
    try dataset.write(records: [record(group, type)])
  }

  private func record(_ group: String, _ type: RecordType) throws -> Record {
    var record = Record(type)
    switch group {
    case "analysis": try metadata.fillAnalysis(&record, plan, analysis)
    case "metadata": try metadata.fillMetadata(&record, plan)
    default: try record.set("year", metadata.year)
    }
    return record
  }

  // MARK: Both

  /// A text attribute of a dataset: with its closing zero, as the C layer writes it.
  private func set(_ attribute: String, _ value: String, on dataset: Dataset) throws {
    try dataset.setAttribute(attribute, value, bytes: value.utf8.count + 1, characters: .ascii)
  }

  private static func storage(_ type: ElementType, shape: [Int], chunk: [Int]) -> DatasetLayout {
    DatasetLayout(
      type, shape: shape, maximumShape: [.unlimited] + shape.dropFirst().map { .fixed($0) }, chunk: chunk,
      shuffle: true, deflate: 1, fillsOnAllocation: true, trackTimes: true)
  }
}
