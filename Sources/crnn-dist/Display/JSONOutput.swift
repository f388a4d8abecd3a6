import Diagnosis
import Foundation

/// Prints a value as JSON that people can read too.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  do {
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
  } catch {
    throw Failure(wrapping: error, while: "writing JSON")
  }
}
