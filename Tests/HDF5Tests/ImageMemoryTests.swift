import HDF5
import Testing

/// Files made in memory, one after the other in the same.
@Suite struct ImageMemoryTests {
  private func write(_ values: [Double], in memory: ImageMemory) throws -> (
    bytes: [UInt8], copy: [UInt8], start: UInt
  ) {
    let file = try File.createInMemory(name: "values", growingBy: 4096, in: memory)
    try file.createDataset("values", DatasetLayout(.float64, shape: [values.count])).write(values)
    let (bytes, start) = try file.withImage { (Array($0), UInt(bitPattern: $0.baseAddress)) }
    let copy = try file.image()
    try file.close()
    return (bytes, copy, start)
  }

  @Test func filesInKeptMemoryAreThoseInNewMemory() throws {
    let memory = ImageMemory()
    let short = (0..<100).map(Double.init)
    let long = (0..<100_000).map { Double($0) * 0.5 }
    // What a longer file leaves behind must not show in a shorter one.
    for values in [short, long, short, long] {
      let kept = try write(values, in: memory)
      let fresh = try write(values, in: ImageMemory())
      // Compared outside, since a failure would print a million numbers.
      let (areAlike, areCopied) = (kept.bytes == fresh.bytes, kept.bytes == kept.copy)
      #expect(areAlike)
      #expect(areCopied)
    }
  }

  @Test func theNextFileTakesTheSamePagesAtAnAddressForDisks() throws {
    let memory = ImageMemory()
    let starts = try (0..<3).map { _ in try write([Double](repeating: 1, count: 50_000), in: memory).start }
    #expect(Set(starts).count == 1)
    #expect(starts[0].isMultiple(of: 4096))
  }

  @Test func oneMemoryTakesOneFileAtATime() throws {
    let memory = ImageMemory()
    let first = try File.createInMemory(name: "first", in: memory)
    #expect(throws: (any Error).self) { try File.createInMemory(name: "second", in: memory) }
    try first.close()
    try File.createInMemory(name: "third", in: memory).close()
    // A file that is dropped gives its memory back too.
    _ = try File.createInMemory(name: "dropped", in: memory)
    try File.createInMemory(name: "fourth", in: memory).close()
  }
}
