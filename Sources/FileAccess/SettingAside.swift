import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Gives a damaged file another name in its folder, `NAME.damaged` or `NAME.damaged-2` and so on, so that its own is
/// free and nothing is lost. No file is replaced.
/// - Returns: the new path.
/// - Throws: `fault`; the file has its name still.
public func setAside(_ path: String) throws -> String {
  var number = 1
  while true {
    let aside = path + ".damaged" + (number == 1 ? "" : "-\(number)")
    do throws(SystemError) {
      try renameOntoNothing(path, aside)
      return aside
    } catch {
      guard error.number == EEXIST else {
        throw Failure(.fault, "\(path): is damaged and cannot be set aside as \(aside): \(error)")
      }
      number += 1
    }
  }
}

private func renameOntoNothing(_ path: String, _ target: String) throws(SystemError) {
  // A link takes no name that is taken; a renaming would.
  if link(path, target) == 0 {
    guard unlink(path) == 0 else { throw .last }
    return
  }
  let problem = SystemError.last
  guard problem.number != EEXIST else { throw problem }
  // A folder, or a file system without links.
  var status = stat()
  guard lstat(target, &status) != 0 else { throw SystemError(number: EEXIST) }
  guard rename(path, target) == 0 else { throw .last }
}
