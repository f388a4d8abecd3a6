import Diagnosis

/// How many songs are left after each step of making a training set; each step counts songs that passed all
/// before it.
public struct Funnel: Codable, Equatable, Sendable {
  /// Songs found: one in each file of one song, one in each row of an aggregate, one for a file that cannot be opened.
  public var files = 0
  /// Of these: sound, and the only ones of their track id.
  public var read = 0
  /// Of these: their Last.fm record agrees by the join rule, with tags or without.
  public var joined = 0
  /// Of these: at least as many segments as asked for.
  public var longEnough = 0
  /// Of these: at least one tag of the vocabulary.
  public var tagged = 0

  public init() {}

  public init(files: Int, read: Int, joined: Int, longEnough: Int, tagged: Int) {
    self.files = files
    self.read = read
    self.joined = joined
    self.longEnough = longEnough
    self.tagged = tagged
  }

  enum CodingKeys: String, CodingKey {
    case files, read, joined
    case longEnough = "long_enough"
    case tagged
  }

  /// Steps in order, with the words of the printed table.
  public var steps: [(name: String, songs: Int)] {
    [
      ("files", files), ("read", read), ("joined", joined), ("long enough", longEnough), ("with a tag", tagged),
    ]
  }

  /// A small table: songs left, share of the files, and what the step before lost.
  public func table() -> String {
    var lines = ["step              songs     of all       lost"]
    var before = files
    for (name, songs) in steps {
      let thousandths = files == 0 ? 0 : (songs * 1000 + files / 2) / files
      let share = "\(thousandths / 10).\(thousandths % 10) %"
      let lost = before == songs ? "" : "−\(before - songs)"
      let label = name + String(repeating: " ", count: max(0, 12 - name.count))
      lines.append(label + ["\(songs)", share, lost].map { $0.leftPadded(to: 11) }.joined())
      before = songs
    }
    return lines.map { $0.trimmingTrailingSpaces }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
