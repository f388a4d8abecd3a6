import Diagnosis
import Foundation

extension PortableModel {
  /// What ONNX and safetensors files keep beside the weights, as texts by name, in the order of the names.
  func metadata() throws -> [(name: String, text: String)] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    var entries = provenance.texts
    entries.append(("crop", provenance.songs.crop.rawValue))
    entries.append(("description", try ModelDescription(self).json()))
    entries.append(("features", inputs.map(\.name).joined(separator: ", ")))
    if let longest = provenance.songs.longest { entries.append(("longest", "\(longest)")) }
    entries.append(("segments", provenance.songs.segments.description))
    entries.append(("shortest_song", "\(shortestSong)"))
    let scaled = inputs.compactMap { input in
      input.standardization.map { (input.name, ["mean": $0.mean, "deviation": $0.deviation]) }
    }
    if !scaled.isEmpty {
      entries.append(("standardization", try json(Dictionary(uniqueKeysWithValues: scaled))))
    }
    entries.append(("tags", try json(tags)))
    if let thresholds { entries.append(("thresholds", try json(thresholds))) }
    return entries.sorted { $0.0 < $1.0 }
  }
}
