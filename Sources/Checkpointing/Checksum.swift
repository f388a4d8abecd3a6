import ContentHashing

extension Checkpoint {
  /// The hash of all contents: each entry's path, extent and values, in the byte order of the paths. Every part
  /// is preceded by its length, so that no two contents give the same bytes. docs/formats.md gives the rule.
  package var checksum: String {
    var entries: [(path: String, hash: (inout ContentHash) -> Void)] = []
    for (name, text) in texts {
      entries.append(("texts/" + name, { hash in hash.appendCounted(text) }))
    }
    for (name, list) in lists {
      entries.append(
        (
          "lists/" + name,
          { hash in
            hash.append(UInt64(list.count))
            for text in list { hash.appendCounted(text) }
          }
        ))
    }
    for (name, integer) in integers {
      entries.append(("integers/" + name, { hash in hash.append(UInt64(bitPattern: Int64(integer))) }))
    }
    for (name, number) in numbers {
      entries.append(("numbers/" + name, { hash in hash.append(number.bitPattern) }))
    }
    for (path, array) in arrays {
      entries.append(
        (
          path,
          { hash in
            hash.append(UInt64(array.shape.count))
            for extent in array.shape { hash.append(UInt64(extent)) }
            hash.append(array.values)
          }
        ))
    }
    var hash = ContentHash()
    for entry in entries.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
      hash.appendCounted(entry.path)
      entry.hash(&hash)
    }
    return hash.text
  }
}

extension ContentHash {
  fileprivate mutating func appendCounted(_ text: String) {
    append(UInt64(text.utf8.count))
    append(text)
  }
}
