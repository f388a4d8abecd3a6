import Diagnosis

/// Which of several folds is judged; the others are learnt from (cross-validation).
public struct FoldChoice: Sendable, Equatable, CustomStringConvertible {
  /// From 1.
  public var fold: Int
  public var folds: Int

  /// How many folds there may be.
  public static let allowedFolds = 2...1_000

  /// - Throws: `usage` where there is no such fold.
  public init(fold: Int, folds: Int) throws {
    guard Self.allowedFolds.contains(folds) else {
      let (least, most) = (Self.allowedFolds.lowerBound, Self.allowedFolds.upperBound)
      throw Failure(.usage, "found \(folds) folds, expected from \(least) to \(most)")
    }
    guard (1...folds).contains(fold) else {
      throw Failure(.usage, "found fold \(fold) of \(folds), expected from 1 to \(folds)")
    }
    self.fold = fold
    self.folds = folds
  }

  /// Reads `2/5`: the second of five.
  init(_ text: String, in rule: String) throws {
    let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let fold = numbers[0], let folds = numbers[1] else {
      throw Failure(.usage, "split \(rule): expected a fold and how many there are, such as artist-folds:2/5")
    }
    try self.init(fold: fold, folds: folds)
  }

  public var description: String { "\(fold)/\(folds)" }
}

extension Split {
  /// All songs of the chosen fold for validation, the others for training. Artists in random order, each to the fold
  /// with the fewest songs so far: whichever fold is chosen, the folds are the same.
  /// - Throws: `badData` where there are fewer artists than folds.
  static func folds(_ choice: FoldChoice, _ songs: SplitSongs, seed: UInt64) throws -> Split {
    let artists = songsOfArtists(songs.artistIDs, seed: seed)
    guard artists.count >= choice.folds else {
      throw Failure(
        .badData, "split artist-folds:\(choice): there are \(artists.count) artists for \(choice.folds) folds",
        remedy: "use at most as many folds as there are artists")
    }
    var sizes = [Int](repeating: 0, count: choice.folds)
    var sides = [SongSide?](repeating: .training, count: songs.count)
    for own in artists {
      let fold = sizes.indices.min { (sizes[$0], $0) < (sizes[$1], $1) }!
      sizes[fold] += own.count
      if fold == choice.fold - 1 { for song in own { sides[song] = .validation } }
    }
    return Split(sides: sides)
  }
}
