import Foundation
import Networks
import Testing

/// Learning rates of every step against Keras and PyTorch: `scripts/golden/make schedules` makes the numbers.
private struct ScheduleCase: Decodable, CustomStringConvertible {
  var name: String
  var kind: String
  var steps: Int
  var learningRate: Double
  var rates: [Double]
  var warmupSteps: Int?
  var initial: Double?
  var floor: Double?
  var stepsPerEpoch: Int?
  var every: Int?
  var factor: Double?
  var startShare: Double?
  var startDivisor: Double?

  var description: String { name }

  /// Nil for a form that we do not have: a warm-up that does not begin at nothing, a cycle of other proportions.
  var schedule: LearningRateSchedule? {
    switch kind {
    case "constant": return LearningRateSchedule(peak: learningRate, steps: steps)
    case "cosine" where initial == 0:
      return LearningRateSchedule(
        .cosine, peak: learningRate, steps: steps, warmUpSteps: warmupSteps ?? 0, final: floor ?? 0)
    case "step":
      return LearningRateSchedule(
        .step, peak: learningRate, steps: steps, decaySteps: every! * stepsPerEpoch!, decayFactor: factor!)
    case "one_cycle" where startShare == 0.3 && startDivisor == 25:
      return LearningRateSchedule(.oneCycle, peak: learningRate, steps: steps)
    default: return nil
    }
  }

  /// Keras's warm-up of w steps gives the first step nothing at all, and the peak to the one behind the warm-up; ours
  /// begins one further on, so that every step learns something, and gives the peak to the last of the warm-up too.
  func rate(_ step: Int) -> Double? {
    guard step <= warmupSteps ?? 0 else { return rates[step - 1] }
    return step < rates.count ? rates[step] : nil
  }
}

private var cases: [ScheduleCase] {
  get throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/schedules.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([ScheduleCase].self, from: Data(contentsOf: path))
  }
}

@Test(arguments: try cases) private func ratesEqualKerasAndPyTorch(_ golden: ScheduleCase) {
  guard let schedule = golden.schedule else { return }
  for step in 1...golden.steps {
    guard let expected = golden.rate(step) else { continue }
    let found = Double(schedule.rate(atStep: step))
    #expect(abs(found - expected) <= 1e-6 * golden.learningRate, "\(golden), step \(step)")
  }
}

@Test func everyFormOfScheduleIsHeldToGoldenNumbers() throws {
  let forms = try cases.compactMap { $0.schedule?.form }
  #expect(Set(forms) == Set(LearningRateSchedule.Form.allCases))
  #expect(forms.count >= 14)
}

@Test func aWarmUpEndsAtThePeakAndEveryStepLearnsSomething() {
  for form in LearningRateSchedule.Form.allCases where form != .oneCycle {
    let schedule = LearningRateSchedule(form, peak: 0.5, steps: 20, warmUpSteps: 4, decaySteps: 100)
    let rates = (1...20).map { schedule.rate(atStep: $0) }
    #expect(rates.prefix(4) == [0.125, 0.25, 0.375, 0.5])
    #expect(rates[4] == 0.5 && rates.allSatisfy { $0 > 0 })
  }
}

@Test func behindItsEndAScheduleStaysWhereItWas() {
  for form in LearningRateSchedule.Form.allCases {
    let schedule = LearningRateSchedule(form, peak: 0.5, steps: 20, decaySteps: 5)
    #expect(schedule.rate(atStep: 21) == schedule.rate(atStep: 20) && schedule.rate(atStep: 20).isFinite)
  }
}
