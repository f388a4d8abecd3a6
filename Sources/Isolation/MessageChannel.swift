#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// check-layers: raw memory, because the system's calls fill and take memory by address.

/// Whole messages over a stream socket between two processes of this program: eight bytes of length, then the bytes.
public final class MessageChannel {
  /// What came, if anything.
  public enum Received: Sendable, Equatable {
    case message([UInt8])
    /// The other side is gone, or speaks another language.
    case closed
    /// Nothing came in the time given.
    case nothing
  }

  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)
  private var buffered = 0..<0
  private var posted: [UInt8] = []

  private static let headerBytes = 8
  /// A longer message is none: the largest, of a song with a million segments, has 100 MB.
  private static let longestMessage = 512 << 20

  /// Takes over an open socket; it is closed with the channel.
  public init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Whether a descriptor is a socket that `init(descriptor:)` can take over.
  public static func isSocket(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
  }

  /// Adds a message to those that `flush` sends: many at once cost the two processes less.
  public func post(_ message: [UInt8]) {
    withUnsafeBytes(of: UInt64(message.count).littleEndian) { posted.append(contentsOf: $0) }
    posted.append(contentsOf: message)
  }

  /// Bytes that wait for `flush`.
  public var postedBytes: Int { posted.count }

  /// Sends what is posted, waiting while the other side is slow to take it. False where the other side is gone.
  public func flush() -> Bool {
    defer { posted.removeAll(keepingCapacity: true) }
    return posted.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = sendto(
          descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL), nil, 0)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        sent += count
      }
      return true
    }
  }

  /// Sends a message at once, after those that are posted.
  public func send(_ message: [UInt8]) -> Bool {
    post(message)
    return flush()
  }

  /// How long `receive` waits for any part of a message; nil for ever.
  public func setPatience(seconds: Int?) {
    var time = timeval()
    time.tv_sec = seconds ?? 0
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Whether a whole message is here already, so that `receive` need not wait.
  public var hasMessage: Bool {
    if case .whole = incoming { true } else { false }
  }

  /// The next message.
  public func receive() -> Received {
    while true {
      switch incoming {
      case .whole(let range):
        buffered = range.upperBound..<buffered.upperBound
        return .message(Array(buffer[range]))
      case .nonsense: return .closed
      case .part(let needed):
        makeRoom(for: needed)
        let end = buffered.upperBound
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + end, $0.count - end, 0) }
        if count < 0 && errno == EINTR { continue }
        if count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) { return .nothing }
        guard count > 0 else { return .closed }
        buffered = buffered.lowerBound..<end + count
      }
    }
  }

  private enum Incoming {
    /// A message's bytes, in the buffer.
    case whole(Range<Int>)
    /// A message's part; so many bytes are needed for all of it, or to know how many.
    case part(needed: Int)
    case nonsense
  }

  private var incoming: Incoming {
    guard buffered.count >= MessageChannel.headerBytes else { return .part(needed: MessageChannel.headerBytes) }
    let start = buffered.lowerBound
    let length = buffer.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt64.self))
    }
    guard length <= UInt64(MessageChannel.longestMessage) else { return .nonsense }
    let needed = MessageChannel.headerBytes + Int(length)
    return buffered.count >= needed
      ? .whole(start + MessageChannel.headerBytes..<start + needed) : .part(needed: needed)
  }

  /// Moves what is buffered to the front where the rest of a message would not fit behind it.
  private func makeRoom(for message: Int) {
    guard buffered.isEmpty || buffered.lowerBound + message > buffer.count || buffered.upperBound == buffer.count
    else { return }
    let kept = Array(buffer[buffered])
    if message > buffer.count { buffer = [UInt8](repeating: 0, count: message + message / 2) }
    buffer.replaceSubrange(0..<kept.count, with: kept)
    buffered = 0..<kept.count
  }
}
