import CHDF5
import Diagnosis
import Foundation
import MessagePassing

/// An HDF5 file; at the same time its root group.
public final class File: Group {
  /// Of a file in memory.
  private let memory: ImageMemory?

  /// Opens a file for reading, without locking it.
  ///
  /// - Throws: `.missingInput` where there is no such file or it may not be opened, `.badData` where it is no
  ///   HDF5 file or is cut short.
  public static func open(_ path: String) throws -> File {
    try Library.exclusively { _ in
      // Opening a pipe would wait until somebody writes to it.
      var information = stat()
      if stat(path, &information) == 0, ![S_IFREG, S_IFDIR].contains(information.st_mode & S_IFMT) {
        throw Failure(.badData, "\(path): a device or pipe, not an HDF5 file")
      }
      let number = H5Fopen(path, crnn_h5_read_only(), PropertyLists.fileAccess)
      if number < 0 { throw openingFailure(path) }
      return File(number, path)
    }
  }

  /// Makes a new file, in place of any that has this path.
  public static func create(_ path: String) throws -> File {
    try Library.exclusively { scope in
      try create(path, shownAs: path, access: PropertyLists.fileAccess, scope)
    }
  }

  /// Makes a new file in memory; `image()` gives its bytes. `name` stands for the path in messages.
  ///
  /// - Parameters:
  ///   - name: stands for the path in messages.
  ///   - bytes: what the file grows by when it has no room left.
  ///   - memory: where the bytes lie; that of an earlier file is quicker than new memory. It is free for the
  ///     next file when this one is closed.
  /// - Throws: `.fault` where another file is in that memory.
  public static func createInMemory(
    name: String, growingBy bytes: Int = 256 << 10, in memory: ImageMemory = ImageMemory()
  ) throws -> File {
    try Library.exclusively { scope in
      guard memory.take() else { throw Failure(.fault, "\(name): another file is in the memory meant for it") }
      do {
        let access = PropertyLists.inMemory(growingBy: bytes, scope)
        memory.setCallbacks(of: access)
        return try create(uniqueMemoryName(), shownAs: name, access: access, in: memory, scope)
      } catch {
        memory.giveBack()
        throw error
      }
    }
  }

  /// Makes a new file that all ranks of `communicator` write together. Collective, as is then everything that changes
  /// the file: the making of groups and datasets, attributes, each writing of values (a rank may have none), and the
  /// closing (Parallel HDF5, "Collective calling requirements").
  ///
  ///     let file = try File.create("songs.h5", by: communicator)
  ///     try file.createDataset("labels", layout).write(own, fromRow: first)
  ///
  /// Where MPI joins the ranks it goes through MPI-IO, for one rank too: the file is then the same to the byte for
  /// every number of ranks. A rank that stands alone without MPI writes by itself.
  /// - Throws: `.fault` where several ranks are not joined by MPI; else as `create`.
  public static func create(_ path: String, by communicator: any Communicator) throws -> File {
    guard let world = communicator.world else {
      guard communicator.size == 1 else {
        throw Failure(.fault, "\(path): only ranks that are joined by MPI can write a file together")
      }
      return try create(path)
    }
    return try Library.exclusively { scope in
      let access = scope.own(H5Pcreate(crnn_h5_file_access()), H5Pclose)
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG)
      H5Pset_all_coll_metadata_ops(access, true)
      H5Pset_coll_metadata_write(access, true)
      guard crnn_h5_set_parallel_access(access, UnsafeMutableRawPointer(world.handle)) >= 0 else {
        throw FailedCall(file: path, object: nil, action: "choosing MPI-IO").failure(writing: true)
      }
      // Space that becomes free is not used again: which piece would be depends on the number of ranks.
      let creation = scope.own(H5Pcreate(crnn_h5_file_creation()), H5Pclose)
      H5Pset_file_space_strategy(creation, H5F_FSPACE_STRATEGY_NONE, false, 1)
      return try communicator.waiting(in: "the making of \(path) by all ranks") {
        try create(path, shownAs: path, creation: creation, access: access, by: communicator, scope)
      }
    }
  }

  private static func create(
    _ path: String, shownAs name: String, creation: hid_t = hid_t(H5P_DEFAULT), access: hid_t,
    by ranks: (any Communicator)? = nil, in memory: ImageMemory? = nil, _ scope: Scope
  ) throws -> File {
    let number = H5Fcreate(path, crnn_h5_truncate(), creation, access)
    if number < 0 {
      let failure = FailedCall(file: name, object: nil, action: "making the file").failure(writing: true)
      guard FileManager.default.fileExists(atPath: folder(of: path)) else {
        throw Failure(
          .missingInput, "\(name): cannot be written, its folder \(folder(of: path)) does not exist")
      }
      throw failure
    }
    return File(number, name, by: ranks, in: memory)
  }

  private init(_ number: hid_t, _ path: String, by ranks: (any Communicator)? = nil, in memory: ImageMemory? = nil)
  {
    self.memory = memory
    // The library writes to the memory until the file is closed, which may be after this object is gone.
    let identifier = Identifier(number, ranks: ranks) { number in
      defer { memory?.giveBack() }
      return H5Fclose(number)
    }
    super.init(identifier, name: "/", filePath: path)
  }

  /// Writes out what is pending and closes the file and everything open in it; errors are told, which they
  /// are not when the file merely goes out of scope. Collective for a file of all ranks.
  public func close() throws {
    try Library.exclusively { _ in
      var failure: Failure?
      let closed = together("closing of") {
        if H5Fflush(identifier.number, H5F_SCOPE_LOCAL) < 0 { failure = self.failure("writing", writing: true) }
        return identifier.closeNow()
      }
      if let failure { throw failure }
      if closed < 0 { throw self.failure("closing", writing: true) }
    }
  }

  /// The file's size in bytes.
  public func bytes() throws -> Int {
    try Library.exclusively { _ in
      var size: hsize_t = 0
      try checked(H5Fget_filesize(identifier.number, &size), "measuring the file")
      return Int(clamping: size)
    }
  }

  /// The whole file as bytes, as they would lie on the disk.
  ///
  /// - Parameter modificationTime: seconds since 1970 to stand for the time of the last change of all objects
  ///   that keep one (`DatasetLayout.trackTimes`), so that equal contents give equal bytes.
  public func image(modificationTime: UInt32) throws -> [UInt8] {
    var image = try image()
    replaceModificationTimes(in: &image, with: modificationTime)
    return image
  }

  /// The whole file as bytes, as they would lie on the disk.
  public func image() throws -> [UInt8] {
    try Library.exclusively { _ in
      let size = try imageBytes()
      var status = 0
      let image = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        status = H5Fget_file_image(identifier.number, buffer.baseAddress, size)
        count = status < 0 ? 0 : size
      }
      try checked(status, "copying the file")
      return image
    }
  }

  /// The bytes of a file in memory where they lie, for a moment: at an address from which disks can take them without
  /// another copy. The file is not to be changed meanwhile.
  public func withImage<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    guard let memory else { throw Failure(.fault, "\(filePath): not a file in memory") }
    return try body(Library.exclusively { _ in memory.closedFile(bytes: try imageBytes()) })
  }

  private func imageBytes() throws -> Int {
    try checked(H5Fflush(identifier.number, H5F_SCOPE_LOCAL), "writing", writing: true)
    return try checked(H5Fget_file_image(identifier.number, nil, 0), "measuring the file")
  }
}

/// HDF5 takes two files in memory for one and the same when their names agree; so none do. Call under the
/// library's lock, which guards the count.
private func uniqueMemoryName() -> String {
  memoryFiles += 1
  return "memory:\(memoryFiles)"
}
nonisolated(unsafe) private var memoryFiles = 0

/// The eight bytes that every HDF5 file starts with.
private let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

private func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Looks at the file itself to say why HDF5 could not open it. Only failures pay for this.
private func openingFailure(_ path: String) -> Failure {
  let stack = ErrorStack.take()
  var information = stat()
  guard stat(path, &information) == 0 else {
    let reason = String(cString: strerror(errno))
    return Failure(.missingInput, "\(path): \(reason.lowercased())")
  }
  if information.st_mode & S_IFMT == S_IFDIR {
    return Failure(.badData, "\(path): a folder, not an HDF5 file")
  }
  guard access(path, R_OK) == 0 else {
    return Failure(.missingInput, "\(path): cannot be read (\(String(cString: strerror(errno)).lowercased()))")
  }
  guard information.st_size > 0 else { return Failure(.badData, "\(path): an empty file, not an HDF5 file") }
  guard let start = FileHandle(forReadingAtPath: path)?.readData(ofLength: signature.count),
    start.elementsEqual(signature)
  else {
    return Failure(.badData, "\(path): not an HDF5 file (it does not start with HDF5's signature)")
  }
  if stack.entries.contains(where: { $0.hasPrefix("truncated file") }) {
    return Failure(
      .badData, "\(path): cut short: it has \(information.st_size) bytes, fewer than its header says",
      remedy: "copy or download it again")
  }
  return Failure(.badData, "\(path): damaged: \(stack.shortCause)")
}
