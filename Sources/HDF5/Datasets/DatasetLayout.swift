import CHDF5
import Diagnosis

/// How a new dataset lies in its file.
public struct DatasetLayout: Sendable, Equatable {
  public var type: ElementType
  /// Elements along each axis; empty for a single value.
  public var shape: [Int]
  /// How far the dataset may grow; nil for the shape itself. Needs `chunk`.
  public var maximumShape: [Extent]?
  /// Elements of one chunk along each axis; nil for one contiguous block without filters.
  public var chunk: [Int]?
  /// Byte shuffle before compression: bytes of like significance beside one another.
  public var shuffle: Bool
  /// Deflate's level 1…9; nil leaves the values as they are.
  public var deflate: Int?
  /// Write the fill value when space is allocated (nil: only where a fill value was set).
  public var fillsOnAllocation: Bool
  /// Keep the time of the last change. Off by default, so that equal contents give equal files.
  public var trackTimes: Bool

  /// One axis's largest extent.
  public enum Extent: Sendable, Equatable {
    case fixed(Int)
    case unlimited
  }

  public init(
    _ type: ElementType, shape: [Int], maximumShape: [Extent]? = nil, chunk: [Int]? = nil, shuffle: Bool = false,
    deflate: Int? = nil, fillsOnAllocation: Bool = false, trackTimes: Bool = false
  ) {
    self.type = type
    self.shape = shape
    self.maximumShape = maximumShape
    self.chunk = chunk
    self.shuffle = shuffle
    self.deflate = deflate
    self.fillsOnAllocation = fillsOnAllocation
    self.trackTimes = trackTimes
  }

  func makeSpace(_ scope: Scope) throws -> hid_t {
    guard (shape + (chunk ?? [])).allSatisfy({ $0 >= 0 }), chunk.map({ $0.count == shape.count }) ?? true,
      maximumShape.map({ $0.count == shape.count && chunk != nil }) ?? true
    else { throw Failure(.fault, "a dataset layout whose axes do not match: \(self)") }
    if shape.isEmpty { return scope.own(H5Screate(H5S_SCALAR), H5Sclose) }
    let maximum = maximumShape?.map { extent in
      switch extent {
      case .fixed(let count): hsize_t(count)
      case .unlimited: crnn_h5_unlimited()
      }
    }
    let dimensions = shape.map(hsize_t.init)
    return scope.own(H5Screate_simple(Int32(shape.count), dimensions, maximum ?? dimensions), H5Sclose)
  }

  func makeCreationList(_ scope: Scope) -> hid_t {
    let list = scope.own(H5Pcreate(crnn_h5_dataset_creation()), H5Pclose)
    if let chunk {
      H5Pset_chunk(list, Int32(chunk.count), chunk.map(hsize_t.init))
      if shuffle { H5Pset_shuffle(list) }
      if let deflate { H5Pset_deflate(list, UInt32(deflate)) }
    }
    if fillsOnAllocation { H5Pset_fill_time(list, H5D_FILL_TIME_ALLOC) }
    H5Pset_obj_track_times(list, trackTimes)
    return list
  }
}
