extension Split {
  /// What a user should know of a split before he trusts its figures; a sentence each.
  public func warnings(_ rule: SplitRule, _ songs: SplitSongs) -> [String] {
    var warnings = listWarnings(songs)
    if rule.isByArtist {
      warnings += nameWarning(songs)
    } else if rule.lists != nil {
      warnings += artistWarning(songs)
    }
    if rule.needsLabels { warnings += tagWarning(songs) }
    return warnings
  }

  private func listWarnings(_ songs: SplitSongs) -> [String] {
    var warnings: [String] = []
    if !unused.isEmpty {
      warnings.append("\(unused.count) of \(songs.count) songs are in no list of the split and left out")
    }
    for list in lists?.files ?? [] where list.unknown > 0 {
      warnings.append("\(list.path): \(list.unknown) of its \(list.ids) \(list.noun)s have no song here")
    }
    return warnings
  }

  private func nameWarning(_ songs: SplitSongs) -> [String] {
    let leaks = namesOnTwoSides(songs)
    guard let first = leaks.first else { return [] }
    let places = zip(first.songs, first.sides).map { "\(songs.artistIDs[$0]) for \($1.name)" }.joined(
      separator: ", ")
    return [
      "the split goes by artist id, but \(counted(leaks.count, "artist name")) on two sides under different ids, "
        + "such as \"\(songs.artistNames[first.songs[0]])\" (\(places))"
    ]
  }

  private func artistWarning(_ songs: SplitSongs) -> [String] {
    let leaks = artistsOnTwoSides(songs)
    guard let first = leaks.first else { return [] }
    return [
      "\(counted(leaks.count, "artist")) on two sides of the split, such as \(first.artist): its figures tell less "
        + "of artists never heard"
    ]
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? " is" : "s are")"
  }

  private func tagWarning(_ songs: SplitSongs) -> [String] {
    let missing = sides.compactMap { side, own -> String? in
      guard !own.isEmpty else { return nil }
      let count = songs.tagCount - tags(of: own, songs).count
      return count == 0 ? nil : "\(count) on the \(side.name) side"
    }
    guard !missing.isEmpty else { return [] }
    return ["of \(songs.tagCount) tags have no song: \(missing.joined(separator: ", "))"]
  }

  /// The tags that some of these songs have.
  private func tags(of own: [Int], _ songs: SplitSongs) -> Set<Int> {
    var tags: Set<Int> = []
    for song in own {
      for tag in 0..<songs.tagCount where songs.labels[song * songs.tagCount + tag] == 1 { tags.insert(tag) }
    }
    return tags
  }
}
