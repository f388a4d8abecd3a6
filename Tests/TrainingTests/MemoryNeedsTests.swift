import Diagnosis
import Kernels
import MachineMemory
import Testing
import Training

private func plan(_ bytes: Int, addressSpace: Int? = nil) -> MemoryPlan {
  var plan = MemoryPlan()
  plan.add(.songs, bytes: bytes / 4)
  plan.add(.activations, MemoryCount(bytes: bytes - bytes / 4, addressSpace: addressSpace ?? bytes))
  return plan
}

private func limit(_ name: String, free: Int, sharedAs: String?) -> MemoryLimit {
  MemoryLimit(name: name, bytes: 10_000, freeBytes: free, sharedAs: sharedAs)
}

private func refusal(_ ranks: [(host: String, plan: MemoryPlan, limits: [MemoryLimit])]) -> Failure? {
  MemoryNeeds(
    ranks: ranks.enumerated().map { number, rank in
      MemoryNeeds.Rank(number: number, hostName: rank.host, plan: rank.plan, limits: rank.limits)
    }
  ).refusal
}

@Test func ranksOfANodeShareItsMemoryAndThoseOfAnotherDoNot() {
  let node = limit("memory.max", free: 5_000, sharedAs: "job")
  #expect(refusal([("a", plan(4_000), [node]), ("b", plan(4_000), [node])]) == nil)
  let found = refusal([("a", plan(4_000), [node]), ("b", plan(2_000), [node]), ("a", plan(2_000), [node])])
  #expect(found?.kind == .usage && found?.isAgreed == true)
  let message = found?.message ?? ""
  #expect(
    message.contains("2 ranks on a need 5.9 KiB more together (rank 0: activations 2.9 KiB, songs 1000 bytes)"))
  #expect(message.contains("4.9 KiB are free of the 10000 bytes that memory.max allows"))
}

@Test func groupsOfRanksThatAreNotTheSameAreNotAddedUp() {
  let groups = (0..<2).map { limit("memory.max", free: 5_000, sharedAs: "task \($0)") }
  #expect(refusal(groups.map { ("a", plan(4_000), [$0]) }) == nil)
}

@Test func theLimitOfAProcessIsOneOfItsAddressSpace() {
  let own = limit("ulimit -v", free: 5_000, sharedAs: nil)
  #expect(refusal([("a", plan(4_000), [own]), ("a", plan(4_000), [own])]) == nil)
  let found = refusal([("a", plan(4_000), [own]), ("a", plan(4_000, addressSpace: 6_000), [own])])
  #expect(found?.message.contains("rank 1 on a needs") == true)
  #expect(
    found?.message.contains("needs 6.8 KiB of address space more (activations 5.9 KiB, songs 1000 bytes)") == true)
}

@Test func theLimitThatIsExceededMostIsTold() {
  let limits = [limit("one", free: 3_000, sharedAs: "1"), limit("other", free: 100, sharedAs: "2")]
  #expect(refusal([("a", plan(4_000), limits)])?.message.contains("other") == true)
}

@Test func needsThatNoNumberHoldsAreRefusedToo() {
  let node = limit("memory.max", free: 5_000, sharedAs: "job")
  #expect(refusal([("a", plan(.max), [node]), ("a", plan(.max), [node])])?.kind == .usage)
}

@Test func aReplicaThatPredictsNeedsNoMemoryForGradients() throws {
  var plan = MemoryPlan()
  let count = MemoryCount(bytes: 100, addressSpace: 200)
  plan.add(predicting: .init(weights: count, gradients: count, activations: count))
  #expect(plan.total == MemoryCount(bytes: 200, addressSpace: 600))
}
