import CHDF5

/// The memory of a file that is made in memory, kept when the file is closed: for one file at a time, the next one takes
/// the same pages.
///
/// Fresh pages are dear where they are many: the system clears each one when it is first touched, and a virtual machine
/// may have to ask for it. 31 MB took 4 ms to fill when kept and 25 ms when new.
public final class ImageMemory: @unchecked Sendable {
  // Guarded by the library's lock: HDF5 calls in from within its own calls alone.
  private var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var isTaken = false

  /// Disks take bytes from addresses that are multiples of this without another copy.
  private static let alignment = 4096

  public init() {}

  deinit { bytes.deallocate() }

  /// Whether it could be had for a new file.
  func take() -> Bool {
    defer { isTaken = true }
    return !isTaken
  }

  func giveBack() { isTaken = false }

  /// The first bytes of the file that is in it, as they are in one that is closed: without the marks of a file that is
  /// being written (HDF5 File Format Specification, version 3, section II.A, file consistency flags).
  func closedFile(bytes count: Int) -> UnsafeRawBufferPointer {
    let file = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
    let version = file[Self.superblockVersion]
    for place in version < 2 ? 20..<24 : 11..<12 { file[place] = 0 }
    return UnsafeRawBufferPointer(file)
  }

  /// Behind the signature.
  private static let superblockVersion = 8

  private func resize(to count: Int) -> UnsafeMutableRawPointer? {
    if count > bytes.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(
        byteCount: (count + Self.alignment - 1) / Self.alignment * Self.alignment, alignment: Self.alignment)
      larger.copyMemory(from: UnsafeRawBufferPointer(bytes))
      bytes.deallocate()
      bytes = larger
    }
    return bytes.baseAddress
  }

  /// Has files with this access keep their bytes here (HDF5 File Image Operations, section 2.1.2).
  func setCallbacks(of access: hid_t) {
    var callbacks = H5FD_file_image_callbacks_t()
    callbacks.image_malloc = { size, _, memory in ImageMemory.of(memory)?.resize(to: size) }
    callbacks.image_realloc = { _, size, _, memory in ImageMemory.of(memory)?.resize(to: size) }
    callbacks.image_memcpy = { target, source, size, _, _ in
      guard let target, let source else { return nil }
      target.copyMemory(from: source, byteCount: size)
      return target
    }
    callbacks.image_free = { _, _, _ in 0 }
    // The file object holds on to the memory, so that HDF5 need not count its copies of the pointer.
    callbacks.udata_copy = { $0 }
    callbacks.udata_free = { _ in 0 }
    callbacks.udata = Unmanaged.passUnretained(self).toOpaque()
    H5Pset_file_image_callbacks(access, &callbacks)
  }

  private static func of(_ pointer: UnsafeMutableRawPointer?) -> ImageMemory? {
    pointer.map { Unmanaged<ImageMemory>.fromOpaque($0).takeUnretainedValue() }
  }
}
