import ContentHashing
import Diagnosis
import FileAccess
import FileTrees
import MessagePassing
import Sampling
import TrackFiles

/// All songs that `predict` was given, in the order of its arguments, known alike to every rank.
final class BulkPlan {
  /// What one argument, or several track files one after the other, came to.
  enum Part {
    /// Files of one song or many each.
    case files(BulkFiles)
    /// The rows of a snapshot or of a file of spectrograms.
    case songs(BulkSongs)

    /// Files, or songs.
    var count: Int {
      switch self {
      case .files(let files): files.count
      case .songs(let songs): songs.count
      }
    }
  }

  let parts: [Part]
  /// Folders that could not be listed.
  let unlisted: [SkippedFile]

  /// Songs, an aggregate that is not opened yet counting as one.
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// Songs from a position on.
  func count(from position: BulkPosition) -> Int {
    parts.dropFirst(position.part).reduce(0) { $0 + $1.count } - position.index
  }

  /// Finds everything. Collective.
  /// - Parameter paths: trees, lists, track files, audio analyses, snapshots, files of spectrograms.
  /// - Throws: `badData` for a folder without songs, a list that cannot be used, and songs of which there is not what
  ///   the network sees.
  init(_ paths: [String], for prediction: Prediction, _ communicator: any Communicator) throws {
    let forms = try BulkPlan.forms(of: paths, communicator)
    var seen = BulkPathSet(isNeeded: paths.count > 1)
    var parts: [Part] = []
    var singles: [String] = []
    var unlisted: [SkippedFile] = []
    func closeSingles() {
      if !singles.isEmpty { parts.append(.files(BulkFiles(singles))) }
      singles = []
    }
    for (path, form) in zip(paths, forms) {
      switch form {
      case .track:
        if seen.insert(path) { singles.append(path) }
        continue
      case .tree, .list:
        closeSingles()
        let tree = try BulkPlan.tree(path, form, communicator)
        unlisted += tree.unlisted
        let files = BulkFiles(tree, seen: &seen)
        if files.count > 0 { parts.append(.files(files)) }
      case .snapshot, .spectrograms:
        closeSingles()
        guard seen.insert(path) else { continue }
        let songs = try communicator.agree {
          let songs = try BulkSongs(path, form == .snapshot ? .snapshot : .spectrograms)
          try songs.check(for: prediction)
          return songs
        }
        parts.append(.songs(songs))
      }
    }
    closeSingles()
    (self.parts, self.unlisted) = (parts, unlisted)
    if case .files(let files)? = parts.first(where: { if case .files = $0 { true } else { false } }) {
      try prediction.refuseTrackFiles(files.path(0))
    }
  }

  /// A hash of everything that is to be read, in order and in the same parts: a position means the same in two plans alike.
  var fingerprint: String {
    var hash = ContentHash()
    for part in parts {
      hash.append(UInt64(part.count))
      switch part {
      case .songs(let songs): hash.append("\(songs.path)\0\(songs.identity)\0")
      case .files(let files): for index in 0..<files.count { hash.append(files.path(index) + "\0") }
      }
    }
    return hash.text
  }

  // MARK: - What the arguments are

  private enum Form: Int {
    /// A file that is read as one of songs; also what is not there, which its reading tells.
    case track, tree, list, snapshot, spectrograms

    init(of path: String) throws {
      guard let kind = try? PathKind(of: path) else {
        self = .track
        return
      }
      if kind == .file, TrackReader.isAnalysis(path) {
        self = .track
        return
      }
      switch try TrackFileSearch.form(of: path) {
      case .tree: self = .tree
      case .list: self = .list
      case .file:
        // One that cannot be looked into is read as a track file, which tells why.
        switch (try? BulkSongs.Kind(of: path)) ?? .tracks {
        case .tracks: self = .track
        case .snapshot: self = .snapshot
        case .spectrograms: self = .spectrograms
        }
      }
    }
  }

  /// Each rank looks at its share. Collective.
  private static func forms(of paths: [String], _ communicator: any Communicator) throws -> [Form] {
    let own = paths[share(of: paths.indices, rank: communicator.rank, size: communicator.size)]
    let forms = try communicator.agree { try own.map { try Form(of: $0).rawValue } }
    return try communicator.allgather(forms).flatMap { $0 }.map { Form(rawValue: $0) ?? .track }
  }

  /// A tree is one of track files or, where there is none in it, of audio analyses.
  private static func tree(_ path: String, _ form: Form, _ communicator: any Communicator) throws -> FileTree {
    if form == .list { return try TrackFileSearch.discover(path, communicator: communicator) }
    for suffix in [TrackFileSearch.suffix, TrackReader.analysisSuffix] {
      let tree = try FileTree.discover(
        root: path, suffix: suffix, purpose: "track tree", communicator: communicator)
      if tree.count > 0 { return tree }
    }
    throw Failure(
      .badData,
      "\(path): a folder without songs: found no \(TrackFileSearch.suffix) and no \(TrackReader.analysisSuffix) file in it"
    ).knownToAllRanks
  }
}

/// How far a plan is done.
struct BulkPosition: Equatable {
  var part = 0
  /// The file of the part, or its song, that comes next.
  var index = 0
  /// The song of that file, where it is an aggregate.
  var row = 0

  static let start = BulkPosition()
}

/// Track files, by number.
struct BulkFiles {
  private let tree: FileTree?
  private let paths: [String]
  /// Of the tree's, where not all are meant.
  private let chosen: [Int]?

  let count: Int

  init(_ paths: [String]) {
    (tree, chosen, self.paths) = (nil, nil, paths)
    count = paths.count
  }

  /// Those of a tree that have not been named before.
  init(_ tree: FileTree, seen: inout BulkPathSet) {
    let new = seen.isNeeded ? (0..<tree.count).filter { seen.insert(tree.path($0)) } : nil
    chosen = new?.count == tree.count ? nil : new
    (self.tree, paths) = (tree, [])
    count = chosen?.count ?? tree.count
  }

  func path(_ index: Int) -> String { tree.map { $0.path(chosen?[index] ?? index) } ?? paths[index] }
}

/// The paths so far, so that no song is judged twice where two arguments name it: by their hashes, which take 8 bytes
/// each.
struct BulkPathSet {
  /// Of one argument alone no path comes twice.
  let isNeeded: Bool
  private var hashes: Set<UInt64> = []

  init(isNeeded: Bool) { self.isNeeded = isNeeded }

  /// Whether a path is new.
  mutating func insert(_ path: String) -> Bool {
    guard isNeeded else { return true }
    var hash = ContentHash()
    let steps = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    hash.append(path.first == "/" ? "/" + steps : steps)
    return hashes.insert(hash.value).inserted
  }
}
