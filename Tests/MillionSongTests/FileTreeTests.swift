import Diagnosis
import MessagePassing
import MillionSong
import TestFolders
import Testing

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
  @Test func findsTheFirstPathOfAName() {
    var list = PathList()
    for path in ["z/b.json", "a/c.json", "b/b.json", "a.json", "dir.json/x"] { list.append(path) }
    let sorted = list.sortedByName()
    #expect((0..<sorted.count).map { sorted[$0] } == ["a.json", "b/b.json", "z/b.json", "a/c.json", "dir.json/x"])
    #expect(sorted.firstIndex(named: "b.json") == 1)
    #expect(sorted.firstIndex(named: "a.json") == 0)
    #expect(sorted.firstIndex(named: "x") == 4)
    list.append("a/c.json")
    #expect(list.sortedByName().count == 5)
    for missing in ["", "0", "b.jso", "b.jsonn", "zz"] { #expect(sorted.firstIndex(named: missing) == nil) }
  }
}
