/// Many texts in little memory: their bytes one behind the other, and where all are equally long, as ids are, nothing
/// else.
public struct PackedTexts: Sendable, Equatable {
  private var bytes: [UInt8] = []
  /// Where each text ends; empty while all have the same number of bytes.
  private var ends: [Int] = []
  private var width = 0
  public private(set) var count = 0

  public init() {}

  public init(_ texts: some Sequence<String>) { for text in texts { append(text) } }

  public mutating func append(_ text: String) {
    let length = text.utf8.count
    if count == 0 { width = length }
    if length != width, ends.isEmpty { ends = (0..<count).map { ($0 + 1) * width } }
    bytes.append(contentsOf: text.utf8)
    count += 1
    if !ends.isEmpty || length != width { ends.append(bytes.count) }
  }

  public mutating func append(contentsOf texts: some Sequence<String>) { for text in texts { append(text) } }

  private func range(of index: Int) -> Range<Int> {
    if ends.isEmpty { return index * width..<(index + 1) * width }
    return (index == 0 ? 0 : ends[index - 1])..<ends[index]
  }
}

extension PackedTexts: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  public subscript(_ index: Int) -> String {
    precondition(index >= 0 && index < count, "one of the texts")
    return String(decoding: bytes[range(of: index)], as: UTF8.self)
  }
}

extension PackedTexts: ExpressibleByArrayLiteral {
  public init(arrayLiteral texts: String...) { self.init(texts) }
}
