import Diagnosis
import Kernels

/// Everything that a replica takes memory for, taken or only planned: both by the same initialisers, so that a plan is
/// what a replica takes.
struct ReplicaBuffers {
  let tensors: LayerTensors
  let gradientSum: ParameterArena
  let input: Signal
  let passes: [any LayerPass]
  let outputPass: any OutputPass
  let scratch: AlignedBuffer
  let memory: ReplicaMemory

  /// - Throws: `Failure` of kind `fault` for a network whose last layer does not judge.
  init(
    _ network: Network, _ size: ReplicaSize, _ team: ThreadTeam, _ mode: MemoryAccount.Mode,
    _ gradientMemory: GradientMemory? = nil
  ) throws {
    let (weights, weightMemory) = MemoryAccount.counting(mode) {
      let moving = ParameterArena(network.statisticTensors)
      return (ParameterArena(network.trainableTensors), moving, ParameterArena(like: moving))
    }
    let (arenas, gradientCount) = MemoryAccount.counting(mode) {
      guard let memory = gradientMemory else {
        return (GradientArena(like: weights.0), ParameterArena(like: weights.0))
      }
      return (
        GradientArena(like: weights.0, at: memory.gradients, of: memory.owner),
        ParameterArena(like: weights.0, at: memory.sum, of: memory.owner)
      )
    }
    let gradients = arenas.0
    gradientSum = arenas.1
    let tensors = LayerTensors(
      parameters: weights.0, gradients: gradients, movingStatistics: weights.1, batchStatistics: weights.2)
    let (activations, activationMemory) = MemoryAccount.counting(mode) {
      let input = Signal(input: network.input)
      let passes = Network.makePasses(
        of: network.layers, on: input, tensors, maximumBatch: size.songs, maximumSegments: size.segments,
        team: team)
      return (input, passes, AlignedBuffer(count: passes.reduce(0) { max($0, $1.scratchCount) }))
    }
    guard let outputPass = activations.1.last as? any OutputPass else {
      throw Failure(.fault, "a network's last layer does not judge")
    }
    self.tensors = tensors
    (input, passes, scratch) = activations
    self.outputPass = outputPass
    memory = ReplicaMemory(weights: weightMemory, gradients: gradientCount, activations: activationMemory)
  }
}

extension Replica {
  /// What a replica's buffers will take. Takes nothing.
  ///
  ///     let memory = try Replica.plannedMemory(network, maximumBatch: 32)
  ///
  /// - Throws: `Failure` of kind `usage` for a batch without songs, or of more than a rank can have.
  public static func plannedMemory(
    _ network: Network, maximumBatch: Int, maximumSegments: Int? = nil
  ) throws -> ReplicaMemory {
    let size = try ReplicaSize(network, maximumBatch: maximumBatch, maximumSegments: maximumSegments)
    // No buffer depends on the number of threads.
    return try ReplicaBuffers(network, size, ThreadTeam(threads: 1), .planning).memory
  }
}
