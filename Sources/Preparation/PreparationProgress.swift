/// How far the reading of songs is; told to rank 0 alone.
public struct PreparationProgress: Sendable, Equatable {
  public enum Phase: String, Sendable {
    case findingFiles = "finding files"
    case countingTags = "counting tags"
    case readingSongs = "reading songs"
    case readingRecords = "reading records"

    /// What is counted: songs, whether they stand in files of their own or in rows of a common one; or records.
    public var unit: String { self == .readingRecords ? "records" : "songs" }
  }

  public var phase: Phase
  /// Done by all ranks together (between exchanges an estimate from rank 0's own).
  public var done: Int
  /// In all, an aggregate that is not reached yet counting as one; 0 while they are being found.
  public var total: Int

  package init(phase: Phase, done: Int, total: Int) {
    self.phase = phase
    self.done = done
    self.total = total
  }
}
