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
    region = Region(threads: threads)
    for number in 1..<threads {
      var handle = pthread_t()
      let context = Unmanaged.passRetained(Worker(region, number)).toOpaque()
      let code = pthread_create(
        &handle, nil,
        { context in
          let worker = Unmanaged<Worker>.fromOpaque(context!).takeRetainedValue()
          worker.region.serve(worker.number)
          return nil
        }, context)
      guard code == 0 else {
        Unmanaged<Worker>.fromOpaque(context).release()
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
  /// all are done.
  ///
  /// Each thread begins with a share of its own, the same of the same number of tasks, so that what it wrote in one region
  /// is in its processor's cache when it reads it in the next; who has done its share helps the others.
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

/// What a new thread is told.
private final class Worker {
  let region: Region
  let number: Int

  init(_ region: Region, _ number: Int) { (self.region, self.number) = (region, number) }
}

/// The state that the threads of a team share.
private final class Region: @unchecked Sendable {
  private let threads: Int
  private var body: ((Int) -> Void)?
  private var tasks = 0
  /// The next task of each thread's share, each in cache lines of its own.
  private let nextTasks: UnsafeMutablePointer<Atomic<Int>>
  private static let lineOfCounters = 16
  /// Rises by one with every region; negative ends the threads.
  private let generation = Atomic<Int>(0)
  private let unfinished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Looks at the generation before a thread lets others run, some tens of microseconds; and times that it does so, some
  /// hundreds, before it goes to sleep. To be woken takes fifty and more, as long as a small network's layer.
  private static let spins = 20_000
  private static let yields = 1_000

  init(threads: Int) {
    self.threads = threads
    nextTasks = .allocate(capacity: threads * Self.lineOfCounters)
    for place in 0..<threads * Self.lineOfCounters { (nextTasks + place).initialize(to: Atomic(0)) }
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
    nextTasks.deinitialize(count: threads * Self.lineOfCounters)
    nextTasks.deallocate()
  }

  func run(tasks: Int, _ interlude: Interlude?, _ body: @escaping (Int) -> Void) {
    self.body = body
    self.tasks = tasks
    for thread in 0..<threads { nextTask(of: thread).pointee.store(firstTask(of: thread), ordering: .relaxed) }
    unfinished.store(threads - 1, ordering: .relaxed)
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    wakeSleepers()
    work(0, body, interlude)
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

  func serve(_ thread: Int) {
    var seen = 0
    while true {
      let current = waitForRegion(after: seen)
      if current < 0 { return }
      seen = current
      work(thread, body!)
      unfinished.wrappingSubtract(1, ordering: .releasing)
    }
  }

  /// A thread's own share first, then what is left of the next one's, and so on around.
  private func work(_ thread: Int, _ body: (Int) -> Void, _ interlude: Interlude? = nil) {
    for distance in 0..<threads {
      let owner = (thread + distance) % threads
      let (next, end) = (nextTask(of: owner), firstTask(of: owner + 1))
      // To look costs the others nothing, to take a number does.
      while next.pointee.load(ordering: .relaxed) < end {
        let task = next.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
        if task >= end { break }
        body(task)
        interlude?.playIfDue()
      }
    }
  }

  private func nextTask(of thread: Int) -> UnsafeMutablePointer<Atomic<Int>> {
    nextTasks + thread * Self.lineOfCounters
  }

  /// Shares lie side by side; the first task behind the last one's is the number of all.
  private func firstTask(of thread: Int) -> Int { thread * tasks / threads }

  private func waitForRegion(after seen: Int) -> Int {
    for _ in 0..<Self.spins {
      let current = generation.load(ordering: .acquiring)
      if current != seen { return current }
    }
    for _ in 0..<Self.yields {
      sched_yield()
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
