import CHDF5
import Diagnosis

/// A group of datasets and other groups; a file is its own root group.
public class Group: StoredObject {
  /// What a name in a group stands for.
  public enum Kind: Sendable {
    case group
    case dataset
    case other
  }

  /// Opens a group by its path below this one. Throws `.badData` where it is missing or no group.
  public func group(_ path: String) throws -> Group {
    try Library.exclusively { scope in
      let number = H5Gopen2(identifier.number, path, hid_t(H5P_DEFAULT))
      if number < 0 { throw openingFailure(path, "group") }
      return Group(
        Identifier(number, within: identifier, close: H5Gclose), name: self.path(of: path), filePath: filePath)
    }
  }

  /// Opens a dataset by its path below this group. Throws `.badData` where it is missing or no dataset.
  public func dataset(_ path: String) throws -> Dataset {
    try Library.exclusively { scope in
      let number = H5Dopen2(identifier.number, path, PropertyLists.datasetAccess)
      if number < 0 { throw openingFailure(path, "dataset") }
      return try Dataset(
        opened: Identifier(number, within: identifier, close: H5Dclose), name: self.path(of: path),
        filePath: filePath, scope: scope)
    }
  }

  /// Makes a group here; groups between that are missing are an error.
  public func createGroup(_ name: String, trackTimes: Bool = false) throws -> Group {
    try Library.exclusively { scope in
      let creation = scope.own(H5Pcreate(crnn_h5_group_creation()), H5Pclose)
      H5Pset_obj_track_times(creation, trackTimes)
      let number = try checked(
        H5Gcreate2(identifier.number, name, hid_t(H5P_DEFAULT), creation, hid_t(H5P_DEFAULT)),
        "making the group \(name)", writing: true)
      return Group(
        Identifier(number, within: identifier, close: H5Gclose), name: path(of: name), filePath: filePath)
    }
  }

  /// Makes a dataset here; no values are written yet.
  public func createDataset(_ name: String, _ layout: DatasetLayout) throws -> Dataset {
    try Library.exclusively { scope in
      let space = try layout.makeSpace(scope)
      let creation = layout.makeCreationList(scope)
      let type = layout.type.fileType(scope)
      let number = try checked(
        H5Dcreate2(
          identifier.number, name, type, space, hid_t(H5P_DEFAULT), creation,
          PropertyLists.datasetAccess),
        "making the dataset \(name)", writing: true)
      return try Dataset(
        opened: Identifier(number, within: identifier, close: H5Dclose), name: path(of: name), filePath: filePath,
        scope: scope)
    }
  }

  /// True where this path leads to something, step by step.
  public func contains(_ path: String) -> Bool { kind(of: path) != nil }

  /// What a path leads to, or nil where it leads to nothing.
  public func kind(of path: String) -> Kind? {
    Library.exclusively { scope in
      var walked = ""
      for step in path.split(separator: "/") {
        walked += walked.isEmpty ? String(step) : "/" + step
        if H5Lexists(identifier.number, walked, hid_t(H5P_DEFAULT)) <= 0 { return nil }
      }
      var info = H5O_info_t()
      guard H5Oget_info_by_name2(identifier.number, path, &info, H5O_INFO_BASIC, hid_t(H5P_DEFAULT)) >= 0 else {
        return nil
      }
      return switch info.type {
      case H5O_TYPE_GROUP: .group
      case H5O_TYPE_DATASET: .dataset
      default: .other
      }
    }
  }

  /// The names in this group in alphabetical order. Throws `.badData` when there are more than `limit`.
  public func childNames(limit: Int = 1 << 20) throws -> [String] {
    try Library.exclusively { scope in
      var info = H5G_info_t()
      try checked(H5Gget_info(identifier.number, &info), "listing")
      guard info.nlinks <= UInt64(limit) else {
        throw Failure(.badData, "\(filePath): \(name) has \(info.nlinks) entries, more than \(limit)")
      }
      return try childNames(count: Int(info.nlinks))
    }
  }

  /// In one pass: to ask for each name by its number is to go through the names before it each time.
  private func childNames(count: Int) throws -> [String] {
    var listing = Listing(most: count)
    var position: hsize_t = 0
    let status = withUnsafeMutablePointer(to: &listing) { listing in
      H5Literate(
        identifier.number, H5_INDEX_NAME, H5_ITER_INC, &position,
        { _, name, _, listing in
          guard let name, let listing else { return -1 }
          return listing.assumingMemoryBound(to: Listing.self).pointee.add(String(cString: name)) ? 0 : -1
        }, listing)
    }
    try checked(status, "listing")
    return listing.names
  }

  private struct Listing {
    let most: Int
    var names: [String] = []

    /// False where there are more than the group has said: a damaged one may have no end.
    mutating func add(_ name: String) -> Bool {
      names.append(name)
      return names.count <= most
    }
  }

  /// Why opening failed: missing, of another kind, or unreadable.
  private func openingFailure(_ path: String, _ expected: String) -> Failure {
    let problem = failure("opening the \(expected) \(path)")
    switch kind(of: path) {
    case nil:
      return Failure(.badData, "\(filePath): no \(expected) \(self.path(of: path)) in the file")
    case .group where expected != "group", .dataset where expected != "dataset", .other:
      return Failure(.badData, "\(filePath): \(self.path(of: path)) is no \(expected)")
    default:
      return problem
    }
  }
}
