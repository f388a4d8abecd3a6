import RandomNumbers
import Testing

/// Known answers published with the authors' Random123 library (kat_vectors, philox4x32 10).
@Test func philoxGivesThePublishedAnswers() {
  #expect(
    Philox.words(key: (0, 0), counter: .zero) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
  let ones = UInt32.max
  #expect(
    Philox.words(key: (ones, ones), counter: SIMD4(repeating: ones))
      == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
  #expect(
    Philox.words(
      key: (0xa409_3822, 0x299f_31d0), counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344))
      == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
}

@Test func permutationHoldsEveryIndexOnceAndDependsOnTheSeed() {
  var first = RandomStream(seed: 1, purpose: .test)
  var again = RandomStream(seed: 1, purpose: .test)
  var other = RandomStream(seed: 2, purpose: .test)
  let order = first.permutation(1000)
  #expect(order.sorted() == Array(0..<1000))
  #expect(order == again.permutation(1000))
  #expect(order != other.permutation(1000))
}

@Test func uniformAndNormalHaveTheirMoments() {
  var stream = RandomStream(seed: 3, purpose: .test)
  let uniforms = (0..<100_000).map { _ in stream.uniform() }
  #expect(abs(uniforms.reduce(0, +) / 100_000 - 0.5) < 0.005)
  let normals = (0..<100_000).map { _ in stream.normal() }
  #expect(abs(normals.reduce(0, +) / 100_000) < 0.02)
  #expect(abs(normals.map { $0 * $0 }.reduce(0, +) / 100_000 - 1) < 0.03)
}
