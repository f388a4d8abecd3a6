import CHDF5

/// A file's bytes in memory, lent to HDF5 instead of copied by it: its own way makes four copies of each image,
/// which takes longer than reading the file.
///
/// HDF5 asks through callbacks for memory, copies and release (HDF5 Reference Manual,
/// H5Pset_file_image_callbacks); all of them answer with the one block here. Property lists hold a reference
/// through the copy and free of their user data, files through the memory they ask for when opened and give back
/// when closed.
final class ImageMemory {
  private let bytes: UnsafeMutableRawBufferPointer

  init(_ image: [UInt8]) {
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(image.count, 1), alignment: 64)
    bytes.copyBytes(from: image)
  }

  deinit { bytes.deallocate() }

  /// Makes this the image of the files that are opened with a property list. Negative on errors.
  func lend(to list: hid_t) -> herr_t {
    var callbacks = H5FD_file_image_callbacks_t()
    callbacks.udata = Unmanaged.passUnretained(self).toOpaque()
    callbacks.udata_copy = { reference in
      guard let reference else { return nil }
      return Unmanaged<ImageMemory>.fromOpaque(reference).retain().toOpaque()
    }
    callbacks.udata_free = { reference in
      if let reference { Unmanaged<ImageMemory>.fromOpaque(reference).release() }
      return 0
    }
    callbacks.image_malloc = { size, operation, reference in
      guard let reference else { return nil }
      let memory = Unmanaged<ImageMemory>.fromOpaque(reference)
      let bytes = memory.takeUnretainedValue().bytes
      guard size <= bytes.count else { return nil }
      if operation == H5FD_FILE_IMAGE_OP_FILE_OPEN { _ = memory.retain() }
      return bytes.baseAddress
    }
    // Source and destination are the same block.
    callbacks.image_memcpy = { destination, _, _, _, _ in destination }
    // Files that are only read never grow.
    callbacks.image_realloc = { _, _, _, _ in nil }
    callbacks.image_free = { _, operation, reference in
      if operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE, let reference {
        Unmanaged<ImageMemory>.fromOpaque(reference).release()
      }
      return 0
    }
    let status = H5Pset_file_image_callbacks(list, &callbacks)
    return status < 0 ? status : H5Pset_file_image(list, bytes.baseAddress, bytes.count)
  }
}
