import ArgumentParser

/// Whether a live line tells how far the work is.
struct ProgressOption: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: """
      Draw a live line that tells how far the work is; without, plain lines now and then. Default: where standard error is \
      a terminal, or under mpirun the launcher's is.
      """)
  var progress: Bool?
}
