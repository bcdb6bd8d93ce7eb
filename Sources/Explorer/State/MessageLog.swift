/// A time of day, as the log shows it.
public struct ClockTime: Sendable, Equatable {
  let hour, minute, second: Int

  /// A time from its parts, by the user's clock.
  public init(hour: Int, minute: Int, second: Int) {
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  var text: String {
    [hour, minute, second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }
}

/// What the user was told, the last of it.
struct MessageLog: Sendable {
  struct Entry: Sendable, Equatable {
    let notice: State.Notice
    /// When it was said first; nil where there is no clock, as in scripts.
    let time: ClockTime?
    /// Its place among all that were said, from 1.
    let number: Int
    /// How often it was said in a row.
    var count = 1
    /// Whether it was said while something was being typed: the next one takes its place.
    var isPassing = false
  }

  /// Older ones are forgotten.
  static let most = 500

  private(set) var entries: [Entry] = []
  private var number = 0

  mutating func add(_ notice: State.Notice, at time: ClockTime?, isPassing: Bool = false) {
    if let last = entries.last, last.notice == notice, last.isPassing == isPassing {
      if !isPassing { entries[entries.count - 1].count += 1 }
      return
    }
    if entries.last?.isPassing == true, isPassing { entries.removeLast() } else { number += 1 }
    entries.append(Entry(notice: notice, time: time, number: number, isPassing: isPassing))
    if entries.count > Self.most { entries.removeFirst(entries.count - Self.most) }
  }
}

extension State {
  /// Adds what is said to the log.
  mutating func log(_ notice: Notice) {
    log.add(notice, at: time, isPassing: isSearching)
  }

  /// Whether a text to search is being typed, which says something at every letter.
  private var isSearching: Bool {
    if case .prompt(let prompt) = modal, case .search = prompt.kind { true } else { false }
  }
}
