import CHDF5
import Diagnosis

/// What HDF5 says about its last failed call: from the innermost cause to the function that was called.
struct ErrorStack {
  /// The innermost entry's text, such as "truncated file: eof = 100, sblock->base_addr = 0, stored_eof = 2048".
  private(set) var cause: String?
  /// Every entry's text, the cause first.
  private(set) var entries: [String] = []

  /// Reads the stack and empties it. Call under the library's lock, right after the failed call.
  static func take() -> ErrorStack {
    var stack = ErrorStack()
    withUnsafeMutablePointer(to: &stack) { pointer in
      _ = H5Ewalk2(
        hid_t(H5E_DEFAULT), H5E_WALK_UPWARD,
        { _, entry, context in
          guard let entry, let context, let text = entry.pointee.desc else { return 0 }
          let stack = context.assumingMemoryBound(to: ErrorStack.self)
          stack.pointee.entries.append(String(cString: text))
          return 0
        }, pointer)
    }
    H5Eclear2(hid_t(H5E_DEFAULT))
    stack.cause = stack.entries.first
    return stack
  }

  /// The cause in a few words: the operating system's own message where there is one.
  var shortCause: String {
    guard let cause else { return "HDF5 gives no cause" }
    guard let system = systemMessage else { return cause }
    return system
  }

  /// The text between the quotes of "error message = '...'" in any entry.
  private var systemMessage: String? {
    for entry in entries {
      guard let start = entry.range(of: "error message = '") else { continue }
      return String(entry[start.upperBound...].prefix { $0 != "'" })
    }
    return nil
  }

  /// True when the file system had no room left (or the user's quota was used up).
  var saysDiskFull: Bool {
    entries.contains { entry in
      ["No space left on device", "Disk quota exceeded", "MPI_ERR_NO_SPACE", "MPI_ERR_QUOTA"]
        .contains { entry.contains($0) }
    }
  }
}

/// What was being done when a call failed: enough to name the file, the object and the step.
struct FailedCall {
  let file: String
  let object: String?
  let action: String

  /// A failed call as the failure to throw: a full disk and other faults of writing are the machine's, what
  /// fails in reading is the file's.
  func failure(writing: Bool) -> Failure {
    let stack = ErrorStack.take()
    let place = object.map { "\(file): \($0)" } ?? file
    if stack.saysDiskFull {
      return Failure(
        .unwritable, "\(place): \(action) failed: the disk is full or the quota used up (\(stack.shortCause))",
        remedy: "make room or name another folder, then run the same line again")
    }
    return Failure(writing ? .fault : .badData, "\(place): \(action) failed: \(stack.shortCause)")
  }
}
