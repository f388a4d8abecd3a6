import Diagnosis
import FileAccess
import Foundation
import Kernels
import ModelExchange
import Networks
import TestFolders
import Testing

/// Where Tests/EndToEnd/test_exchange.py wants the hand-made networks, to hold them to Keras and onnxruntime.
private let wanted = ProcessInfo.processInfo.environment["CRNN_DIST_EXCHANGE_FOLDER"]

@Test(arguments: HandMadeNetwork.all)
func everyLayerLeavesInEveryFormatTheSameEachTime(_ made: HandMadeNetwork) throws {
  let temporary = try TemporaryFolder()
  defer { withExtendedLifetime(temporary) {} }
  let folder = wanted ?? temporary.path
  let (model, songs) = try made.tried()
  // What it says depends on the song, by ten times what other tools may differ: else a comparison would show little.
  for (number, song) in songs.probabilities.enumerated() {
    for other in songs.probabilities[..<number] {
      #expect(
        zip(song, other).contains { abs($0 - $1) > 1e-4 }, "song \(number) is as one before: \(song), \(other)")
    }
  }
  let stem = "\(folder)/\(made)"
  for (format, folds, name) in [
    (ExportFormat.keras, false, stem), (.onnx, false, stem), (.onnx, true, stem + "-folded"),
    (.safetensors, false, stem),
  ] {
    let export = ModelExport(format, to: name + format.suffix, foldsBatchNorm: folds)
    try export.claim(inputs: [], replacing: true)
    try export.write(model)
    let first = try readWholeFile(export.path, limit: 1 << 20)
    try export.claim(inputs: [], replacing: true)
    try export.write(model)
    #expect(try readWholeFile(export.path, limit: 1 << 20) == first)
  }
  try replaceFile(stem + ".songs.json", with: [UInt8](JSONEncoder().encode(songs)))
}

@Test func aFileThatIsNoExportIsLeftAsItIs() throws {
  let folder = try TemporaryFolder()
  for format in ExportFormat.allCases {
    let export = ModelExport(format, to: folder.file("tagger" + format.suffix))
    try replaceFile(export.path, with: "a letter")
    #expect(throws: Failure.self) { try export.claim(inputs: [], replacing: true) }
    #expect(try readWholeFile(export.path, limit: 100) == Array("a letter".utf8))
  }
}

@Test func aLayerThatOtherToolsDoNotHaveIsRefusedByName() {
  let network = Network(
    input: SignalShape(rows: 12, columns: 24, channels: 1),
    [UnknownLayer(), RecurrentLayer("recurrent_1", units: 2, returning: .lastStep)], TagsLayer(tags: 1, dropout: 0)
  )
  let failure = #expect(throws: Failure.self) {
    try PortableModel(network, inputs: [.init(name: "pitches")], tags: ["rock"]) { declaration, _ in
      [Float](repeating: 0, count: declaration.count)
    }
  }
  #expect(failure?.kind == .usage)
  #expect(failure?.message.contains("spiral") ?? false)
}

private struct UnknownLayer: Layer {
  let name = "spiral"
  func output(of input: SignalShape) -> SignalShape { SignalShape(columns: input.columns, channels: 3) }
  func summary(of input: SignalShape) -> [SummaryRow] { [] }
  func makePass(at site: LayerSite) -> any LayerPass { fatalError("no pass is made in an export") }
}
