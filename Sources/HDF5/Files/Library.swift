import CHDF5
import Foundation
import MessagePassing

/// The library as a whole. Debian's parallel build is not thread-safe, so every call into it is made while
/// holding one lock; in the program only one thread calls it anyway, and the lock then costs nanoseconds.
enum Library {
  private static let lock = NSRecursiveLock()

  /// Runs once, before the first call: opens the library, stops it from printing errors to standard error, and
  /// takes from it what a hostile file could misuse: links into other files, and the loading of plug-ins for
  /// filters of the file's choice.
  private static let start: Void = {
    H5open()
    H5Eset_auto2(hid_t(H5E_DEFAULT), nil, nil)
    H5Lunregister(H5L_TYPE_EXTERNAL)
    H5PLset_loading_state(0)
  }()

  /// Runs `body` while no other thread is inside the library, and closes what its scope owns afterwards.
  @discardableResult
  static func exclusively<Result>(_ body: (Scope) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    _ = start
    let scope = Scope()
    defer { scope.closeAll() }
    return try body(scope)
  }
}

/// The library's objects that live no longer than one operation: types, spaces, property lists.
///
/// Numbers do not keep anything alive, so a temporary object that owned one could be gone before the call that
/// is given its number; a scope keeps them all until the operation ends.
final class Scope {
  private var owned: [(number: hid_t, close: (hid_t) -> herr_t)] = []

  /// Takes over an object until the operation ends. Negative numbers (errors) pass through.
  func own(_ number: hid_t, _ close: @escaping (hid_t) -> herr_t) -> hid_t {
    if number >= 0 { owned.append((number, close)) }
    return number
  }

  fileprivate func closeAll() {
    for object in owned.reversed() { _ = object.close(object.number) }
  }
}

/// One of HDF5's numbers for an open object; closed when nothing refers to it any more.
///
/// The identifiers of objects inside a file keep the file's own identifier alive, so files close last. Only
/// objects that own an identifier use its number, in their own methods: these keep it alive while they run.
final class Identifier {
  let number: hid_t
  private let close: (hid_t) -> herr_t
  private let parent: Identifier?
  private var isOpen = true
  /// The ranks that write the object's file together; nil where this one writes it alone.
  let ranks: (any Communicator)?

  /// Takes over `number`.
  /// - Parameter ranks: for a file; what is in a file has its file's.
  init(
    _ number: hid_t, within parent: Identifier? = nil, ranks: (any Communicator)? = nil,
    close: @escaping (hid_t) -> herr_t
  ) {
    self.number = number
    self.parent = parent
    self.ranks = ranks ?? parent?.ranks
    self.close = close
  }

  deinit { _ = closeNow() }

  /// Closes at once; negative when the library reports an error. Closing twice does nothing.
  func closeNow() -> herr_t {
    guard isOpen else { return 0 }
    isOpen = false
    return Library.exclusively { _ in close(number) }
  }
}
