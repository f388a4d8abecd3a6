import CHDF5

/// The property lists that many calls share, made once and never closed. Calls only read them.
enum PropertyLists {
  /// Access to one file by one process: no lock on it (shared file systems refuse locks), and closing the file
  /// closes all in it.
  static let fileAccess: hid_t = {
    let list = H5Pcreate(crnn_h5_file_access())
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG)
    H5Pset_file_locking(list, false, true)
    return list
  }()

  /// Opening datasets: each chunk is read once, so a small cache does.
  static let datasetAccess: hid_t = {
    let list = H5Pcreate(crnn_h5_dataset_access())
    H5Pset_chunk_cache(list, 31, 128 << 10, 1)
    return list
  }()

  /// Reading or writing by all ranks together.
  static let collective: hid_t = {
    let list = H5Pcreate(crnn_h5_transfer())
    crnn_h5_set_collective(list)
    return list
  }()

  /// A file in memory only; it grows in steps of `bytes`.
  static func inMemory(growingBy bytes: Int, _ scope: Scope) -> hid_t {
    let list = scope.own(H5Pcreate(crnn_h5_file_access()), H5Pclose)
    H5Pset_fclose_degree(list, H5F_CLOSE_STRONG)
    H5Pset_fapl_core(list, bytes, false)
    return list
  }
}
