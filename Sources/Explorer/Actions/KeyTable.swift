import Terminal

/// The keys of the explorer: as a Markdown table for the README, and as a list of all actions.
public enum KeyTable {
  /// An action with its keys.
  public struct Entry: Sendable {
    /// What the configuration calls it.
    public let action: String
    /// Its keys as help writes them.
    public let keys: [String]
    /// What it does.
    public let title: String
    /// The views that it belongs to.
    public let views: [String]
    /// Whether it is to be had everywhere.
    public let isEverywhere: Bool
    /// Whether the keys are the user's own.
    public let isChanged: Bool
  }

  /// Every action, in the order of the help page.
  public static func entries(_ map: KeyMap = .standard) -> [Entry] {
    Action.all.map { action in
      Entry(
        action: action.id, keys: map.keys(of: action).map(\.label), title: action.title,
        views: View.allCases.filter(action.views.contains).map(\.title),
        isEverywhere: action.views.count == View.allCases.count, isChanged: map.isChanged(action))
    }
  }

  /// One row for each line of the help page, under the same headings.
  public static var markdown: String {
    var lines = ["| keys | do |", "| --- | --- |"]
    for section in Action.Section.allCases {
      lines.append("| **\(section.rawValue)** | |")
      for entry in HelpView.entries(of: section, .standard) {
        let keys = entry.keys.map { "`\($0.label)`" }.joined(separator: " ")
        lines.append("| \(keys) | \(entry.title) |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
