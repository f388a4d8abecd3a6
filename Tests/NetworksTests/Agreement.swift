import Testing

/// Holds every value to `tolerance` times the largest expected one.
func expectEqual(_ found: [Float], _ expected: [Float], tolerance: Double, _ what: Comment) {
  #expect(!found.isEmpty && found.count == expected.count, what)
  #expect(agree(found, expected, tolerance: tolerance), what)
}

/// A NaN is close to nothing; the largest difference alone would not show one, since `max` passes over it.
private func agree(_ found: [Float], _ expected: [Float], tolerance: Double) -> Bool {
  let largest = expected.map { abs(Double($0)) }.max() ?? 0
  return zip(found, expected).allSatisfy { abs(Double($0) - Double($1)) <= tolerance * largest }
}

@Test(arguments: [[1, .nan], [.nan, 1], [1, 1.1], [.infinity, 1]] as [[Float]])
func valuesThatAreNotCloseDoNotAgree(_ found: [Float]) {
  #expect(!agree(found, [1, 1], tolerance: 1e-3))
  #expect(agree([1, 1.0005], [1, 1], tolerance: 1e-3))
}
