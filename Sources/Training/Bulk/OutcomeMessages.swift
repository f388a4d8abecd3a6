import Texts

extension Prediction.Outcome {
  /// Writes the outcome for another process of this program, on the same kind of machine.
  func write(to message: inout PackedWriter) {
    message.write(path)
    message.write(row ?? -1)
    for text in [trackID, title, artistName] {
      message.write(text == nil ? 0 : 1)
      message.write(text ?? "")
    }
    message.write(problem?.kind.rawValue ?? -1)
    message.write(problem?.cause ?? "")
    message.write(numbers: probabilities)
    message.write(numbers: embedding)
  }

  /// - Throws: `fault` where the message is shorter than it says.
  init(from message: inout PackedReader) throws {
    let path = try message.readText()
    let row = try message.readInt()
    self.init(path: path, row: row < 0 ? nil : row)
    func text() throws -> String? {
      let isThere = try message.readInt() == 1
      let text = try message.readText()
      return isThere ? text : nil
    }
    (trackID, title, artistName) = (try text(), try text(), try text())
    let kind = try message.readInt()
    let cause = try message.readText()
    problem = Problem.Kind(rawValue: kind).map { Problem(kind: $0, cause: cause) }
    probabilities = try message.readNumbers()
    embedding = try message.readNumbers()
  }
}
