import Kernels

/// The beginning of a branch: what is known of whole songs, which comes with a batch, with dropout. Of the layer below it
/// takes nothing.
package struct SongValuesLayer: Layer {
  package let name = "song_values"
  let values: Int
  let dropout: Double

  package init(values: Int, dropout: Double) { (self.values, self.dropout) = (values, dropout) }

  package var dropouts: Int { 1 }

  package func output(of input: SignalShape) -> SignalShape { SignalShape(columns: nil, channels: values) }

  package var operations: [LayerOperation]? { [.songValues(values), .dropout(dropout)] }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [SummaryRow(name, "values of whole songs, dropout \(dropout)", [values])]
  }

  package func makePass(at site: LayerSite) -> any LayerPass { SongValuesPass(self, site) }
}

private final class SongValuesPass: LayerPass {
  let output: Signal
  private let layer: SongValuesLayer
  private let team: ThreadTeam
  private let firstDropout: Int

  init(_ layer: SongValuesLayer, _ site: LayerSite) {
    self.layer = layer
    team = site.team
    firstDropout = site.firstDropout
    output = Signal(
      layer.output(of: site.input.shape), maximumBatch: site.maximumBatch, maximumColumns: 0,
      isLearnt: false)
  }

  func forward(_ batch: BatchPass) {
    let dropout = batch.dropout(firstDropout, rate: layer.dropout)
    let (values, stride, rows) = (layer.values, output.channelStride, output.values)
    batch.songValues.withUnsafeBufferPointer { known in
      // The rows of no song that a product takes along stay as they are: finite.
      team.forEach(batch.count) { song in
        let row = rows + song * stride
        if let dropout {
          dropout.write(song: batch.songs[song], count: stride, to: row)
          for value in 0..<values { row[value] *= known[song * values + value] }
        } else {
          for value in 0..<values { row[value] = known[song * values + value] }
        }
      }
    }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  /// There is nothing below that could learn.
  func backward(_ batch: BatchPass) {}
}
