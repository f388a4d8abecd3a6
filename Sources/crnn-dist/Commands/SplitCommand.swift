import ArgumentParser
import Diagnosis
import MessagePassing
import Splits
import Training

/// Writes which songs are on which side of a split.
struct SplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Writes the sides of a split as lists of ids, for other programs and for runs on other data.",
    discussion: """
      Examples:
        crnn-dist split --data songs.h5 --split artist:0.8/0.1/0.1 --seed 3 --out split-3
        crnn-dist train --data songs.h5 --split track-lists:split-3.train.txt,split-3.validation.txt,split-3.test.txt --out runs/3

      The songs are divided as train divides them with the same options. With --run the options are those of a run, whose \
      sides the lists then are.
      """)

  @Option(help: "The snapshot, or file of spectrograms.")
  var data: String?

  @Option(
    name: .customLong("run"), help: "A run's folder, whose config.yaml says the data, the rule and the seed.")
  var runFolder: String?

  @Option(help: "How songs are divided: \(SplitRule.forms) (default: as the data keep it, or random:0.95).")
  var split: String?

  @Option(help: "Decides what the rule leaves to chance (default: 1).")
  var seed: String?

  @Option(help: "The lists are OUT.train.txt, OUT.validation.txt and OUT.test.txt.")
  var out: String

  @Flag(help: "Write the artists' ids instead of the tracks'.")
  var artists = false

  @Flag(help: "Replace lists that are there.")
  var force = false

  func run() throws {
    var configuration = RunConfiguration()
    if let runFolder { try configuration.apply(yamlFile: RunFolder(runFolder).configuration) }
    try configuration.apply(
      commandLine: [("data", data), ("split", split), ("split_seed", seed)].compactMap { key, text in
        text.map { (key, $0) }
      })
    guard let data = configuration.data else {
      throw Failure(.usage, "no songs to divide: give --data SNAPSHOT.h5, or --run of a run that was given one")
    }
    MPIProgram.run { communicator in
      try communicator.agree {
        guard communicator.isRoot else { return }
        let lists = try SplitRule(configuration.split).lists?.files.map(\.path) ?? []
        try SplitListing.claim(out, inputs: [data] + lists, replaces: force)
        let listing = try SplitListing(configuration, openSongs(data), ofRun: runFolder != nil)
        try listing.write(out, artists: artists)
        print("split: \(listing.provenance.inWords)")
        for (word, songs) in listing.counts {
          let list = word == "unused" ? "on no side" : SplitListing.path(out, word)
          print("\(word): \(counted(songs, "song")), \(list)")
        }
      }
    }
  }
}
