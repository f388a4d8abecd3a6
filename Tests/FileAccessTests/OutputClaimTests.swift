import Diagnosis
import FileAccess
import TestFolders
import Testing

@Suite struct OutputClaimTests {
  /// Files that hold "own" may be replaced.
  private func predecessor(_ folder: TemporaryFolder, isGiven: Bool? = nil) -> OutputClaim.Predecessor {
    .init("one of ours", isGiven.map { .byOption("--force", isGiven: $0) } ?? .given) { path in
      try readWholeFile(path, limit: 100) == Array("own".utf8)
    }
  }

  private func refusal(_ body: () throws -> Void) throws -> String {
    let failure = try #require(throws: Failure.self) { try body() }
    #expect(failure.kind == .usage)
    return failure.description
  }

  @Test func nothingAndOwnFilesMayBeTaken() throws {
    let folder = try TemporaryFolder()
    try folder.write("own", to: "a")
    let claim = OutputClaim()
    for name in ["a", "b"] {
      try claim.file(folder.file(name), replacing: predecessor(folder))
      try claim.file(folder.file(name), replacing: predecessor(folder, isGiven: true))
    }
    #expect(try folder.names() == ["a"], "a claim makes nothing")
  }

  @Test func ownFilesWaitForTheOption() throws {
    let folder = try TemporaryFolder()
    try folder.write("own", to: "a")
    let words = try refusal {
      try OutputClaim().file(folder.file("a"), replacing: predecessor(folder, isGiven: false))
    }
    #expect(words.contains("one of ours is there already") && words.contains("--force"))
  }

  @Test func othersFilesAndFoldersAreRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write("theirs", to: "a")
    try folder.write("", to: "folder/b")
    try folder.link("link", to: "a")
    try folder.link("nowhere", to: "nothing")
    for name in ["a", "folder", "link", "nowhere"] {
      _ = try refusal { try OutputClaim().file(folder.file(name), replacing: predecessor(folder, isGiven: true)) }
    }
    _ = try refusal { try OutputClaim().folder(folder.file("a")) }
    try OutputClaim().folder(folder.file("folder"))
    try OutputClaim().folder(folder.file("none"))
  }

  @Test func whatIsReadIsNotWrittenByWhicheverPath() throws {
    let folder = try TemporaryFolder()
    try folder.write("own", to: "a")
    try folder.write("own", to: "folder/b")
    try folder.link("link", to: "a")
    let claim = OutputClaim(inputs: [folder.file("a"), folder.file("folder"), folder.file("missing")])
    for name in ["a", "link"] {
      let words = try refusal { try claim.file(folder.file(name), replacing: predecessor(folder)) }
      #expect(words.contains("is read"))
    }
    _ = try refusal { try claim.folder(folder.file("folder")) }
    try claim.file(folder.file("folder/b"), replacing: predecessor(folder))
  }

  @Test func aFileIsSetAsideUnderANameThatIsFree() throws {
    let folder = try TemporaryFolder()
    for content in ["1", "2", "3"] {
      try folder.write(content, to: "a")
      _ = try setAside(folder.file("a"))
    }
    #expect(try folder.names() == ["a.damaged", "a.damaged-2", "a.damaged-3"])
    #expect(try folder.read("a.damaged-3") == Array("3".utf8))
    let failure = try #require(throws: Failure.self) { _ = try setAside(folder.file("a")) }
    #expect(failure.kind == .fault)
  }
}
