import CHDF5
import Diagnosis

/// What files, groups and datasets have in common: a name in a file, and attributes.
///
/// Not Sendable: objects of a file stay with the thread that opened it.
public class StoredObject {
  /// The file's path, as it was given.
  public let filePath: String
  /// The object's path inside the file; "/" for the file itself.
  public let name: String
  let identifier: Identifier

  init(_ identifier: Identifier, name: String, filePath: String) {
    self.identifier = identifier
    self.name = name
    self.filePath = filePath
  }

  /// How values are written: by all ranks of the file together, or by this one alone.
  var transferList: hid_t { identifier.ranks == nil ? hid_t(H5P_DEFAULT) : PropertyLists.collective }

  /// Runs a call in which each of a file's ranks waits for the others; a file of one rank waits for nobody.
  func together<Value>(_ action: @autoclosure () -> String, _ body: () throws -> Value) rethrows -> Value {
    guard let ranks = identifier.ranks else { return try body() }
    return try ranks.waiting(in: "the \(action()) \(filePath) by all ranks", body)
  }

  /// The path inside the file of something called `child` here.
  func path(of child: String) -> String { name == "/" ? "/" + child : name + "/" + child }

  /// A failed call on this object, told as a failure.
  func failure(_ action: String, writing: Bool = false) -> Failure {
    FailedCall(file: filePath, object: name == "/" ? nil : name, action: action).failure(writing: writing)
  }

  /// Throws when a call has reported an error (a negative number).
  @discardableResult
  func checked<Status: SignedInteger>(
    _ status: Status, _ action: @autoclosure () -> String, writing: Bool = false
  ) throws -> Status {
    if status < 0 { throw failure(action(), writing: writing) }
    return status
  }
}
