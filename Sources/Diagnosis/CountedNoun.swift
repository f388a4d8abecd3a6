/// `1 song`, `2 songs`: a number with its noun in the right form.
public func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
