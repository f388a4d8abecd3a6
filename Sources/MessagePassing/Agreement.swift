import Diagnosis

extension Communicator {
  /// Runs the body on every rank; when it threw anywhere, throws on **all** ranks the failure of the lowest
  /// rank that failed, so that nobody waits for a rank that has given up.
  ///
  /// The body may differ between ranks (`if communicator.isRoot { … }`) but must not call collectives that
  /// another rank might miss by failing. With more than one rank the message starts with the rank and its host.
  public func agree<Value>(_ body: () throws -> Value) throws -> Value {
    let outcome = Result { try body() }
    let failed = if case .failure = outcome { rank } else { size }
    let lowest = try allreduce(failed, .minimum)
    guard lowest < size else { return try outcome.get() }
    throw try spread(outcome, from: lowest)
  }

  /// The failure of one rank, told to all.
  private func spread<Value>(_ outcome: Result<Value, any Error>, from root: Int) throws -> Failure {
    var own: CodedFailure?
    if rank == root, case .failure(let error) = outcome {
      var failure = Failure(wrapping: error, while: "an unexpected error")
      if size > 1, !failure.isAgreed { failure.message = "\(place): \(failure.message)" }
      own = CodedFailure(kind: failure.kind, message: failure.message, remedy: failure.remedy)
    }
    // Not the closure form of broadcast: that one is made of `agree`.
    guard let told = try allgather(own)[root] else {
      throw Failure(.fault, "rank \(root) failed without saying why")
    }
    var failure = Failure(told.kind, told.message, remedy: told.remedy)
    failure.isAgreed = true
    return failure
  }
}

/// A failure on its way between ranks.
private struct CodedFailure: Codable {
  let kind: Failure.Kind
  let message: String
  let remedy: String?
}
