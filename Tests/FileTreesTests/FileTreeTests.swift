import Diagnosis
import FileTrees
import MessagePassing
import TestFolders
import TestTracks
import Testing
import Texts

@Suite struct FileTreeTests {
  /// What all ranks find; fails when two of them differ.
  private func discover(_ root: String, ranks: Int) throws -> (paths: [String], unlisted: [SkippedFile]) {
    let found = try InProcessCommunicator.run(size: ranks) { communicator in
      let tree = try FileTree.discover(
        root: root, suffix: ".h5", purpose: "track tree", communicator: communicator)
      return (paths: (0..<tree.count).map { tree.path($0) }, unlisted: tree.unlisted)
    }
    for other in found { #expect(other.paths == found[0].paths && other.unlisted == found[0].unlisted) }
    return found[0]
  }

  @Test(arguments: [1, 2, 3, 8]) func everyRankFindsTheSameFilesInTheOrderOfTheirNames(ranks: Int) throws {
    let folder = try TemporaryFolder()
    for name in ["B/A/C/TRBAC.h5", "A/B/C/TRABC.h5", "A/B/D/TRABD.h5", "TRZZZ.h5", "deep/er/and/deep/er/TRAAA.h5"]
    {
      try folder.write("", to: name)
    }
    try folder.write("", to: "A/B/C/readme.txt")
    try folder.write("", to: "A/B/C/._TRABC.h5")
    try folder.write("", to: ".cache/TRHID.h5")
    let found = try discover(folder.path, ranks: ranks)
    #expect(
      found.paths
        == ["deep/er/and/deep/er/TRAAA.h5", "A/B/C/TRABC.h5", "A/B/D/TRABD.h5", "B/A/C/TRBAC.h5", "TRZZZ.h5"]
        .map { "\(folder.path)/\($0)" })
    #expect(found.unlisted == [])
  }

  @Test(arguments: [1, 3]) func linksAreFollowedOnceAndLoopsEnd(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let elsewhere = try TemporaryFolder()
    try elsewhere.write("", to: "C/TRCCC.h5")
    try folder.write("", to: "A/TRAAA.h5")
    try folder.link("linked", to: elsewhere.path)
    try folder.link("again", to: elsewhere.path)
    try folder.link("A/loop", to: folder.path)
    try folder.link("A/self", to: ".")
    try folder.link("A/TRBBB.h5", to: "\(elsewhere.path)/C/TRCCC.h5")
    try folder.link("A/TRDDD.h5", to: "nowhere")
    let found = try discover(folder.path, ranks: ranks)
    #expect(
      found.paths == ["A/TRAAA.h5", "A/TRBBB.h5", "again/C/TRCCC.h5", "A/TRDDD.h5"].map { "\(folder.path)/\($0)" })
  }

  @Test func aRootThatIsATrackFileIsATreeOfOneFile() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("", to: "one.h5")
    #expect(try discover(file, ranks: 2).paths == [file])
  }

  @Test func aMissingRootIsMissingInputAndNamesThePath() throws {
    let folder = try TemporaryFolder()
    let root = folder.path + "/none"
    let failure = #expect(throws: Failure.self) { try discover(root, ranks: 2) }
    #expect(failure?.kind == .missingInput)
    #expect(failure?.message.contains("\(root): no such track tree") == true)
  }

  @Test func aRootThatIsAnotherFileIsBadData() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("", to: "notes.txt")
    let failure = #expect(throws: Failure.self) { try discover(file, ranks: 1) }
    #expect(failure?.kind == .badData)
  }
}

@Suite struct PathListTests {
  private func list(_ paths: [String], suffix: String = ".json") -> PathList {
    var collector = PathCollector(suffix: suffix)
    for path in paths { collector.append(path) }
    return collector.takeSorted()
  }

  @Test func findsTheFirstPathOfAName() {
    let paths = ["z/b.json", "a/c.json", "b/b.json", "a.json", "dir.json/x", "/c.json", "/r/c.json"]
    let sorted = list(paths)
    #expect(
      (0..<sorted.count).map { sorted[$0] } == [
        "a.json", "b/b.json", "z/b.json", "/c.json", "/r/c.json", "a/c.json", "dir.json/x",
      ])
    #expect(sorted.firstIndex(named: "b.json") == 1)
    #expect(sorted.firstIndex(named: "a.json") == 0)
    #expect(sorted.firstIndex(named: "x") == 6)
    #expect(list(paths + ["a/c.json"]).count == 7)
    for missing in ["", "0", "b.jso", "b.jsonn", "zz"] { #expect(sorted.firstIndex(named: missing) == nil) }
    #expect(list([]).count == 0 && list([]).firstIndex(named: "a") == nil)
  }

  /// More paths than are sorted at once, in any order, with names that share nothing, all or their beginnings.
  @Test(arguments: [false, true]) func holdsManyPathsInOrderWhateverOrderTheyComeIn(shuffled: Bool) {
    var paths = (0..<40_000).map { number in
      let name = number % 7 == 0 ? "n\(number % 701)" : TestSongs.trackID(number % 30_000)
      return
        "\(number % 97 == 0 ? "" : "f\(number % 53)/ü\(number % 3)/")\(name)\(number % 11 == 0 ? ".H5" : ".h5")"
    }
    if shuffled { paths = paths.indices.map { paths[$0 * 7919 % paths.count] } }
    let sorted = list(paths, suffix: ".h5")
    func name(_ path: String) -> String { String(path.split(separator: "/").last!) }
    let expected = Set(paths).sorted {
      let names = (ExactText(name($0)), ExactText(name($1)))
      return names.0 == names.1 ? ExactText($0) < ExactText($1) : names.0 < names.1
    }
    #expect((0..<sorted.count).map { sorted[$0] } == expected)
    for index in stride(from: 0, to: expected.count, by: 997) {
      #expect(
        sorted.firstIndex(named: name(expected[index]))
          == expected.firstIndex { name($0) == name(expected[index]) })
    }
  }

  /// A track tree of a million files is to be listed by every rank of a node.
  @Test func aPathOfATrackTreeTakesLessThanTwentyBytes() {
    let count = 50_000
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    let sorted = list(
      (0..<count).map { number in
        let id = (0..<5).reversed().map { letters[number * 237 / [1, 26, 676, 17_576, 456_976][$0] % 26] }
        let digits = String(UInt64(number) &* 0x9E37_79B9_7F4A_7C15, radix: 16, uppercase: true).suffix(8)
        return "\(id[0])/\(id[1])/\(id[2])/TR\(String(id))128\(digits).h5"
      }, suffix: ".h5")
    #expect(sorted.count == count)
    // Folders are fewer than songs in the whole set, here as many.
    let folders = sorted.folders.reduce(0) { $0 + 16 + $1.utf8.count }
    #expect(Double(sorted.bytes - folders) / Double(count) < 20)
  }
}
