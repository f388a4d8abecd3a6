#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where the time of a step goes: one entry for each phase of each layer, in the order of their first run.
///
/// A phase is a stretch of the calling thread's time that one or more parallel regions fill; what a phase inside it
/// takes counts for the inner one alone, so that the entries add up. Nothing is measured, and nothing is slower,
/// while a team has no profile.
public final class StepProfile {
  /// What a phase does, summed over the songs it does it for.
  public struct Work: Sendable {
    /// Multiplications and additions as direct convolution or a plain matrix product counts them.
    public var directOperations = 0
    /// Multiplications and additions that the phase's matrix products execute, padding included.
    public var executedOperations = 0
    /// Bytes of maps, points and weights that it must read and write at least once.
    public var bytes = 0

    public init(direct: Int = 0, executed: Int = 0, bytes: Int = 0) {
      directOperations = direct
      executedOperations = executed
      self.bytes = bytes
    }

    public static func + (first: Work, second: Work) -> Work {
      Work(
        direct: first.directOperations + second.directOperations,
        executed: first.executedOperations + second.executedOperations, bytes: first.bytes + second.bytes)
    }
  }

  public struct Entry: Sendable {
    public let layer: String
    public let phase: String
    public var seconds = 0.0
    public var work = Work()
  }

  public private(set) var entries: [Entry] = []
  /// The layer that phases are counted for from now on.
  public var layer = ""
  private var indices: [String: Int] = [:]
  /// Seconds of the phases that ended inside the one that runs.
  private var inner = 0.0

  public init() {}

  /// Runs a phase of the current layer.
  public func measure<Result>(
    _ phase: String, _ work: @autoclosure () -> Work = Work(), _ body: () throws -> Result
  ) rethrows -> Result {
    let before = inner
    inner = 0
    let start = Self.now()
    defer {
      let seconds = Self.now() - start
      add(phase, seconds - inner, work())
      inner = before + seconds
    }
    return try body()
  }

  private func add(_ phase: String, _ seconds: Double, _ work: Work) {
    let name = layer + "\u{0}" + phase
    let index =
      indices[name]
      ?? {
        entries.append(Entry(layer: layer, phase: phase))
        indices[name] = entries.count - 1
        return entries.count - 1
      }()
    entries[index].seconds += seconds
    entries[index].work = entries[index].work + work
  }

  /// Seconds on a clock that only rises.
  public static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension ThreadTeam {
  /// Runs a phase, timed where the team has a profile.
  @inline(__always)
  public func measure<Result>(
    _ phase: String, _ work: @autoclosure () -> StepProfile.Work = StepProfile.Work(),
    _ body: () throws -> Result
  ) rethrows -> Result {
    guard let profile else { return try body() }
    return try profile.measure(phase, work(), body)
  }
}
