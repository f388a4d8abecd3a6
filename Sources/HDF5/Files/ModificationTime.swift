/// The start of an object header's message of the time of last change: type 0x0012, 8 bytes of contents, no flags,
/// version 1 (HDF5 File Format Specification, version 3, section IV.A.2.s).
private let message: [UInt8] = [0x12, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0]

/// Puts one time in place of all times of change in a file's bytes. HDF5 itself always takes the clock's.
///
/// The messages are found by their twelve constant bytes, with which compressed values agree by accident once in
/// 10^28 places.
func replaceModificationTimes(in image: inout [UInt8], with seconds: UInt32) {
  image.withUnsafeMutableBytes { bytes in
    var position = 0
    while position + message.count + 4 <= bytes.count {
      if bytes[position] == message[0], bytes[position...].starts(with: message) {
        bytes.storeBytes(of: seconds.littleEndian, toByteOffset: position + message.count, as: UInt32.self)
        position += message.count
      }
      position += 1
    }
  }
}
