import ArgumentParser
import DataParallel
import Diagnosis
import Foundation
import MessagePassing
import Networks

/// How fast gradients are summed over the ranks.
struct BenchmarkAllreduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allreduce",
    abstract: "Measures how fast gradients are summed over the ranks, for both models and a list of sizes.",
    discussion: """
      Example:
        mpirun -np 4 crnn-dist benchmark allreduce --sizes 64K,1M,16M

      Algorithm bandwidth is the bytes of one rank's gradients over the median time; bus bandwidth is that times \
      2(n-1)/n, what each rank's link must carry each way at least, and can be compared with the network's own.
      """)

  @Option(help: "Sizes in bytes, separated by commas; K, M and G mean 2^10, 2^20 and 2^30.")
  var sizes = "4K,64K,1M,4M,16M,64M"

  @Option(help: "Bytes summed by one MPI call (same notation).")
  var bucket = "\(GradientReduction.defaultBucketBytes)"

  @Option(help: "Measured repetitions of each size; the median counts.")
  var repetitions = 20

  @Flag(help: "Print one JSON object instead of a table.")
  var json = false

  func validate() throws {
    guard repetitions >= 1 else { throw ValidationError("--repetitions is \(repetitions); expected at least 1") }
    _ = try byteCounts()
  }

  func run() throws {
    MPIProgram.run { communicator in
      let bucketBytes = try bytes(bucket)
      let reduction = GradientReduction(communicator, bucketBytes: bucketBytes)
      var results: [AllreduceResult] = []
      if communicator.isRoot, !json { print(AllreduceResult.header) }
      for load in try loads() {
        let seconds = try measure(load.bytes, reduction, communicator)
        results.append(AllreduceResult(load: load, seconds: seconds, worldSize: communicator.size))
        if communicator.isRoot, !json { print(results[results.count - 1].row) }
      }
      if communicator.isRoot, json {
        try printJSON(AllreduceReport(worldSize: communicator.size, bucketBytes: bucketBytes, results: results))
      }
    }
  }

  /// What is summed: both models' gradients as they lie in memory, then the sizes asked for.
  private func loads() throws -> [AllreduceLoad] {
    let models = [
      ("small", Architecture.small(segments: 252, tags: 50)),
      ("large", Architecture.large(segments: 252, tags: 50)),
    ]
    return try models.map { AllreduceLoad(name: "\($0) model", bytes: try $1.gradientBytes()) }
      + (try byteCounts().map { AllreduceLoad(name: "\($0) bytes", bytes: $0) })
  }

  /// The median time of a sum; each repetition's is that of the slowest rank.
  private func measure(
    _ bytes: Int, _ reduction: GradientReduction, _ communicator: MPICommunicator
  ) throws -> Double {
    // Gradients are sums in double precision.
    let arena = GradientArena([TensorDeclaration("gradients", [max(1, bytes / MemoryLayout<Double>.stride)])])
    var times: [Double] = []
    for repetition in -2..<repetitions {
      try communicator.barrier()
      let start = ContinuousClock.now
      try reduction.sum(arena)
      let elapsed = (ContinuousClock.now - start) / .seconds(1)
      // The first two warm up connections and pages.
      if repetition >= 0 { times.append(elapsed) }
    }
    return try communicator.allreduce(times, .maximum).sorted()[repetitions / 2]
  }

  private func byteCounts() throws -> [Int] {
    try sizes.split(separator: ",").map { try bytes($0.trimmingCharacters(in: .whitespaces)) }
  }

  private func bytes(_ text: String) throws -> Int {
    let factors: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let factor = text.uppercased().last.flatMap { factors[$0] }
    let number = Int(factor == nil ? text : String(text.dropLast())) ?? 0
    let (product, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
    guard !overflow, (8...4 << 30).contains(product) else {
      throw ValidationError("\(text) is not a size; expected 8 bytes to 4G, such as 65536, 64K or 16M")
    }
    return product
  }
}

private struct AllreduceLoad {
  let name: String
  let bytes: Int
}

private struct AllreduceReport: Encodable {
  let worldSize: Int
  let bucketBytes: Int
  let results: [AllreduceResult]

  enum CodingKeys: String, CodingKey {
    case worldSize = "world_size"
    case bucketBytes = "bucket_bytes"
    case results
  }
}

private struct AllreduceResult: Encodable {
  let name: String
  let bytes: Int
  let seconds: Double
  let algorithmGigabytesPerSecond: Double
  let busGigabytesPerSecond: Double

  enum CodingKeys: String, CodingKey {
    case name, bytes, seconds
    case algorithmGigabytesPerSecond = "algorithm_gigabytes_per_second"
    case busGigabytesPerSecond = "bus_gigabytes_per_second"
  }

  init(load: AllreduceLoad, seconds: Double, worldSize: Int) {
    name = load.name
    bytes = load.bytes
    self.seconds = seconds
    // Alone there is nothing to send, and no time that means anything.
    algorithmGigabytesPerSecond = worldSize > 1 ? Double(bytes) / max(seconds, 1e-9) / 1e9 : 0
    busGigabytesPerSecond = algorithmGigabytesPerSecond * 2 * Double(worldSize - 1) / Double(worldSize)
  }

  static let header = "summed              bytes          ms   GB/s algorithm   GB/s bus"

  var row: String {
    name.padding(toLength: 14, withPad: " ", startingAt: 0) + "\(bytes)".leftPadded(to: 11)
      + String(format: "%.3f", seconds * 1e3).leftPadded(to: 12)
      + String(format: "%.2f", algorithmGigabytesPerSecond).leftPadded(to: 17)
      + String(format: "%.2f", busGigabytesPerSecond).leftPadded(to: 11)
  }
}

extension Architecture {
  /// Bytes of a replica's gradients, padding included.
  fileprivate func gradientBytes() throws -> Int {
    GradientArena(try network().trainableTensors).count * MemoryLayout<Double>.stride
  }
}
