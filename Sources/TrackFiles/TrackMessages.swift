import FileTrees
import Segments
import Texts

/// What a reading process answers about one location.
enum ReadingAnswer {
  case contents(TrackFileContents)
  /// The file or song is bad, for this cause.
  case bad(String)

  init(_ reader: TrackReader, reading location: SongLocation) {
    do {
      self = .contents(try reader.contents(at: location))
    } catch {
      self = .bad(error.cause)
    }
  }

  func write(to message: inout PackedWriter) {
    switch self {
    case .bad(let cause):
      message.write(0)
      message.write(cause)
    case .contents(.song(let track)):
      message.write(1)
      track.write(to: &message)
    case .contents(.aggregate(let songs)):
      message.write(2)
      message.write(songs)
    }
  }

  init(from message: inout PackedReader) throws {
    switch try message.readInt() {
    case 0: self = .bad(try message.readText())
    case 1: self = .contents(.song(try Track(from: &message)))
    default: self = .contents(.aggregate(songs: try message.readInt()))
    }
  }
}

extension SongLocation {
  func write(to message: inout PackedWriter) {
    message.write(row ?? -1)
    message.write(path)
  }

  init(from message: inout PackedReader) throws {
    let row = try message.readInt()
    self.init(try message.readText(), row: row < 0 ? nil : row)
  }
}

extension TrackReader {
  func write(to message: inout PackedWriter) {
    window.write(to: &message)
    message.write(features.rawValue)
    message.write(artistTags?.rawValue ?? "")
    message.write(auxiliary.count)
    for source in auxiliary { message.write(source.rawValue) }
    message.write(readsAnalyses ? 1 : 0)
  }

  convenience init(from message: inout PackedReader) throws {
    let window = try SegmentWindow(from: &message)
    self.init(window, features: FeatureSelection(rawValue: try message.readText()) ?? .pitches)
    artistTags = ArtistTags(rawValue: try message.readText())
    auxiliary = try (0..<(try message.readInt())).compactMap { _ in ArtistTags(rawValue: try message.readText()) }
    readsAnalyses = try message.readInt() == 1
  }
}

extension SegmentWindow {
  func write(to message: inout PackedWriter) {
    let (kind, count) =
      switch self {
      case .none: (0, 0)
      case .first(let count): (1, count)
      case .middle(let count): (2, count)
      }
    message.write(kind)
    message.write(count)
  }

  init(from message: inout PackedReader) throws {
    let (kind, count) = (try message.readInt(), try message.readInt())
    self = kind == 0 ? .none : kind == 1 ? .first(count) : .middle(count)
  }
}

extension Track {
  func write(to message: inout PackedWriter) {
    for text in [trackID, title, artistName, artistID] { message.write(text) }
    message.write(segmentCount)
    for feature in Feature.ofSegments {
      let values = self[feature]
      message.write(values == nil ? 0 : 1)
      values?.write(to: &message)
    }
    for feature in SongFeature.allCases { message.write(numbers: songValues[feature] ?? []) }
    artistTags.write(to: &message)
    terms.write(to: &message)
  }

  init(from message: inout PackedReader) throws {
    self.init(
      trackID: try message.readText(), title: try message.readText(), artistName: try message.readText(),
      artistID: try message.readText(), segmentCount: try message.readInt())
    for feature in Feature.ofSegments where try message.readInt() == 1 {
      self[feature] = try SegmentValues(from: &message)
    }
    for feature in SongFeature.allCases {
      let values: [Float] = try message.readNumbers()
      if !values.isEmpty { songValues[feature] = values }
    }
    artistTags = try [WeightedTag]?(from: &message)
    terms = try [WeightedTag]?(from: &message)
  }
}

extension [WeightedTag]? {
  func write(to message: inout PackedWriter) {
    message.write(self?.count ?? -1)
    for tag in self ?? [] { tag.write(to: &message) }
  }

  init(from message: inout PackedReader) throws {
    let count = try message.readInt()
    self = count < 0 ? nil : try (0..<count).map { _ in try WeightedTag(from: &message) }
  }
}

extension WeightedTag {
  package func write(to message: inout PackedWriter) {
    message.write(name)
    message.write(weight.bitPattern)
  }

  package init(from message: inout PackedReader) throws {
    self.init(name: try message.readText(), weight: Double(bitPattern: try message.readWord()))
  }
}

extension SegmentValues {
  func write(to message: inout PackedWriter) {
    switch self {
    case .thousandths(let values):
      message.write(0)
      message.write(numbers: values)
    case .wideThousandths(let values):
      message.write(1)
      message.write(numbers: values)
    case .floats(let values):
      message.write(2)
      message.write(numbers: values)
    case .halves(let values):
      message.write(3)
      message.write(numbers: values)
    }
  }

  init(from message: inout PackedReader) throws {
    self =
      switch try message.readInt() {
      case 0: .thousandths(try message.readNumbers())
      case 1: .wideThousandths(try message.readNumbers())
      case 3: .halves(try message.readNumbers())
      default: .floats(try message.readNumbers())
      }
  }
}
