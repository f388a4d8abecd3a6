#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What this machine does at most with the threads of a team: the bounds of a step's phases. Measured, since nothing
/// that could be looked up holds for a share of a machine.
public struct MachineRates: Sendable {
  /// Multiplications and additions a second in large single-precision products of the library.
  public let productOperations: Double
  /// Bytes a second that are read and written where no cache holds the arrays, counted as STREAM's triad counts them
  /// (McCalpin 1995): two reads and one write, without the read that a write may bring about.
  public let memoryBytes: Double

  /// Takes about half a second and, for that time, three arrays of 64 MiB or of the last cache's size.
  public static func measure(threads: Int) -> MachineRates {
    let team = ThreadTeam(threads: threads)
    return MachineRates(productOperations: measureProducts(team), memoryBytes: measureMemory(team))
  }

  /// The best of so many tries: what the machine can, not what others left of it at the moment.
  private static let tries = 5

  private static func best(_ body: () -> Void) -> Double {
    body()  // Pages are touched, cores wake up.
    return (0..<tries).reduce(Double.infinity) { best, _ in
      let start = StepProfile.now()
      body()
      return min(best, StepProfile.now() - start)
    }
  }

  private static func measureProducts(_ team: ThreadTeam) -> Double {
    let size = 768
    let tasks = team.threads * 2
    let left = ones(size * size)
    let right = ones(size * size)
    let products = AlignedBuffer(count: tasks * size * size)
    let seconds = best {
      team.forEach(tasks) { task in
        MatrixProduct.multiply(
          rows: size, columns: size, inner: size, a: left.start, aStride: size, b: right.start, bStride: size,
          c: products.start + task * size * size, cStride: size)
      }
    }
    return withExtendedLifetime((left, right, products)) { Double(2 * size * size * size * tasks) / seconds }
  }

  private static func measureMemory(_ team: ThreadTeam) -> Double {
    let run = 1 << 18
    #if canImport(Glibc)
      let lastCache = max(0, Int(sysconf(Int32(_SC_LEVEL3_CACHE_SIZE))))
    #else
      let lastCache = 0  // Nobody can be asked.
    #endif
    let tasks = max(64 << 20, lastCache) / MemoryLayout<Float>.stride / run
    let (first, second) = (ones(tasks * run), ones(tasks * run))
    let sum = AlignedBuffer(count: tasks * run)
    let seconds = best {
      team.forEach(tasks) { task in
        for i in stride(from: task * run, to: (task + 1) * run, by: vectorWidth) {
          Vector.load(first.start + i).addingProduct(Vector.load(second.start + i), 3).store(sum.start + i)
        }
      }
    }
    return withExtendedLifetime((first, second, sum)) {
      Double(3 * tasks * run * MemoryLayout<Float>.stride) / seconds
    }
  }

  private static func ones(_ count: Int) -> AlignedBuffer {
    let buffer = AlignedBuffer(count: count)
    buffer.start.update(repeating: 1, count: count)
    return buffer
  }
}
