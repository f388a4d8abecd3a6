/// The program's version, as files it writes and `--version` say it.
public let programVersion = "0.1.0"
