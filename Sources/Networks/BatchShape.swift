import Kernels

/// Where every song of a batch lies in the buffers of every block. Made once for a batch, or kept from the one
/// before where the lengths are the same.
struct BatchShape {
  let segments: [Int]
  /// Spans of the blocks' inputs: the first block's are the songs' segments.
  let inputs: [[SongSpan]]
  /// Spans of the blocks' pooled maps; of the last block: the recurrent layers' steps.
  let pooled: [[SongSpan]]

  init(_ architecture: Architecture, segments: [Int]) {
    self.segments = segments
    let columns = segments.map { architecture.pooledColumns(segments: $0) }
    pooled = architecture.pooling.indices.map { block in
      SongSpan.sideBySide(columns.map { $0[block] })
    }
    inputs = [SongSpan.sideBySide(segments)] + pooled.dropLast()
  }

  var songs: Int { segments.count }
  var steps: [SongSpan] { pooled.last! }
}
