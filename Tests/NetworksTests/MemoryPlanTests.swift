import Diagnosis
import Kernels
import Networks
import Testing

/// Networks that differ in their layers' kinds, sizes and pooling.
private let networks: [(name: String, network: Network)] = [
  ("small", try! Architecture.small(segments: 252, tags: 50).network()),
  ("large", try! Architecture.large(segments: 60, tags: 50).network()),
  ("choi2016-12", try! Architecture.choi2016Of12Rows(segments: 120, tags: 50).network()),
  ("of whole songs", try! Architecture.small(segments: 1_500, tags: 7).network()),
  ("both features", try! bothFeatures.network()),
  ("recommended", try! recommended(channels: 29).network()),
  ("moments alone", try! recommended(channels: 0).network()),
  ("every other layer", everyOtherLayer),
]

private var bothFeatures: Architecture {
  var architecture = Architecture.small(segments: 96, tags: 3)
  architecture.inputChannels = 2
  return architecture
}

private func recommended(channels: Int) -> Architecture {
  var architecture = Architecture.recommended(segments: 100, channels: channels, songValues: 453, tags: 50)
  architecture.auxiliary = AuxiliaryHead(outputs: 150, weight: 3)
  return architecture
}

/// Layers that no published network has.
private let everyOtherLayer = Network(
  input: SignalShape(rows: 12, columns: 40, channels: 1),
  [
    ZeroPaddingLayer(before: 3, after: 5),
    InputConvolutionLayer(
      ConvolutionDescription(number: 1, filters: 20, pooling: PoolingSize(frequency: 12, time: 2), dropout: 0)),
    BidirectionalLayer("both") { RecurrentLayer($0, units: 9, returning: .everyStep) },
    ResetBeforeRecurrentLayer("reset", units: 5, returning: .everyStep),
    TimeSummaryLayer(), DenseLayer("dense", units: 11),
  ], TagsLayer(tags: 4, dropout: 0))

@Test(arguments: networks.map(\.name), [(1, 1), (3, 2), (33, 1)])
func aPlanIsWhatAReplicaTakes(name: String, size: (songs: Int, threads: Int)) throws {
  let network = try #require(networks.first { $0.name == name }?.network)
  let plan = try Replica.plannedMemory(network, maximumBatch: size.songs)
  let replica = try Replica(network, maximumBatch: size.songs, threads: size.threads)
  #expect(plan == replica.memory)
  #expect(plan.total.bytes > 0 && plan.total.addressSpace >= plan.total.bytes)
  #expect(plan.total.refusedBytes == nil)
}

@Test func aPlanOfSongsOfUnlikeLengthsIsWhatAReplicaTakes() throws {
  let network = try Architecture.small(segments: 3_000, tags: 50).network()
  let plan = try Replica.plannedMemory(network, maximumBatch: 8, maximumSegments: 5_000)
  #expect(try plan == Replica(network, maximumBatch: 8, maximumSegments: 5_000, threads: 1).memory)
  #expect(try plan.activations.bytes < Replica.plannedMemory(network, maximumBatch: 8).activations.bytes / 3)
}

@Test func thePlanOfWeightsFollowsFromTheirNumber() throws {
  let network = try Architecture.large(segments: 60, tags: 50).network()
  let plan = try Replica.plannedMemory(network, maximumBatch: 1)
  // Rows are padded to whole vectors.
  let least = 4 * (network.trainableParameters + 2 * network.nonTrainableParameters)
  #expect(plan.weights.bytes >= least && plan.weights.bytes < least * 12 / 10)
  #expect(plan.gradients.bytes >= 8 * network.trainableParameters)
}

@Test(arguments: ["adam", "adamw", "sgd", "lamb"])
func aPlanIsWhatAnOptimizerTakes(name: String) throws {
  let network = try Architecture.small(segments: 36, tags: 5).network()
  let type = try #require(Optimizers.named(name))
  let replica = try Replica(network, maximumBatch: 1, threads: 1)
  let settings = OptimizerSettings()
  let taken = MemoryAccount.counting(.taking) { type.init(settings, for: replica.parameters) }
  #expect(type.plannedMemory(settings, for: network) == taken.count)
  #expect(taken.count.bytes >= 4 * network.trainableParameters * taken.value.state.count)
}

@Test func aPlanOfMoreThanAnyMachineHasTakesNothing() throws {
  var architecture = Architecture.large(segments: 65_536, tags: 65_536)
  architecture.filters = [8_192, 8_192, 8_192]
  architecture.recurrentUnits = 8_192
  let plan = try Replica.plannedMemory(architecture.network(), maximumBatch: 1 << 16)
  #expect(plan.activations.bytes > 1 << 50)
}

@Test(arguments: [0, 1 << 27, .max])
func aBatchThatNoRankCanHaveIsRefused(songs: Int) throws {
  let network = try Architecture.small(segments: 252, tags: 50).network()
  #expect { try Replica(network, maximumBatch: songs, threads: 1) } throws: { ($0 as? Failure)?.kind == .usage }
  #expect { try Replica.plannedMemory(network, maximumBatch: songs) } throws: {
    ($0 as? Failure)?.kind == .usage
  }
}

@Test func whatTheSystemRefusesIsAFailureThatTellsHowMuch() throws {
  var architecture = Architecture.small(segments: 65_536, tags: 50)
  // Its maps have more bytes than a process has addresses.
  architecture.filters[0] = 4_096
  let network = try architecture.network()
  #expect { try Replica(network, maximumBatch: 1 << 14, maximumSegments: 1 << 32, threads: 1) } throws: { error in
    let failure = error as? Failure
    let message = failure?.message ?? ""
    return failure?.kind == .fault && message.contains("iB for activations were refused by the system")
  }
}
