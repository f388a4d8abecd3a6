import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The threads of one replica. They live as long as the team and wait, spinning briefly, then asleep, for the
/// next parallel region; a training step has dozens of regions, some of a few microseconds.
///
/// Work is cut into tasks whose number and contents never depend on the number of threads; threads only decide
/// who executes a task. That is why results do not depend on the number of threads.
public final class ThreadTeam: @unchecked Sendable {
  /// Threads that work, the caller's included.
  public let threads: Int
  /// Where phases are timed, if anywhere. Set and used by the calling thread only.
  public var profile: StepProfile?
  /// Why the system started fewer threads than were wanted, in its words; nil: it started all of them. A team that is
  /// short of threads must not be used.
  public private(set) var refusal: String?
  /// What the calling thread does now and then between two tasks, such as moving messages on. Set and used by the
  /// calling thread only.
  public var interlude: Interlude?
  private let region: Region
  private var handles: [pthread_t] = []

  public init(threads: Int) {
    precondition(threads >= 1)
    self.threads = threads
    region = Region(workers: threads - 1)
    for _ in 1..<threads {
      var handle = pthread_t()
      let context = Unmanaged.passRetained(region).toOpaque()
      let code = pthread_create(
        &handle, nil,
        { context in
          let region = Unmanaged<Region>.fromOpaque(context!).takeRetainedValue()
          region.serve()
          return nil
        }, context)
      guard code == 0 else {
        Unmanaged<Region>.fromOpaque(context).release()
        refusal = String(cString: strerror(code))
        return
      }
      handles.append(handle)
    }
  }

  deinit {
    region.stop()
    for handle in handles { pthread_join(handle, nil) }
  }

  /// Runs `body` for every task number in `0..<tasks`, on all threads, in no particular order, and returns when
  /// all are done. A thread takes the next number as soon as it is free.
  public func forEach(_ tasks: Int, _ body: (Int) -> Void) {
    if tasks <= 0 { return }
    if threads == 1 || tasks == 1 {
      for task in 0..<tasks {
        body(task)
        interlude?.playIfDue()
      }
      return
    }
    withoutActuallyEscaping(body) { body in region.run(tasks: tasks, interlude, body) }
  }
}

/// The state that the threads of a team share.
private final class Region: @unchecked Sendable {
  private let workers: Int
  private var body: ((Int) -> Void)?
  private var tasks = 0
  private let nextTask = Atomic<Int>(0)
  /// Rises by one with every region; negative ends the threads.
  private let generation = Atomic<Int>(0)
  private let unfinished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Looks at the generation before a thread goes to sleep: some tens of microseconds.
  private static let spins = 20_000

  init(workers: Int) {
    self.workers = workers
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func run(tasks: Int, _ interlude: Interlude?, _ body: @escaping (Int) -> Void) {
    self.body = body
    self.tasks = tasks
    nextTask.store(0, ordering: .relaxed)
    unfinished.store(workers, ordering: .relaxed)
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    wakeSleepers()
    work(body, interlude)
    var spun = 0
    while unfinished.load(ordering: .acquiring) > 0 {
      spun += 1
      if spun > Self.spins { sched_yield() }
    }
    self.body = nil
  }

  func stop() {
    generation.store(-1, ordering: .sequentiallyConsistent)
    wakeSleepers()
  }

  func serve() {
    var seen = 0
    while true {
      let current = waitForRegion(after: seen)
      if current < 0 { return }
      seen = current
      work(body!)
      unfinished.wrappingSubtract(1, ordering: .releasing)
    }
  }

  private func work(_ body: (Int) -> Void, _ interlude: Interlude? = nil) {
    while true {
      let task = nextTask.wrappingAdd(1, ordering: .relaxed).oldValue
      if task >= tasks { return }
      body(task)
      interlude?.playIfDue()
    }
  }

  private func waitForRegion(after seen: Int) -> Int {
    for _ in 0..<Self.spins {
      let current = generation.load(ordering: .acquiring)
      if current != seen { return current }
    }
    pthread_mutex_lock(mutex)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    var current = generation.load(ordering: .sequentiallyConsistent)
    while current == seen {
      pthread_cond_wait(condition, mutex)
      current = generation.load(ordering: .sequentiallyConsistent)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
    return current
  }

  private func wakeSleepers() {
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }
}
