/// The keys of the explorer as a Markdown table, for the README.
public enum KeyTable {
  /// One row for each line of the help page, under the same headings.
  public static var markdown: String {
    var lines = ["| keys | do |", "| --- | --- |"]
    for section in Action.Section.allCases {
      lines.append("| **\(section.rawValue)** | |")
      for entry in HelpView.entries(of: section) {
        let keys = entry.keys.map { "`\($0.label)`" }.joined(separator: " ")
        lines.append("| \(keys) | \(entry.title) |")
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
