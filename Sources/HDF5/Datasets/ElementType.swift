import CHDF5
import Diagnosis

/// The type of one element as it is written to a file. Numbers are little-endian on every machine.
public indirect enum ElementType: Sendable, Equatable {
  case uint8
  case uint16
  case int32
  case int64
  case float16
  case float32
  case float64
  /// A text of at most `bytes` bytes, filled up with zeros; a full-length text has no closing zero.
  case fixedString(bytes: Int, CharacterSet = .utf8)
  /// A record of named fields, one after the other without gaps.
  case record(RecordType)

  /// What a text declares to be written in. (The data set declares ASCII and stores UTF-8.)
  public enum CharacterSet: Sendable {
    case ascii
    case utf8
  }

  /// Bytes of one element.
  public var bytes: Int {
    switch self {
    case .uint8: 1
    case .uint16, .float16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    case .fixedString(let bytes, _): bytes
    case .record(let type): type.bytes
    }
  }
}

/// A number in half precision, bit by bit: not every processor computes with them.
public struct HalfFloat: BitwiseCopyable, Sendable, Equatable {
  public let bits: UInt16

  public init(bits: UInt16) { self.bits = bits }

  public static let zero = HalfFloat(bits: 0)
}

/// The numbers that datasets and attributes hold, as Swift types.
public protocol Element: BitwiseCopyable, Sendable {
  static var elementType: ElementType { get }
  static var zero: Self { get }
}
extension UInt8: Element { public static var elementType: ElementType { .uint8 } }
extension UInt16: Element { public static var elementType: ElementType { .uint16 } }
extension Int32: Element { public static var elementType: ElementType { .int32 } }
extension Int64: Element { public static var elementType: ElementType { .int64 } }
extension HalfFloat: Element { public static var elementType: ElementType { .float16 } }
extension Float: Element { public static var elementType: ElementType { .float32 } }
extension Double: Element { public static var elementType: ElementType { .float64 } }

extension ElementType {
  /// HDF5's number of this type as it lies in memory.
  func memoryType(_ scope: Scope) -> hid_t {
    switch self {
    case .uint8: crnn_h5_uint8()
    case .uint16: crnn_h5_uint16()
    case .int32: crnn_h5_int32()
    case .int64: crnn_h5_int64()
    case .float16: fileType(scope)
    case .float32: crnn_h5_float()
    case .float64: crnn_h5_double()
    case .fixedString, .record: fileType(scope)
    }
  }

  /// HDF5's number of this type as it lies in files.
  func fileType(_ scope: Scope) -> hid_t {
    switch self {
    case .uint8: crnn_h5_file_uint8()
    case .uint16: crnn_h5_file_uint16()
    case .int32: crnn_h5_file_int32()
    case .int64: crnn_h5_file_int64()
    case .float16: Self.halfType(scope)
    case .float32: crnn_h5_file_float()
    case .float64: crnn_h5_file_double()
    case .fixedString(let bytes, let characters): Self.stringType(bytes, characters, scope)
    case .record(let type): type.fileType(scope)
    }
  }

  /// IEEE 754's binary16, which the library has no name for: a sign, 5 bits of exponent, 10 of the fraction.
  private static func halfType(_ scope: Scope) -> hid_t {
    let type = scope.own(H5Tcopy(crnn_h5_file_float()), H5Tclose)
    H5Tset_fields(type, 15, 10, 5, 0, 10)
    H5Tset_size(type, 2)
    H5Tset_ebias(type, 15)
    return type
  }

  private static func stringType(_ bytes: Int, _ characters: CharacterSet, _ scope: Scope) -> hid_t {
    let type = scope.own(H5Tcopy(crnn_h5_c_string()), H5Tclose)
    H5Tset_size(type, max(bytes, 1))
    H5Tset_strpad(type, H5T_STR_NULLTERM)
    H5Tset_cset(type, characters == .utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII)
    return type
  }
}

/// What a file says an element is: the class and size, in the words of messages.
public struct ElementDescription: Sendable, Equatable, CustomStringConvertible {
  public enum Class: Sendable {
    case integer
    case float
    case fixedString
    case variableString
    case record
    case other
  }

  public let elementClass: Class
  /// Bytes of one element; for a variable-length text, of its reference.
  public let bytes: Int
  public let isSigned: Bool

  /// "64-bit float", "text of 256 bytes", …
  public var description: String {
    switch elementClass {
    case .integer: "\(bytes * 8)-bit \(isSigned ? "" : "unsigned ")integer"
    case .float: "\(bytes * 8)-bit float"
    case .fixedString: "text of \(bytes) bytes"
    case .variableString: "text of any length"
    case .record: "record of \(bytes) bytes"
    case .other: "an element type this program does not read"
    }
  }

  /// Describes HDF5's type `number`. Call under the library's lock.
  init(ofType number: hid_t) {
    bytes = H5Tget_size(number)
    var signed = true
    switch H5Tget_class(number) {
    case H5T_INTEGER:
      elementClass = .integer
      signed = H5Tget_sign(number) != H5T_SGN_NONE
    case H5T_FLOAT: elementClass = .float
    case H5T_STRING: elementClass = H5Tis_variable_str(number) > 0 ? .variableString : .fixedString
    case H5T_COMPOUND: elementClass = .record
    default: elementClass = .other
    }
    isSigned = signed
  }

  /// Whether it is this type of number, not only one that can be read as it; of texts and records, whether it has the size.
  public func isSame(as type: ElementType) -> Bool {
    let isSignedAlike = elementClass != .integer || isSigned == [.int32, .int64].contains(type)
    return converts(to: type) && bytes == type.bytes && isSignedAlike
  }

  /// True when every value of this type fits `wanted`: floats to any float, integers to those at least as wide.
  func converts(to wanted: ElementType) -> Bool {
    switch wanted {
    case .float16: elementClass == .float && bytes <= 2
    case .float32, .float64: elementClass == .float
    case .uint8, .uint16: elementClass == .integer && !isSigned && bytes <= wanted.bytes
    case .int32, .int64: elementClass == .integer && (isSigned ? bytes <= wanted.bytes : bytes < wanted.bytes)
    case .fixedString: elementClass == .fixedString
    case .record: elementClass == .record
    }
  }
}
