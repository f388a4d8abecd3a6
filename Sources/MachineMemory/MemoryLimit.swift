/// A limit of memory that holds for this process, alone or together with others.
public struct MemoryLimit: Sendable, Equatable, Codable {
  /// What sets it: a file of the kernel's, or the name of a process's limit.
  public var name: String
  /// Bytes that it allows.
  public var bytes: Int
  /// Bytes of them that nobody has yet, or that the kernel gives back when asked, such as cached files.
  public var freeBytes: Int
  /// What tells the limit from others of the node: who has the same shares it. Nil: it is this process's own, and is
  /// one of address space.
  public var sharedAs: String?

  public init(name: String, bytes: Int, freeBytes: Int, sharedAs: String?) {
    self.name = name
    self.bytes = bytes
    self.freeBytes = freeBytes
    self.sharedAs = sharedAs
  }

  /// All that hold for this process at this moment. Swap space is not counted: a training that swaps is as good as none.
  public static func all(_ files: SystemFiles = SystemFiles()) -> [MemoryLimit] {
    ProcessLimits.memory(files) + ControlGroups.memory(files) + PhysicalMemory.available(files)
  }
}
