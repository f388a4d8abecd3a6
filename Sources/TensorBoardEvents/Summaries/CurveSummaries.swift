extension SummaryValue {
  /// A precision-recall curve, for the plugin of that name.
  /// - Parameters:
  ///   - tag: the curve's name.
  ///   - decisions: at each threshold i / (n − 1): true positives, false positives, true negatives, false
  ///     negatives.
  public init(_ tag: String, precisionRecall decisions: [(tp: Int, fp: Int, tn: Int, fn: Int)]) {
    func share(_ part: Int, of all: Int) -> Float { Float(part) / Float(max(1, all)) }
    let rows: [[Float]] = [
      decisions.map { Float($0.tp) }, decisions.map { Float($0.fp) }, decisions.map { Float($0.tn) },
      decisions.map { Float($0.fn) }, decisions.map { share($0.tp, of: $0.tp + $0.fp) },
      decisions.map { share($0.tp, of: $0.tp + $0.fn) },
    ]
    var content = ProtoFields()
    content.add(2, decisions.count)
    self.init(tag, plugin: "pr_curves", content: content.bytes) { tensor in
      tensor.begin(.float, shape: [rows.count, decisions.count])
      tensor.add(floats: rows.flatMap { $0 })
    }
  }

  /// Which scalars share a chart, for the plugin of custom scalars: by title, the scalars' names.
  public init(charts: [(title: String, names: [String])], category: String) {
    var layout = ProtoFields()
    layout.add(2) { fields in
      fields.add(1, category)
      for chart in charts {
        fields.add(2) { fields in
          fields.add(1, chart.title)
          // Names are expressions there: these have no letter that is one.
          fields.add(2) { lines in for name in chart.names { lines.add(1, "^\(name)$") } }
        }
      }
    }
    let bytes = layout.bytes
    self.init("custom_scalars__config__", plugin: "custom_scalars") { tensor in
      tensor.begin(.text, shape: [])
      tensor.add(8, bytes)
    }
  }
}
