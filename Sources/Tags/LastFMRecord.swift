import FileAccess
import FileTrees
import Foundation
import TrackFiles

/// What the Last.fm data set says of one track.
public struct LastFMRecord: Equatable, Sendable {
  public var trackID: String
  public var title: String
  public var artist: String
  public var tags: [WeightedTag]

  public init(trackID: String, title: String, artist: String, tags: [WeightedTag]) {
    self.trackID = trackID
    self.title = title
    self.artist = artist
    self.tags = tags
  }

  /// Larger than any real record by far (28 KB); a larger file is no record.
  static let largestFile = 16 << 20

  /// Reads `<track id>.json`.
  /// - Throws: `SkippedFile` with the path and what is wrong.
  public static func read(_ path: String) throws(SkippedFile) -> LastFMRecord {
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: largestFile)
    } catch {
      throw SkippedFile(path: path, cause: error.description)
    }
    do {
      return try LastFMRecord(json: bytes)
    } catch {
      throw SkippedFile(path: path, cause: error.cause)
    }
  }

  /// Takes the record from JSON; other keys than the four needed are passed over.
  public init(json bytes: [UInt8]) throws(Fault) {
    let wire: Wire
    do {
      wire = try JSONDecoder().decode(Wire.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw Fault(describing: error)
    } catch {
      throw Fault(cause: "cannot be read as JSON")
    }
    trackID = wire.trackID
    title = wire.title
    artist = wire.artist
    tags = wire.tags.map { WeightedTag(name: $0.name, weight: $0.weight) }
  }

  /// What is wrong with a record.
  public struct Fault: Error, Equatable, Sendable {
    public var cause: String
  }
}

/// The record as it is written; the keys are the data set's.
private struct Wire: Decodable {
  let trackID: String
  let title: String
  let artist: String
  let tags: [Tag]

  enum CodingKeys: String, CodingKey {
    case trackID = "track_id"
    case title, artist, tags
  }

  /// `["rock", "100"]`; the weight may also be a number.
  struct Tag: Decodable {
    let name: String
    let weight: Double

    init(from decoder: any Decoder) throws {
      var pair = try decoder.unkeyedContainer()
      name = try pair.decode(String.self)
      if let text = try? pair.decode(String.self) {
        guard let number = Double(text) else {
          throw DecodingError.dataCorruptedError(
            in: pair, debugDescription: "the weight \"\(text.prefix(20))\" is no number")
        }
        weight = number
      } else {
        weight = try pair.decode(Double.self)
      }
      guard weight.isFinite else {
        throw DecodingError.dataCorruptedError(in: pair, debugDescription: "the weight is not finite")
      }
    }
  }
}

extension LastFMRecord.Fault {
  fileprivate init(describing error: DecodingError) {
    func place(_ context: DecodingError.Context) -> String {
      context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, _): cause = "has no key \"\(key.stringValue)\""
    case .typeMismatch(_, let context):
      cause =
        context.codingPath.isEmpty ? "is not a JSON object" : "has another type than expected at \(place(context))"
    case .valueNotFound(_, let context): cause = "has no value at \(place(context))"
    case .dataCorrupted(let context):
      cause = context.codingPath.isEmpty ? "is not JSON" : "at \(place(context)): \(context.debugDescription)"
    @unknown default: cause = "is not a Last.fm record"
    }
  }
}
