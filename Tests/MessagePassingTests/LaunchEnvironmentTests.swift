import Diagnosis
import MessagePassing
import Testing

@Suite struct LaunchEnvironmentTests {
  /// What Slurm sets in a batch script: the allocation's tasks, a process id of 0, no step.
  private let batchScript = ["SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"]

  @Test func aPlainProcessMayBeAlone() throws {
    let environment = LaunchEnvironment(variables: [:])
    #expect(environment.launcher == nil && environment.speaks)
    try environment.check(worldSize: 1)
  }

  @Test func aProgramStartedPlainlyInABatchScriptMayBeAlone() throws {
    try LaunchEnvironment(variables: batchScript).check(worldSize: 1)
    let reserved = batchScript.merging(["SLURM_STEP_ID": "4294967291", "SLURM_STEP_NUM_TASKS": "1"]) { $1 }
    #expect(LaunchEnvironment(variables: reserved).launcher == nil)
  }

  @Test func lonelyRanksOfAJobStepAreRefusedWithTheRemedy() throws {
    let step = batchScript.merging(
      ["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "2"]) { $1 }
    let environment = LaunchEnvironment(variables: step)
    #expect(!environment.speaks)
    try environment.check(worldSize: 3)
    let failure = #expect(throws: Failure.self) { try environment.check(worldSize: 1) }
    #expect(failure?.kind == .usage)
    #expect(failure?.message.contains("srun started 3 processes (SLURM_STEP_NUM_TASKS)") == true)
    #expect(failure?.remedy?.contains("--mpi=pmix") == true)
  }

  @Test func aStepOfOneTaskMayBeAlone() throws {
    let step = batchScript.merging(["SLURM_STEP_ID": "1", "SLURM_STEP_NUM_TASKS": "1"]) { $1 }
    let environment = LaunchEnvironment(variables: step)
    try environment.check(worldSize: 1)
    #expect(environment.isAlone)
    #expect(!LaunchEnvironment(variables: step.merging(["PMIX_RANK": "0"]) { $1 }).isAlone)
    #expect(!LaunchEnvironment(variables: ["OMPI_COMM_WORLD_SIZE": "1"]).isAlone)
  }

  @Test func mpirunInsideABatchJobCountsItsOwnProcessesNotTheDaemonsOfItsStep() throws {
    let variables = batchScript.merging(
      [
        "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2", "OMPI_COMM_WORLD_SIZE": "6",
        "OMPI_COMM_WORLD_RANK": "5",
      ]) { $1 }
    let environment = LaunchEnvironment(variables: variables)
    #expect(environment.launcher?.processes == 6 && environment.launcher?.process == 5)
    try environment.check(worldSize: 6)
  }

  @Test func anotherLibrarysMpirunIsNoticed() {
    let environment = LaunchEnvironment(variables: ["PMI_SIZE": "4", "PMI_RANK": "0"])
    #expect(throws: Failure.self) { try environment.check(worldSize: 1) }
  }

  @Test func srunWithoutAWayToConnectIsSeenBeforeMPIStarts() {
    let step = batchScript.merging(["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"]) { $1 }
    #expect(!LaunchEnvironment(variables: step).offersConnection)
    let failure = #expect(throws: Failure.self) { try LaunchEnvironment(variables: step).checkConnection() }
    #expect(failure?.kind == .usage && failure?.description.contains("srun --mpi=pmix") == true)
    let single = step.merging(["SLURM_STEP_NUM_TASKS": "1"]) { $1 }
    #expect(throws: Never.self) { try LaunchEnvironment(variables: single).checkConnection() }
    #expect(LaunchEnvironment(variables: step.merging(["PMIX_RANK": "0"]) { $1 }).offersConnection)
    #expect(LaunchEnvironment(variables: ["OMPI_COMM_WORLD_SIZE": "2"]).offersConnection)
    #expect(LaunchEnvironment(variables: [:]).offersConnection)
    let secondInterface = step.merging(["PMI_FD": "11", "PMI_SIZE": "2", "PMI_RANK": "1"]) { $1 }
    let environment = LaunchEnvironment(variables: secondInterface)
    #expect(environment.offersConnection && environment.launcher?.name == "srun" && !environment.speaks)
  }

  @Test func nonsenseInTheEnvironmentIsIgnored() throws {
    let variables = ["OMPI_COMM_WORLD_SIZE": "many", "PMI_SIZE": "-3", "SLURM_STEP_ID": ""]
    try LaunchEnvironment(variables: variables).check(worldSize: 1)
  }
}
