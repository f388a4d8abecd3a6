/// Finds the known word nearest to a misspelt one, for "unknown key X; did you mean Y?".
public func nearestWord(to word: String, among known: some Sequence<String>) -> String? {
  known.map { ($0, editDistance(word.lowercased(), $0.lowercased())) }
    .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

/// Levenshtein distance: the fewest insertions, deletions and replacements that turn one word into the other.
func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first.utf8)
  let b = Array(second.utf8)
  var row = Array(0...b.count)
  for i in 0..<a.count {
    var diagonal = row[0]
    row[0] = i + 1
    for j in 0..<b.count {
      let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
