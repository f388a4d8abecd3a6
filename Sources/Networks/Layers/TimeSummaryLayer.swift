import Kernels

/// Mean and maximum over time of a sequence, one behind the other: what is there all along, and what is there at some
/// time.
package struct TimeSummaryLayer: Layer {
  package let name: String

  package init(_ name: String = "time_summary") { self.name = name }

  package func output(of input: SignalShape) -> SignalShape {
    SignalShape(columns: nil, channels: 2 * input.channels)
  }

  package var operations: [LayerOperation]? { [.timeSummary] }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [SummaryRow(name, "mean and maximum over time", [2 * input.channels])]
  }

  package func makePass(at site: LayerSite) -> any LayerPass { TimeSummaryPass(self, site) }
}

private final class TimeSummaryPass: LayerPass {
  let output: Signal
  private let index: Int
  private let source: Signal
  private let team: ThreadTeam
  /// The step that each song's maximum comes from, the first of equals: `[song][channel]`.
  private let argmax: AlignedRun<Int>

  init(_ layer: TimeSummaryLayer, _ site: LayerSite) {
    index = site.index
    source = site.input
    team = site.team
    output = Signal(layer.output(of: source.shape), maximumBatch: site.maximumBatch, maximumColumns: 0)
    argmax = AlignedRun(count: site.maximumBatch * source.shape.channels)
  }

  func forward(_ batch: BatchPass) {
    let channels = source.shape.channels
    let argmax = argmax.start
    team.forEach(batch.count) { song in
      let span = batch.input(self.index)[song]
      let values = self.source.values + self.source.offset(song, span)
      let target = self.output.values + song * self.output.channelStride
      for channel in 0..<channels {
        var (sum, best) = (Float(0), 0)
        for step in 0..<span.count {
          let value = values[step * self.source.channelStride + channel]
          sum += value
          if value > values[best * self.source.channelStride + channel] { best = step }
        }
        target[channel] = sum / Float(span.count)
        target[channels + channel] = values[best * self.source.channelStride + channel]
        argmax[song * channels + channel] = best
      }
    }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  func backward(_ batch: BatchPass) {
    let (channels, argmax) = (source.shape.channels, argmax.start)
    team.forEach(batch.count) { song in
      let span = batch.input(self.index)[song]
      let gradient = self.source.gradient + self.source.offset(song, span)
      let given = self.output.gradient + song * self.output.channelStride
      for step in 0..<span.count {
        for channel in 0..<channels {
          gradient[step * self.source.channelStride + channel] = given[channel] / Float(span.count)
        }
      }
      for channel in 0..<channels {
        let best = argmax[song * channels + channel]
        gradient[best * self.source.channelStride + channel] += given[channels + channel]
      }
    }
  }
}
