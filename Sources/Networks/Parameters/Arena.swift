import Kernels

/// Where one tensor lies in an arena.
///
/// A tensor is a list of rows (all leading dimensions) of `groups` equal groups (the three gates of a GRU, else
/// one); every group is padded to whole vectors, so that kernels never see a remainder. The padding is zero.
public struct TensorPlacement: Equatable, Sendable {
  public let declaration: TensorDeclaration
  /// First float in the arena.
  public let offset: Int

  public var name: String { declaration.name }
  public var shape: [Int] { declaration.shape }
  public var groups: Int { declaration.groups }
  /// Product of the leading dimensions.
  public var rows: Int { shape.dropLast().reduce(1, *) }
  /// Values in a group of a row.
  public var groupWidth: Int { shape.last! / groups }
  /// Floats from one group to the next.
  public var groupStride: Int { padded(groupWidth) }
  /// Floats from one row to the next.
  public var rowStride: Int { groups * groupStride }
  /// Values without padding.
  public var count: Int { declaration.count }
  /// Floats with padding.
  public var paddedCount: Int { rows * rowStride }
}

/// Weights, moments, statistics.
public typealias ParameterArena = Arena<Float>
/// Gradients: sums over songs and ranks, which single precision would round differently for every way to divide the
/// songs (see `GradientSum`).
public typealias GradientArena = Arena<Double>

/// All tensors of one kind (weights, gradients, a moment of the optimiser, moving statistics) in one run of
/// memory: one allreduce, one optimiser pass, one checksum serves them all.
public final class Arena<Scalar: BinaryFloatingPoint & BitwiseCopyable & Sendable> {
  public let placements: [TensorPlacement]
  public let storage: AlignedRun<Scalar>
  /// Pieces of tensors that tasks work on, none of them with two tensors' values. Made where they are first asked for:
  /// most arenas never are.
  private(set) lazy var runs = Run.covering(placements)
  private let indices: [String: Int]

  /// An arena of zeros with these tensors in this order.
  public convenience init(_ tensors: [TensorDeclaration]) {
    self.init(tensors) { AlignedRun(count: $0) }
  }

  private init(_ tensors: [TensorDeclaration], _ storage: (_ count: Int) -> AlignedRun<Scalar>) {
    var offset = 0
    var placements: [TensorPlacement] = []
    for tensor in tensors {
      let placement = TensorPlacement(declaration: tensor, offset: offset)
      placements.append(placement)
      offset += placement.paddedCount
    }
    self.placements = placements
    indices = Dictionary(uniqueKeysWithValues: placements.enumerated().map { ($1.name, $0) })
    self.storage = storage(offset)
  }

  /// A piece of one tensor.
  struct Run: Sendable {
    /// Its place among the runs, and its tensor's among the tensors.
    let number: Int
    let tensor: Int
    let declaration: TensorDeclaration
    let range: Range<Int>

    /// Where its vectors begin.
    var vectors: StrideTo<Int> { stride(from: range.lowerBound, to: range.upperBound, by: vectorWidth) }

    /// Floats of a run: enough for a thread to be worth waking, few enough to share out evenly.
    static var length: Int { 1 << 14 }

    fileprivate static func covering(_ placements: [TensorPlacement]) -> [Run] {
      var runs: [Run] = []
      for (tensor, placement) in placements.enumerated() {
        let end = placement.offset + placement.paddedCount
        for start in stride(from: placement.offset, to: end, by: length) {
          runs.append(
            Run(
              number: runs.count, tensor: tensor, declaration: placement.declaration,
              range: start..<min(end, start + length)))
        }
      }
      return runs
    }
  }

  /// An arena of zeros laid out like another.
  public convenience init<Other>(like other: Arena<Other>) {
    self.init(other.placements.map(\.declaration))
  }

  /// An arena laid out like another, in memory that something else has taken (see `AlignedRun`).
  convenience init<Other>(like other: Arena<Other>, at start: UnsafeMutablePointer<Scalar>, of owner: AnyObject) {
    self.init(other.placements.map(\.declaration)) { AlignedRun(count: $0, at: start, of: owner) }
  }

  /// Values with padding.
  public var count: Int { storage.count }
  public var names: [String] { placements.map(\.name) }

  public func placement(of name: String) -> TensorPlacement? { indices[name].map { placements[$0] } }

  /// A tensor's values in the order of its shape (row-major), without padding; nil for an unknown name.
  public func values(of name: String) -> [Scalar]? {
    var values: [Scalar] = []
    return readValues(of: name, into: &values) ? values : nil
  }

  /// Reads them into an array, in the memory it has where that is of their size and nobody else's; false, and no change,
  /// for an unknown name.
  package func readValues(of name: String, into values: inout [Scalar]) -> Bool {
    guard let placement = placement(of: name) else { return false }
    if values.count != placement.count { values = [Scalar](repeating: 0, count: placement.count) }
    values.withUnsafeMutableBufferPointer { target in
      guard var next = target.baseAddress else { return }
      forEachGroup(of: placement) { start in
        next.update(from: start, count: placement.groupWidth)
        next += placement.groupWidth
      }
    }
    return true
  }

  /// Sets a tensor's values from the order of its shape; false, and no change, where name or count is wrong.
  @discardableResult
  public func setValues(_ values: [Scalar], of name: String) -> Bool {
    guard let placement = placement(of: name), placement.count == values.count else { return false }
    var next = 0
    forEachGroup(of: placement) { start in
      for i in 0..<placement.groupWidth { start[i] = values[next + i] }
      next += placement.groupWidth
    }
    return true
  }

  /// The first value of a tensor, for kernels.
  package func start(of name: String) -> UnsafeMutablePointer<Scalar> {
    guard let placement = placement(of: name) else { preconditionFailure("no tensor \(name)") }
    return storage.start + placement.offset
  }

  private func forEachGroup(of placement: TensorPlacement, _ body: (UnsafeMutablePointer<Scalar>) -> Void) {
    for row in 0..<placement.rows {
      for group in 0..<placement.groups {
        body(storage.start + placement.offset + row * placement.rowStride + group * placement.groupStride)
      }
    }
  }
}
