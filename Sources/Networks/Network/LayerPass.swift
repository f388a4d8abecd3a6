import Kernels

/// A layer at work in one replica: its memory, and its passes over a batch.
///
/// A forward pass leaves values in `output` and what its backward pass needs; the backward pass finds the gradient for
/// `output` there, writes that for the layer's input into the input's signal, and those for its tensors, over whatever
/// stood there. A pass makes no buffer that grows with the batch: whatever it needs is there from the start.
package protocol LayerPass: AnyObject {
  var output: Signal { get }
  /// Floats of scratch, which the layers of a network use in turn.
  var scratchCount: Int { get }
  /// - Throws: what sharing the batch statistics throws.
  func forward(_ batch: BatchPass) throws
  func backward(_ batch: BatchPass) throws
  /// With the moving statistics and without dropout. A song's result must not depend on the songs that come with it.
  func infer(_ batch: BatchPass) throws
}

extension LayerPass {
  package var scratchCount: Int { 0 }
}

/// The passes of the last layer.
package protocol OutputPass: LayerPass {
  /// Sum over a batch's songs of their loss, after `forward`.
  func lossSum(_ batch: BatchPass) -> Double
  /// Probabilities `[song][tag]`, without padding, after `forward` or `infer`.
  func probabilities(_ batch: BatchPass) -> [Float]
}

/// A batch on its way through the layers.
package struct BatchPass {
  package let songs: [UInt32]
  /// `[song][tag]`; empty where only predictions are wanted.
  package let labels: [Float]
  /// As in `Batch`.
  package let songValues: [Float]
  package let auxiliary: [Float]
  package let isTagged: [Bool]
  package let layout: BatchLayout
  /// Nil in inference.
  package let step: StepContext?
  package let statistics: (any BatchStatisticsReduction)?
  package let scratch: AlignedBuffer
  /// Whether layers may use in inference what they made of the same weights in the inference before.
  package let keepsWeights: Bool
  /// Told of a layer in a backward pass as soon as all gradients for its tensors are there. A layer whose pass goes on
  /// for long after that calls it; for the others the replica does when their pass is over.
  package let gradientsAreDone: (_ layer: Int) -> Void

  package init(
    songs: [UInt32], labels: [Float], layout: BatchLayout, step: StepContext?,
    statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer, songValues: [Float] = [],
    auxiliary: [Float] = [], isTagged: [Bool] = [], keepsWeights: Bool = false,
    gradientsAreDone: @escaping (_ layer: Int) -> Void = { _ in }
  ) {
    self.songs = songs
    self.labels = labels
    self.songValues = songValues
    self.auxiliary = auxiliary
    self.isTagged = isTagged
    self.layout = layout
    self.step = step
    self.statistics = statistics
    self.scratch = scratch
    self.keepsWeights = keepsWeights
    self.gradientsAreDone = gradientsAreDone
  }

  package var count: Int { songs.count }
  /// Songs' columns in the input of a layer, and in its output.
  package func input(_ layer: Int) -> [SongSpan] { layout.spans[layer] }
  package func output(_ layer: Int) -> [SongSpan] { layout.spans[layer + 1] }

  /// The mask of a dropout, by its number in the network; nil where nothing is dropped.
  package func dropout(_ number: Int, rate: Double) -> DropoutMask? {
    guard let step, step.dropout, rate > 0 else { return nil }
    return DropoutMask(rate: rate, seed: step.seed, step: step.step, layer: number)
  }
}

/// Where every song of a batch lies in the signals between the layers. It is made once for a batch, or kept from the
/// one before where the lengths are the same.
package struct BatchLayout {
  package let segments: [Int]
  /// Spans of the input of every layer, then of the last one's output.
  package let spans: [[SongSpan]]

  package init(_ layers: [any Layer], segments: [Int]) {
    self.segments = segments
    var columns = segments
    var spans = [SongSpan.sideBySide(columns)]
    for layer in layers {
      columns = columns.map { layer.columns(of: $0) }
      spans.append(SongSpan.sideBySide(columns))
    }
    self.spans = spans
  }
}
