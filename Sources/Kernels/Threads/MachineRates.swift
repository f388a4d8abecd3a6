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

  /// Takes about half a second and, for that time, three arrays of 64 MiB or of the last cache's size; nil where the
  /// system refuses the memory or the threads for it.
  public static func measure(threads: Int) -> MachineRates? {
    let (arrays, taken) = MemoryAccount.counting(.taking) { Arrays(threads: threads) }
    guard taken.refusedBytes == nil else { return nil }
    let team = ThreadTeam(threads: threads)
    guard team.refusal == nil else { return nil }
    return MachineRates(
      productOperations: measureProducts(arrays, team), memoryBytes: measureMemory(arrays, team))
  }

  /// What measuring takes, for its time.
  public static func plannedMemory(threads: Int) -> MemoryCount {
    MemoryAccount.counting(.planning) { Arrays(threads: threads) }.count
  }

  /// What is computed with: the products' factors and results, and the three arrays of the sums.
  private struct Arrays {
    static let size = 768
    static let run = 1 << 18

    /// Products, and runs of a sum.
    let products: Int
    let runs: Int
    let left = AlignedBuffer(count: size * size)
    let right = AlignedBuffer(count: size * size)
    let results: AlignedBuffer
    let first: AlignedBuffer
    let second: AlignedBuffer
    let sum: AlignedBuffer

    init(threads: Int) {
      products = threads * 2
      results = AlignedBuffer(count: products * Self.size * Self.size)
      #if canImport(Glibc)
        let lastCache = max(0, Int(sysconf(Int32(_SC_LEVEL3_CACHE_SIZE))))
      #else
        let lastCache = 0  // Nobody can be asked.
      #endif
      runs = max(64 << 20, lastCache) / MemoryLayout<Float>.stride / Self.run
      first = AlignedBuffer(count: runs * Self.run)
      second = AlignedBuffer(count: runs * Self.run)
      sum = AlignedBuffer(count: runs * Self.run)
    }
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

  private static func measureProducts(_ arrays: Arrays, _ team: ThreadTeam) -> Double {
    let (size, tasks) = (Arrays.size, arrays.products)
    let (left, right) = (ones(arrays.left), ones(arrays.right))
    let seconds = best {
      team.forEach(tasks) { task in
        MatrixProduct.multiply(
          rows: size, columns: size, inner: size, a: left, aStride: size, b: right, bStride: size,
          c: arrays.results.start + task * size * size, cStride: size)
      }
    }
    return withExtendedLifetime(arrays) { Double(2 * size * size * size * tasks) / seconds }
  }

  private static func measureMemory(_ arrays: Arrays, _ team: ThreadTeam) -> Double {
    let (run, tasks) = (Arrays.run, arrays.runs)
    let (first, second, sum) = (ones(arrays.first), ones(arrays.second), arrays.sum.start)
    let seconds = best {
      team.forEach(tasks) { task in
        for i in stride(from: task * run, to: (task + 1) * run, by: vectorWidth) {
          Vector.load(first + i).addingProduct(Vector.load(second + i), 3).store(sum + i)
        }
      }
    }
    return withExtendedLifetime(arrays) {
      Double(3 * tasks * run * MemoryLayout<Float>.stride) / seconds
    }
  }

  private static func ones(_ buffer: AlignedBuffer) -> UnsafeMutablePointer<Float> {
    buffer.start.update(repeating: 1, count: buffer.count)
    return buffer.start
  }
}
