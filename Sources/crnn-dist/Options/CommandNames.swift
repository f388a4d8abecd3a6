import ArgumentParser
import Diagnosis

/// The commands' names, as the command line begins with them.
enum CommandNames {
  /// Refuses a word that stands where a command belongs and is none: the parser would blame the options behind it.
  /// - Throws: `usage`, naming the command that is meant, perhaps.
  static func check(_ arguments: [String], of root: any ParsableCommand.Type) throws {
    var command = root
    var path = root.configuration.commandName ?? "crnn-dist"
    for word in arguments {
      let subcommands = command.configuration.subcommands
      if subcommands.isEmpty || word.hasPrefix("-") { return }
      if let next = subcommands.first(where: { $0.configuration.commandName == word }) {
        command = next
        path += " \(word)"
      } else if word == "help" {
        return
      } else {
        throw unknown(word, in: path, among: subcommands)
      }
    }
  }

  private static func unknown(
    _ word: String, in path: String, among subcommands: [any ParsableCommand.Type]
  ) -> Failure {
    let names = subcommands.filter { $0.configuration.shouldDisplay }.compactMap { $0.configuration.commandName }
    let meant = nearestWord(to: word, among: names).map { "did you mean \($0)? " } ?? ""
    return Failure(
      .usage, "\(path): unknown command \"\(word.prefix(80))\"", remedy: "\(meant)see \(path) --help")
  }
}
