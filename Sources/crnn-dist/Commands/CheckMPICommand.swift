import ArgumentParser
import Diagnosis
import MessagePassing

/// Tries the cluster's MPI as the program uses it.
struct CheckMPICommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-mpi",
    abstract: "Check that MPI works here: world size, nodes, threads for each rank, every collective.",
    discussion: """
      Example: mpirun -np 4 crnn-dist check-mpi

      Every collective the program uses is tried with known answers. With --fail-on-rank, the rank fails on \
      purpose, to see that the launcher ends the whole job and passes on the exit code.
      """)

  @Option(help: "Let this rank fail after the checks.")
  var failOnRank: Int?

  @Option(help: "The exit code of that failure: 64, 65, 66, 70, 74 or 75.")
  var exitCode: Int32 = 70

  @Flag(help: "Let all ranks agree on that failure, as they do on bad input.")
  var agreed = false

  func validate() throws {
    guard Failure.Kind(rawValue: exitCode) != nil else {
      throw ValidationError("--exit-code is \(exitCode); the program's own are 64, 65, 66, 70, 74 and 75")
    }
  }

  func run() throws {
    MPIProgram.run { communicator in
      try describe(communicator)
      try check(communicator, "")
      // The same again with counts that MPI's calls must take in pieces, as they do beyond 2^30 elements.
      let largest = communicator.largestCount
      communicator.largestCount = 1_000
      try check(communicator, " in pieces")
      communicator.largestCount = largest
      try fail(communicator)
    }
  }

  private func describe(_ communicator: MPICommunicator) throws {
    let plan = try communicator.threadPlan()
    let ranks = try communicator.allgather(
      Place(host: communicator.hostName, threads: plan.threads, advice: plan.advice))
    guard communicator.isRoot else { return }
    print("MPI library   \(MPICommunicator.libraryVersion)")
    let launcher = LaunchEnvironment.current.launcher
    print("launcher      \(launcher.map { "\($0.name), \($0.processes) process(es)" } ?? "none")")
    print("world size    \(communicator.size)")
    print("nodes         \(communicator.layout.nodes.count)")
    for host in Set(ranks.map(\.host)).sorted() {
      let here = ranks.indices.filter { ranks[$0].host == host }
      let threads = Set(here.map { ranks[$0].threads }).sorted().map(String.init).joined(separator: " or ")
      print("  \(host): \(here.count) rank(s) from \(here[0]) on, \(threads) thread(s) each")
    }
    if let advice = ranks.lazy.compactMap(\.advice).first { print("advice        \(advice)") }
  }

  private func check(_ communicator: MPICommunicator, _ manner: String) throws {
    for check in CollectiveCheck.all {
      do {
        try check.run(communicator)
      } catch var failure as Failure {
        failure.message = "\(check.name)\(manner): \(failure.message)"
        throw failure
      }
      if communicator.isRoot { print("ok            \(check.name)\(manner)") }
    }
  }

  private func fail(_ communicator: MPICommunicator) throws {
    guard let failOnRank, let kind = Failure.Kind(rawValue: exitCode) else { return }
    func failHere() throws {
      if communicator.rank == failOnRank { throw Failure(kind, "failing on purpose") }
    }
    if agreed { try communicator.agree(failHere) } else { try failHere() }
    // The others wait for the one that failed, as in a real job.
    try communicator.barrier()
  }
}

/// Where a rank runs.
private struct Place: Codable {
  let host: String
  let threads: Int
  let advice: String?
}
