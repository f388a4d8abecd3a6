import Diagnosis
import Foundation

/// What the launcher (mpirun, srun) told this process through the environment.
///
/// When the launcher's process-management interface is not the one the MPI library speaks, each of N processes
/// starts as rank 0 of a world of one, and all of them do the whole job, over one another's files
/// (open-mpi/ompi#13523). Comparing MPI's world with the launcher's own count exposes that.
public struct LaunchEnvironment: Sendable {
  /// Who started the processes, as far as can be told.
  public struct Launcher: Sendable, Equatable {
    /// The command a user knows: `mpirun` or `srun`.
    public let name: String
    /// The environment variable that tells the number of processes.
    public let variable: String
    /// How many processes were started.
    public let processes: Int
    /// This one's number among them, from 0; nil where the launcher does not tell.
    public let process: Int?
  }

  /// Nil for a process that was started plainly: also in a batch script, where the batch system's variables
  /// describe the allocation but nobody started one process for each task.
  public let launcher: Launcher?

  /// Whether srun offers the processes a way to find each other (`--mpi=pmix`, `pmi2`); true under any other
  /// launcher.
  public let offersConnection: Bool

  /// Whether nobody else was started, and MPI need not look for a launcher: a plain process, or a single task
  /// of srun without PMIx.
  public let isAlone: Bool

  public static var current: LaunchEnvironment {
    LaunchEnvironment(variables: ProcessInfo.processInfo.environment)
  }

  public init(variables: [String: String]) {
    func number(_ name: String) -> Int? { variables[name].flatMap { Int($0) } }
    func started(by name: String, _ variable: String, process: String) -> Launcher? {
      guard let processes = number(variable), processes > 0 else { return nil }
      return Launcher(name: name, variable: variable, processes: processes, process: number(process))
    }
    // mpirun comes first: inside a batch job it starts its daemons with srun, whose variables its processes
    // inherit, and those count daemons.
    let launcher =
      started(by: "mpirun", "OMPI_COMM_WORLD_SIZE", process: "OMPI_COMM_WORLD_RANK")
      ?? started(
        by: variables["PMI_SIZE"] == variables["SLURM_STEP_NUM_TASKS"] ? "srun" : "the launcher", "PMI_SIZE",
        process: "PMI_RANK")
      ?? (Self.isJobStep(variables)
        ? started(by: "srun", "SLURM_STEP_NUM_TASKS", process: "SLURM_PROCID")
          ?? started(by: "srun", "SLURM_NTASKS", process: "SLURM_PROCID")
        : nil)
    self.launcher = launcher
    isAlone = launcher.map { $0.name == "srun" && $0.processes == 1 && variables["PMIX_RANK"] == nil } ?? true
    offersConnection =
      launcher?.name != "srun" || variables["PMIX_RANK"] != nil || variables["PMI_FD"] != nil
      || variables["PMI_RANK"] != nil
  }

  /// Whether srun started this process. A batch script also has SLURM_PROCID and SLURM_NTASKS, but no step id,
  /// or one of the reserved ones at the end of the 32-bit range (batch, interactive, extern).
  private static func isJobStep(_ variables: [String: String]) -> Bool {
    guard let text = variables["SLURM_STEP_ID"] ?? variables["SLURM_STEPID"], let step = Int(text) else {
      return false
    }
    return step >= 0 && step < 0xFFFF_FFF0
  }

  /// Whether this process should speak for all before MPI has started: the launcher's first one, or one alone.
  public var speaks: Bool { (launcher?.process ?? 0) == 0 }

  /// Throws (64) when it is clear before MPI starts that the processes will not find each other.
  public func checkConnection() throws {
    guard let launcher, launcher.processes > 1, !offersConnection else { return }
    throw Failure(
      .usage,
      "\(launcher.name) started \(launcher.processes) processes (\(launcher.variable)) without a way to find each "
        + "other", remedy: remedy)
  }

  /// Throws (64) when MPI's world is smaller than the number of processes that were started.
  public func check(worldSize: Int) throws {
    guard let launcher, worldSize < launcher.processes else { return }
    throw Failure(
      .usage,
      "\(launcher.name) started \(launcher.processes) processes (\(launcher.variable)), but MPI sees a world of "
        + "\(worldSize): each would do the whole job alone",
      remedy: remedy)
  }

  private var remedy: String {
    launcher?.name == "srun"
      ? "try srun --mpi=pmix, or start with mpirun inside the allocation; srun --mpi=list shows what Slurm has"
      : "start with the mpirun that belongs to \(MPICommunicator.libraryVersion.prefix { $0 != "," })"
  }
}
