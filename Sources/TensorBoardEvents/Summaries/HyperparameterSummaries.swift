/// A setting of a run, as TensorBoard's table of hyperparameters has it.
public enum Hyperparameter: Sendable, Equatable {
  case number(Double)
  case text(String)
  case truth(Bool)
}

extension SummaryValue {
  /// What a table of runs shows: the settings' names, and which scalars are their results (`_hparams_/experiment`); and this
  /// run's settings (`_hparams_/session_start_info`).
  public static func hyperparameters(
    _ settings: [(name: String, value: Hyperparameter)], results: [String], start: Double
  ) -> [SummaryValue] {
    let experiment = plugin("_hparams_/experiment") { data in
      data.add(2) { experiment in
        for (name, value) in settings {
          experiment.add(4) { info in
            info.add(1, name)
            info.add(4, value.type)
          }
        }
        for result in results { experiment.add(5) { info in info.add(1) { $0.add(2, result) } } }
      }
    }
    let session = plugin("_hparams_/session_start_info") { data in
      data.add(3) { session in
        for (name, value) in settings {
          session.add(1) { entry in
            entry.add(1, name)
            entry.add(2) { value.write(to: &$0) }
          }
        }
        session.add(5, start)
      }
    }
    return [experiment, session]
  }

  private static func plugin(_ tag: String, _ write: (inout ProtoFields) -> Void) -> SummaryValue {
    var data = ProtoFields()
    write(&data)
    return SummaryValue(tag, plugin: "hparams", content: data.bytes) { tensor in
      tensor.begin(.float, shape: [1])
      tensor.add(floats: [0])
    }
  }
}

extension Hyperparameter {
  /// Of `hparams.DataType`.
  fileprivate var type: Int {
    switch self {
    case .text: 1
    case .truth: 2
    case .number: 3
    }
  }

  /// As a `google.protobuf.Value`.
  fileprivate func write(to fields: inout ProtoFields) {
    switch self {
    case .number(let value): fields.add(2, value)
    case .text(let text): fields.add(3, text)
    case .truth(let value): fields.add(4, value ? 1 : 0)
    }
  }
}
