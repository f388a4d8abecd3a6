import DataParallel
import MessagePassing

/// Where the time of an epoch's steps went on one rank, in seconds.
struct StepTimes: Codable, Sendable {
  var total = 0.0
  /// Waiting for songs.
  var reading = 0.0
  /// In sums over the ranks, with nothing to compute meanwhile.
  var sums = 0.0

  /// Everything else.
  var computing: Double { total - reading - sums }

  mutating func add(_ step: TrainingStep.Result, total: Double, reading: Double) {
    self.total += total
    self.reading += reading
    sums += step.smallSumSeconds + step.unhiddenTransferSeconds
  }
}

/// Where the time of all ranks went in an epoch's steps, as shares of it.
///
/// The rank that waits least in sums is the one that the others wait for: what it still waits is what messages take. The
/// others' more is waiting for it.
public struct EpochTimes: Sendable, Equatable {
  /// Means over the ranks.
  public var computing: Double
  public var reading: Double
  /// Waiting for slower ranks.
  public var waiting: Double
  /// Sums that nothing hides.
  public var transfer: Double
  /// The rank that costs the others most, where that is over a twentieth of the time.
  public var slowest: Slowest?

  public struct Slowest: Sendable, Equatable {
    public var rank: Int
    public var host: String
    /// Share of the time that would be saved if it were as fast as the mean of the others.
    public var cost: Double
  }

  private static let worthNaming = 0.05

  /// Nil where no step was taken.
  init?(_ ranks: [StepTimes], hosts: [String]) {
    func mean(_ value: (StepTimes) -> Double) -> Double {
      ranks.reduce(0) { $0 + value($1) } / Double(ranks.count)
    }
    let total = mean(\.total)
    guard total > 0 else { return nil }
    let least = ranks.map(\.sums).min() ?? 0
    computing = mean(\.computing) / total
    reading = mean(\.reading) / total
    transfer = least / total
    waiting = (mean(\.sums) - least) / total
    let busy = ranks.map { $0.computing + $0.reading }
    guard ranks.count > 1, let rank = busy.indices.max(by: { busy[$0] < busy[$1] }) else { return }
    let others = (busy.reduce(0, +) - busy[rank]) / Double(busy.count - 1)
    let cost = (busy[rank] - others) / total
    if cost > Self.worthNaming { slowest = Slowest(rank: rank, host: hosts[rank], cost: cost) }
  }
}
