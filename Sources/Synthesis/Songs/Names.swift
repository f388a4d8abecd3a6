import Diagnosis
import RandomNumbers

/// Made-up names and ids in the data sets' forms, all functions of a random stream.
enum Names {
  /// An artist's name of one to three words, some with letters beyond ASCII.
  static func artist(_ stream: inout RandomStream) -> String {
    let name = (0..<(1 + stream.index(below: 2))).map { _ in word(&stream, syllables: 2) }.joined(separator: " ")
    return switch stream.index(below: 6) {
    case 0: "The \(name)"
    case 1: "\(name) & \(word(&stream, syllables: 2))"
    default: name
    }
  }

  /// A title of one to four words.
  static func title(_ stream: inout RandomStream) -> String {
    let words = (0..<(1 + stream.index(below: 4))).map { _ in word(&stream, syllables: 1 + stream.index(below: 3))
    }
    let title = words.joined(separator: " ")
    return stream.chance(0.08) ? "\(title) (Live \"\(word(&stream, syllables: 2))\")" : title
  }

  /// The title as another hand might have written it: never equal to `title`.
  static func respelled(title: String, _ stream: inout RandomStream) -> String {
    switch stream.index(below: 3) {
    case 0: "\(title) (Album Version)"
    case 1: title.lowercased() == title ? "\(title)." : title.lowercased()
    default: "\(title) - Remastered"
    }
  }

  /// The artist as another hand might have written it: never equal to `artist`.
  static func respelled(artist: String, _ stream: inout RandomStream) -> String {
    if artist.contains(" & ") { return artist.split(separator: " & ").joined(separator: " and ") }
    if artist.hasPrefix("The ") { return String(artist.dropFirst(4)) }
    return stream.chance(0.5) ? "The \(artist)" : "\(artist) feat. \(word(&stream, syllables: 2))"
  }

  /// A capitalised word.
  static func word(_ stream: inout RandomStream, syllables: Int) -> String {
    let word = (0..<syllables).map { _ in
      consonants[stream.index(below: consonants.count)] + vowels[stream.index(below: vowels.count)]
    }.joined()
    return word.prefix(1).uppercased() + word.dropFirst()
  }

  /// An id in Echo Nest's form: two letters of the kind, five letters, then hexadecimal digits that `number`
  /// decides, so that no two numbers below 2^28 share an id.
  static func id(_ kind: String, _ middle: String, number: Int, seed: UInt64, _ stream: inout RandomStream)
    -> String
  {
    let letters = (0..<5).map { _ in Character(UnicodeScalar(UInt8(65 + stream.index(below: 26)))) }
    // Multiplication by an odd number and addition permute the numbers below a power of two.
    let room = 28 - 4 * (middle.count - 4)
    let mixed = (UInt64(number) &* 0x9E37_79B1 &+ seed) & ((1 << UInt64(room)) - 1)
    let digits = String(mixed, radix: 16, uppercase: true)
    return kind + String(letters) + middle + digits.leftPadded(to: room / 4, with: "0")
  }

  /// The id of one of the artists that others are like, of none of whom there is a song.
  static func similarArtist(_ number: Int) -> String {
    var stream = RandomStream(
      seed: 0, purpose: .synthesis, first: UInt32(number), second: Use.similarArtist.rawValue)
    return id("AR", "1187", number: number, seed: 0, &stream)
  }

  private static let consonants = [
    "b", "br", "d", "f", "g", "gl", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w", "z",
  ]
  private static let vowels = ["a", "e", "i", "o", "u", "ai", "ee", "ou", "an", "er", "in", "on", "é", "ö", "ø"]
}
