import Foundation

/// The most bytes of memory that this process has had resident so far.
public func peakResidentBytes() -> Int {
  peakOfProgram ?? peakOfProcess
}

/// The kernel's own count for the program (proc(5), `VmHWM` in kilobytes).
private var peakOfProgram: Int? {
  guard let bytes = try? FileHandle(forReadingAtPath: "/proc/self/status")?.readToEnd() else { return nil }
  let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
}

/// Of the process, which counts in what the one that started it had at that moment.
private var peakOfProcess: Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss << 10
}
