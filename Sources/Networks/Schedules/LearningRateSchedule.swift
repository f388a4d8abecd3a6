#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The learning rate of every step, a pure function of the step: a resumed run goes on with it as if it had never
/// stopped.
///
///     let schedule = LearningRateSchedule(.cosine, peak: 2e-3, steps: 1000, warmUpSteps: 50)
///     let rate = schedule.rate(atStep: 17)
public struct LearningRateSchedule: Sendable, Equatable {
  public enum Form: String, Sendable, CaseIterable {
    /// The same rate all along.
    case constant
    /// Half a cosine from the peak down to `final` (Loshchilov and Hutter 2017, without restarts).
    case cosine
    /// Multiplied by `decayFactor` every `decaySteps`.
    case step
    /// Up for three tenths of the steps, then down to almost nothing, both along half a cosine (Smith and Topin 2018,
    /// with PyTorch's factors).
    case oneCycle = "one-cycle"

    /// Whether the rate of a step depends on how many steps the run has in all.
    public var dependsOnAllSteps: Bool { self == .cosine || self == .oneCycle }
  }

  public var form: Form
  /// The highest rate.
  public var peak: Double
  /// Steps of the whole run.
  public var steps: Int
  /// Steps in which the rate first rises in a straight line; the last of them has the peak.
  public var warmUpSteps: Int
  /// Where the cosine ends.
  public var final: Double
  public var decaySteps: Int
  public var decayFactor: Double

  public init(
    _ form: Form = .constant, peak: Double, steps: Int = 1, warmUpSteps: Int = 0, final: Double = 0,
    decaySteps: Int = 1, decayFactor: Double = 0.1
  ) {
    self.form = form
    self.peak = peak
    self.steps = steps
    self.warmUpSteps = warmUpSteps
    self.final = final
    self.decaySteps = decaySteps
    self.decayFactor = decayFactor
  }

  /// The rate of a step, counted from 1. Beyond the last step of the run it stays as it was there.
  public func rate(atStep step: Int) -> Float {
    let step = form == .constant ? step : min(step, max(steps, 1))
    if step <= warmUpSteps { return Float(peak * Double(step) / Double(warmUpSteps)) }
    let done = step - 1 - warmUpSteps
    switch form {
    case .constant: return Float(peak)
    case .cosine:
      return Float(Self.cosine(from: peak, to: final, share: Double(done) / Double(max(1, steps - warmUpSteps))))
    case .step: return Float(peak * pow(decayFactor, Double((step - 1) / max(1, decaySteps))))
    case .oneCycle: return Float(oneCycle(step - 1))
    }
  }

  /// Rises from a 25th of the peak and falls to a 10,000th of where it began.
  private func oneCycle(_ index: Int) -> Double {
    let (start, end) = (peak / 25, peak / 25 / 1e4)
    let top = 0.3 * Double(steps) - 1
    let last = Double(steps - 1)
    if Double(index) <= top { return Self.cosine(from: start, to: peak, share: Double(index) / top) }
    return Self.cosine(from: peak, to: end, share: last > top ? (Double(index) - top) / (last - top) : 1)
  }

  private static func cosine(from start: Double, to end: Double, share: Double) -> Double {
    end + (start - end) / 2 * (1 + cos(.pi * share))
  }
}
