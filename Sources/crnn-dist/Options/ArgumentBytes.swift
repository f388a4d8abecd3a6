// check-layers: raw memory, because the system hands the command line over as C strings.
import Diagnosis

/// The command line as bytes, which need not be text.
///
/// Swift's own `CommandLine.arguments` has a replacement character in the place of what is not UTF-8. A path would then
/// be another path, at which there is nothing, or at which something is made.
enum ArgumentBytes {
  /// - Throws: `usage` for the first argument that is not UTF-8.
  static func checkTexts() throws(Failure) {
    var option: String?
    for index in 0..<Int(CommandLine.argc) {
      guard let argument = CommandLine.unsafeArgv[index] else { return }
      if let text = String(validatingCString: argument) {
        option = text.hasPrefix("--") ? text : nil
        continue
      }
      throw Failure(
        .usage, "\(option ?? "the command line"): found \"\(visible(argument))\", expected UTF-8 text",
        remedy: "give the file or folder a name in UTF-8, and name it by that")
    }
  }

  /// Letters, digits and signs of ASCII as they are, every other byte by its number: `\xff`.
  private static func visible(_ text: UnsafePointer<CChar>) -> String {
    var (shown, place) = ("", 0)
    while text[place] != 0 {
      let byte = UInt8(bitPattern: text[place])
      let isPlain = UInt8(ascii: " ")...UInt8(ascii: "~") ~= byte
      shown += isPlain ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16).leftPadded(to: 2, with: "0")
      place += 1
    }
    return shown
  }
}
