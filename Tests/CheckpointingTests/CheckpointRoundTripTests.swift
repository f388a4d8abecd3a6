import Checkpointing
import Foundation
import HDF5
import TestFolders
import Testing

@Suite struct CheckpointRoundTripTests {
  @Test func everythingComesBackToTheBit() throws {
    let folder = try TemporaryFolder()
    let original = exampleCheckpoint()
    try original.write(to: folder.file("epoch-0001.h5"))
    let again = try Checkpoint.read(folder.file("epoch-0001.h5"))
    #expect(again.texts == original.texts)
    #expect(again.lists == original.lists)
    #expect(again.integers == original.integers)
    #expect(again.numbers.mapValues(\.bitPattern) == original.numbers.mapValues(\.bitPattern))
    #expect(Set(again.arrays.keys) == Set(original.arrays.keys))
    for (path, array) in original.arrays {
      #expect(again.arrays[path]?.shape == array.shape)
      #expect(again.arrays[path]?.values.map(\.bitPattern) == array.values.map(\.bitPattern))
    }
    #expect(again.source.hasSuffix("epoch-0001.h5"))
  }

  @Test func equalContentsGiveEqualFiles() throws {
    let folder = try TemporaryFolder()
    try exampleCheckpoint().write(to: folder.file("a.h5"))
    Thread.sleep(forTimeInterval: 1.1)  // HDF5's times have a resolution of one second.
    try exampleCheckpoint().write(to: folder.file("b.h5"))
    #expect(try folder.read("a.h5") == folder.read("b.h5"))
  }

  @Test func anyToolFindsTheParts() throws {
    let folder = try TemporaryFolder()
    try exampleCheckpoint().write(to: folder.file("a.h5"))
    let file = try File.open(folder.file("a.h5"))
    #expect(try file.childNames() == ["integers", "lists", "numbers", "optimizer", "texts", "weights"])
    #expect(try file.textAttribute("format") == "crnn-dist checkpoint")
    #expect(try file.attribute("format_version", as: Int64.self) == 2)
    #expect(try file.dataset("integers/step").readScalar(Int64.self) == 17)
    #expect(try file.dataset("weights/tags/kernel").read(Float.self, rows: 1..<2) == [3, 4])
  }

  @Test func whatIsMissingOrOfAnotherShapeIsNamed() throws {
    let checkpoint = exampleCheckpoint()
    #expect(try checkpoint.values("weights/tags/kernel", shape: [3, 2]) == [1, 2, 3, 4, 5, 6])
    #expect(checkpoint.arrays(in: "weights").map(\.name) == ["odd", "tags/kernel"])
    let shape = #expect(throws: (any Error).self) { try checkpoint.values("weights/tags/kernel", shape: [2, 3]) }
    #expect("\(shape!)".contains("has the shape [3, 2], expected [2, 3]"))
    let missing = #expect(throws: (any Error).self) { try checkpoint.integer("hour") }
    #expect("\(missing!)" == "checkpoint: the checkpoint has no whole number hour")
  }

  @Test func badNamesAndShapesAreRefused() throws {
    let folder = try TemporaryFolder()
    for path in ["alone", "texts/array", "/weights/x", "weights//x"] {
      var checkpoint = Checkpoint()
      checkpoint.arrays[path] = .init(shape: [1], values: [1])
      #expect(throws: (any Error).self) { try checkpoint.write(to: folder.file("x.h5")) }
    }
    var checkpoint = Checkpoint()
    checkpoint.arrays["weights/x"] = .init(shape: [2], values: [1])
    #expect(throws: (any Error).self) { try checkpoint.write(to: folder.file("x.h5")) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}

/// A checkpoint with every kind of content, and the floats that are easily lost.
func exampleCheckpoint(step: Int = 17) -> Checkpoint {
  var checkpoint = Checkpoint()
  checkpoint.texts = ["config": "seed: 1\nmodel: small\n", "empty": "", "unicode": "Sigur Rós – Ágætis byrjun"]
  checkpoint.lists = ["tags": ["rock", "Hip-Hop", "80s"], "none": []]
  checkpoint.integers = ["epoch": 2, "step": step, "position": .max]
  checkpoint.numbers = ["best": 0.1 + 0.2, "nothing": .nan, "zero": -0.0]
  checkpoint.arrays["weights/tags/kernel"] = .init(shape: [3, 2], values: [1, 2, 3, 4, 5, 6])
  checkpoint.arrays["weights/odd"] = .init(
    shape: [5], values: [-0, .infinity, .leastNonzeroMagnitude, Float(bitPattern: 0x7fc0_1234), .pi])
  checkpoint.arrays["optimizer/first_moment/tags/kernel"] = .init(shape: [0], values: [])
  return checkpoint
}
