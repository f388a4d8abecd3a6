import Diagnosis
import Texts

/// The sides of ids as lists have them.
struct ListedSides {
  let kind: IdentifierList.Kind
  let lists: [IdentifierList]
  private let sideOfID: [ExactText: SongSide]

  /// Reads the files, and draws the share for validation from the training list, where one is asked for.
  ///
  /// The draw looks at list and seed alone, not at the songs that happen to be there: snapshots of other lengths
  /// or tags have the same artists on the same sides.
  /// - Throws: `missingInput` and `badData` where a file is not what it should be, or two name the same id.
  init(_ rule: SplitLists, of kind: IdentifierList.Kind, seed: UInt64) throws {
    self.kind = kind
    let files = rule.files
    lists = try files.map { try IdentifierList(at: $0.path, of: kind) }
    var listOfID: [ExactText: Int] = [:]
    var sideOfID: [ExactText: SongSide] = [:]
    for (index, list) in lists.enumerated() {
      for id in list.ids.map(ExactText.init) {
        if let other = listOfID.updateValue(index, forKey: id) {
          throw Failure(
            .badData, "\(list.path): the \(kind) \(id.text) is also in \(lists[other].path)",
            remedy: "it can be on one side of the split only")
        }
        sideOfID[id] = files[index].side
      }
    }
    if case .share(let share) = rule.validation {
      let train = lists[0].ids
      let drawn = min(train.count - 1, max(1, Int((share * Double(train.count)).rounded())))
      for index in Split.shuffled(train, seed: seed).prefix(drawn) {
        sideOfID[ExactText(train[index])] = .validation
      }
    }
    self.sideOfID = sideOfID
  }

  /// Nil for an id in no list.
  func side(of id: String) -> SongSide? { sideOfID[ExactText(id)] }

  /// A hash of the lists' ids, in order: changes with any id, but not with line ends or fields behind the ids.
  var hash: String {
    var hash = Fingerprint()
    for list in lists {
      hash.add("\(list.ids.count)")
      for id in list.ids { hash.add(id) }
    }
    return hash.text
  }
}

extension Split {
  /// What was found in the files of a split.
  public struct ListFindings: Sendable, Equatable {
    public struct File: Sendable, Equatable {
      public var path: String
      /// Different ids that it holds.
      public var ids: Int
      /// Of these: without a song.
      public var unknown: Int
      /// What the ids are of: `track` or `artist`.
      public var noun: String
    }

    public var files: [File]
    /// 16 hexadecimal digits that change with any id of the lists.
    public var hash: String
  }

  /// - Parameter ids: of each song, what the lists name.
  init(_ listed: ListedSides, ids: PackedTexts) throws {
    self.init(sides: ids.map(listed.side))
    let present = Set(ids.map(ExactText.init))
    lists = ListFindings(
      files: listed.lists.map { list in
        ListFindings.File(
          path: list.path, ids: list.ids.count,
          unknown: list.ids.count { !present.contains(ExactText($0)) }, noun: listed.kind.rawValue)
      }, hash: listed.hash)
  }
}
