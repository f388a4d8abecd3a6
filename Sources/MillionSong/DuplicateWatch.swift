/// The track ids seen so far in the whole job; every rank holds the same.
struct DuplicateWatch {
  private var seen = TrackIDSet()

  /// Whether this id is new; from now on it is not.
  mutating func isNew(_ trackID: String) -> Bool { seen.insert(trackID) }
}
