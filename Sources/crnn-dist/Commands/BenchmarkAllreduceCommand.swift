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

      Algorithm bandwidth is the bytes of one rank's gradients over the median time. Between nodes, the rate is that at \
      which a node sends, and its share is of what the link carries each way while both ends only send and receive.
      """)

  @Option(help: "Sizes in bytes, separated by commas; K, M and G mean 2^10, 2^20 and 2^30.")
  var sizes = "4K,64K,1M,4M,16M,64M"

  @Option(
    help: "Bytes of gradients that go together (same notation). Default: 1M, and between nodes what goes fastest.")
  var bucket: String?

  @Option(help: "What gradients are sent as between nodes: none, fp32 or bf16.")
  var gradientCompression = "none"

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
      guard let format = GradientFormat(rawValue: gradientCompression) else {
        throw ValidationError("--gradient-compression \(gradientCompression): expected none, fp32 or bf16")
      }
      let options = ReplicaExchange.Options(format: format, bucketBytes: try bucket.map { try bytes($0) })
      let link = try LinkRate.measure(communicator)
      var results: [AllreduceResult] = []
      if communicator.isRoot, !json {
        if let link { print(String(format: "a node's link carries %.3f GB/s each way", link * 1e-9)) }
        print(AllreduceResult.header)
      }
      for load in try loads() {
        let measurement = try ExchangeMeasurement(communicator, bytes: load.bytes, options)
        let seconds = try median(of: measurement)
        let result = AllreduceResult(
          load: load, seconds: seconds, worldSize: communicator.size, sentBytes: measurement.bytesToSend,
          link: link)
        results.append(result)
        if communicator.isRoot, !json { print(result.row) }
        if communicator.isRoot, let advice = measurement.advice { warn("\(load.name): \(advice)") }
      }
      if communicator.isRoot, json {
        try printJSON(
          AllreduceReport(
            worldSize: communicator.size, nodes: communicator.layout.nodes.count,
            gradientCompression: gradientCompression, linkGigabytesPerSecond: link.map { $0 * 1e-9 },
            results: results))
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
  private func median(of measurement: ExchangeMeasurement) throws -> Double {
    var times: [Double] = []
    for repetition in -2..<repetitions {
      let elapsed = try measurement.measure()
      // The first two warm up connections and pages.
      if repetition >= 0 { times.append(elapsed) }
    }
    return times.sorted()[repetitions / 2]
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
  let nodes: Int
  let gradientCompression: String
  let linkGigabytesPerSecond: Double?
  let results: [AllreduceResult]

  enum CodingKeys: String, CodingKey {
    case worldSize = "world_size"
    case nodes
    case gradientCompression = "gradient_compression"
    case linkGigabytesPerSecond = "link_gigabytes_per_second"
    case results
  }
}

private struct AllreduceResult: Encodable {
  let name: String
  let bytes: Int
  let seconds: Double
  let algorithmGigabytesPerSecond: Double
  /// What a node sends; nil on one node.
  let sentGigabytesPerSecond: Double?
  let shareOfLink: Double?

  enum CodingKeys: String, CodingKey {
    case name, bytes, seconds
    case algorithmGigabytesPerSecond = "algorithm_gigabytes_per_second"
    case sentGigabytesPerSecond = "sent_gigabytes_per_second"
    case shareOfLink = "share_of_link"
  }

  init(load: AllreduceLoad, seconds: Double, worldSize: Int, sentBytes: Int, link: Double?) {
    name = load.name
    bytes = load.bytes
    self.seconds = seconds
    // Alone there is nothing to send, and no time that means anything.
    algorithmGigabytesPerSecond = worldSize > 1 ? Double(bytes) / max(seconds, 1e-9) / 1e9 : 0
    let sent = sentBytes > 0 ? Double(sentBytes) / max(seconds, 1e-9) : nil
    sentGigabytesPerSecond = sent.map { $0 / 1e9 }
    shareOfLink = link.flatMap { link in sent.map { $0 / link } }
  }

  static let header = "summed              bytes          ms   GB/s algorithm   GB/s sent   of the link"

  var row: String {
    name.padding(toLength: 14, withPad: " ", startingAt: 0) + "\(bytes)".leftPadded(to: 11)
      + String(format: "%.3f", seconds * 1e3).leftPadded(to: 12)
      + String(format: "%.2f", algorithmGigabytesPerSecond).leftPadded(to: 17)
      + (sentGigabytesPerSecond.map { String(format: "%.3f", $0) } ?? "-").leftPadded(to: 12)
      + (shareOfLink.map { String(format: "%.0f %%", $0 * 100) } ?? "-").leftPadded(to: 14)
  }
}

extension Architecture {
  /// Bytes of a replica's gradients, padding included.
  fileprivate func gradientBytes() throws -> Int {
    GradientArena(try network().trainableTensors).count * MemoryLayout<Double>.stride
  }
}
