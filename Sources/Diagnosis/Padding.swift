extension String {
  /// The text with blanks, or another character, before it, so that it has at least so many characters: cells of a
  /// column of numbers stand right, and numbers of a name sort.
  public func leftPadded(to width: Int, with character: Character = " ") -> String {
    String(repeating: character, count: max(0, width - count)) + self
  }
}
