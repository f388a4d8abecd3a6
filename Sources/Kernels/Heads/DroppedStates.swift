/// Dropout in front of the last layers, of one vector a song: made once, however many layers take what is left.
public final class DroppedStates {
  private let stride: Int
  private let factors: AlignedBuffer
  private let dropped: AlignedBuffer
  private let team: ThreadTeam

  public init(inputs: Int, maximumBatch: Int, team: ThreadTeam) {
    self.team = team
    stride = padded(inputs)
    let count = DenseProduct.rowCapacity(maximumBatch) * stride
    factors = AlignedBuffer(count: count)
    dropped = AlignedBuffer(count: count)
  }

  /// What is left, `[song][input, padded]` with room for `DenseProduct.rowCapacity` songs.
  public var values: UnsafePointer<Float> { UnsafePointer(dropped.start) }

  /// - Parameters:
  ///   - states: `[song][input, padded]`.
  ///   - dropout: nil: nothing is dropped.
  ///   - songNumbers: the songs' numbers in the data set.
  public func drop(_ states: UnsafePointer<Float>, _ dropout: DropoutMask?, songNumbers: [UInt32]) {
    let (stride, factors, dropped) = (stride, factors.start, dropped.start)
    team.forEach(songNumbers.count) { song in
      let row = song * stride
      if let dropout {
        dropout.write(song: songNumbers[song], count: stride, to: factors + row)
      } else {
        (factors + row).update(repeating: 1, count: stride)
      }
      for i in Swift.stride(from: row, to: row + stride, by: vectorWidth) {
        (Vector.load(states + i) * Vector.load(factors + i)).store(dropped + i)
      }
    }
  }

  /// The gradient for the states: what the layers want of what was left, added up. Dropped states have none.
  /// - Parameters:
  ///   - gradient: one layer's, `[song][input, padded]`, written over with the states'.
  ///   - other: another layer's; nil: there is none.
  ///   - songs: how many songs there are, those of the last `drop`.
  public func differentiate(_ gradient: UnsafeMutablePointer<Float>, _ other: UnsafePointer<Float>?, songs: Int) {
    let (stride, factors) = (stride, factors.start)
    team.forEach(songs) { song in
      for i in Swift.stride(from: song * stride, to: (song + 1) * stride, by: vectorWidth) {
        var sum = Vector.load(gradient + i)
        if let other { sum += Vector.load(other + i) }
        (sum * Vector.load(factors + i)).store(gradient + i)
      }
    }
  }
}
