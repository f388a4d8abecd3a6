import Testing
import Texts

@Suite struct CommaSeparatedTests {
  @Test(arguments: [
    (["a", "b c"], "a,b c\n"), (["a,b", ""], "\"a,b\",\n"), (["say \"no\""], "\"say \"\"no\"\"\"\n"),
    (["two\r\nlines"], "\"two\r\nlines\"\n"), (["\"\u{301}"], "\"\"\"\u{301}\"\n"),
    ([",\u{301}"], "\",\u{301}\"\n"),
  ])
  func aFieldIsQuotedByItsScalars(fields: [String], line: String) {
    #expect(Array(CommaSeparated.line(fields).utf8) == Array(line.utf8))
  }
}
