import Diagnosis
import FileTrees
import MessagePassing
import Sampling
import Texts
import TrackFiles

/// What all records of a source of Last.fm tags come to, whether there is a song for them or not.
public struct TagSurvey: Sendable {
  /// Records that could be read.
  public private(set) var read = 0
  /// Of these: with a tag that counts.
  public private(set) var withTags = 0
  /// Of these: those of a file whose name is another track's.
  public private(set) var misnamed = 0
  /// Pairs of a record and a tag that counts.
  public private(set) var pairs = 0
  /// Records with each tag, most frequent first, of equal counts the first by bytes; on rank 0, empty elsewhere.
  public private(set) var tags: [(name: String, records: Int)] = []
  /// Every record that could not be read, with its cause, in their order; on rank 0, empty elsewhere.
  public private(set) var skipped: [SkippedFile] = []
  public private(set) var bad = 0

  private var counts: [ExactText: Int] = [:]

  private init() {}

  /// Reads every file of a tree, each rank its share. Collective.
  /// - Parameters:
  ///   - source: the records, which have been found.
  ///   - minimumWeight: a tag counts from this weight on.
  ///   - communicator: of all ranks that take part.
  ///   - progress: told the records done and in all, on rank 0 alone.
  public init(
    of source: LastFMTree, minimumWeight: Double, communicator: any Communicator,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    let tree = source.tree
    let own = share(of: 0..<tree.count, rank: communicator.rank, size: communicator.size)
    var survey = TagSurvey()
    for index in own {
      if communicator.isRoot, index % 64 == 0 {
        let done = min((index - own.lowerBound) * communicator.size, tree.count)
        progress(done, tree.count)
      }
      let path = tree.path(index)
      do {
        let record = try LastFMRecord.read(path)
        if TrackIdentifier.stem(ofPath: path) != record.trackID { survey.misnamed += 1 }
        survey.add(record.tags, minimumWeight)
      } catch {
        survey.add(error)
      }
    }
    try survey.gather(communicator)
    if communicator.isRoot {
      progress(tree.count, tree.count)
      survey.skipped = tree.unlisted + survey.skipped
    }
    self = survey
  }

  /// Looks up every track of a database, each rank its share. Collective.
  /// - Throws: `badData` where the database is damaged so that its tracks cannot be listed.
  public init(
    of database: LastFMDatabase, minimumWeight: Double, communicator: any Communicator,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    let total = try communicator.agree { try database.counts().tracks }
    let own = share(of: 0..<total, rank: communicator.rank, size: communicator.size)
    var survey = TagSurvey()
    try communicator.agree {
      try database.forEachRecord(in: own) { done, lookups in
        for lookup in lookups {
          switch lookup {
          case .none: break
          case .bad(let file): survey.add(file)
          case .found(let record): survey.add(record.tags, minimumWeight)
          }
        }
        if communicator.isRoot { progress(min(done * communicator.size, total), total) }
      }
    }
    try survey.gather(communicator)
    self = survey
  }

  private mutating func add(_ file: SkippedFile) {
    bad += 1
    skipped.append(file)
  }

  private mutating func add(_ tags: [WeightedTag], _ minimumWeight: Double) {
    read += 1
    let counted = tags.counted(from: minimumWeight)
    if !counted.isEmpty { withTags += 1 }
    pairs += counted.count
    for tag in counted { counts[tag, default: 0] += 1 }
  }

  /// Brings all ranks' findings together: numbers on every rank, tags and files on rank 0.
  private mutating func gather(_ communicator: any Communicator) throws {
    let sums = try communicator.allreduce([read, withTags, misnamed, pairs, bad], .sum)
    (read, withTags, misnamed, pairs, bad) = (sums[0], sums[1], sums[2], sums[3], sums[4])
    var message = PackedWriter()
    message.write(skipped.count)
    for file in skipped { message.write([file.path, file.cause]) }
    message.write(counts.count)
    for (tag, records) in counts {
      message.write(tag.text)
      message.write(records)
    }
    (skipped, counts) = ([], [:])
    for reader in try communicator.gatherToRoot(message) {
      var reader = reader
      for _ in 0..<(try reader.readInt()) {
        let words = try reader.readTexts()
        skipped.append(SkippedFile(path: words[0], cause: words[1]))
      }
      for _ in 0..<(try reader.readInt()) {
        let tag = ExactText(try reader.readText())
        counts[tag, default: 0] += try reader.readInt()
      }
    }
    tags = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key.text, $0.value) }
    counts = [:]
  }
}
