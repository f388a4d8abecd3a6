/// Sorts ascending: by comparison when there are few, otherwise by least significant digits first, three passes
/// of eleven bits.
func radixSort(_ keys: inout [UInt32]) {
  guard keys.count > 4_096 else {
    keys.sort()
    return
  }
  var sorted = [UInt32](repeating: 0, count: keys.count)
  for shift in [0, 11, 22] as [UInt32] {
    var starts = [Int](repeating: 0, count: 2_048)
    for key in keys { starts[Int(key >> shift & 2_047)] += 1 }
    var next = 0
    for digit in starts.indices {
      let count = starts[digit]
      starts[digit] = next
      next += count
    }
    for key in keys {
      let digit = Int(key >> shift & 2_047)
      sorted[starts[digit]] = key
      starts[digit] += 1
    }
    swap(&keys, &sorted)
  }
}
