import Networks
import Testing

@Suite struct ArenaTests {
  private let values = (0..<60).map(Float.init)

  private func arena() -> ParameterArena {
    let arena = ParameterArena([TensorDeclaration("other", [7]), TensorDeclaration("kernel", [3, 20], groups: 2)])
    #expect(arena.setValues(values, of: "kernel"))
    return arena
  }

  @Test func valuesAreReadIntoMemoryThatFits() {
    var memory = [Float](repeating: -1, count: 60)
    let place = memory.withUnsafeMutableBufferPointer { UInt(bitPattern: $0.baseAddress) }
    #expect(arena().readValues(of: "kernel", into: &memory))
    #expect(memory == values)
    #expect(memory.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } == place)
  }

  @Test(arguments: [0, 59, 61]) func valuesComeInNewMemoryWhereNoneFits(count: Int) {
    var memory = [Float](repeating: -1, count: count)
    #expect(arena().readValues(of: "kernel", into: &memory))
    #expect(memory == values)
  }

  @Test func anArrayThatOthersHoldIsLeftAsItWas() {
    let held = [Float](repeating: -1, count: 60)
    var memory = held
    #expect(arena().readValues(of: "kernel", into: &memory))
    #expect(memory == values)
    #expect(held.allSatisfy { $0 == -1 })
  }

  @Test func anUnknownNameChangesNothing() {
    var memory: [Float] = [1, 2]
    #expect(!arena().readValues(of: "none", into: &memory))
    #expect(memory == [1, 2])
    #expect(arena().values(of: "none") == nil)
  }
}
