import ModelFiles
import Planning

extension Report {
  /// The report as Markdown, for an issue or a model card: at most 60,000 characters, since issues on GitHub hold
  /// 65,536.
  public var markdown: String {
    var page = MarkdownReport(report: self)
    return page.text()
  }
}

private struct MarkdownReport {
  let report: Report
  private var lines: [String] = []
  private var used = 0

  /// What is left free for notes and the end comes out of this.
  private static let limit = 60_000
  private static let tensorRoom = 52_000
  private static let mapRoom = 24_000

  init(report: Report) { self.report = report }

  mutating func text() -> String {
    add("# " + Self.code(report.model.name.sanitised.shortened(to: 120)))
    add("")
    add(Self.escaped(report.identityText))
    add("")
    add(Self.escaped(report.subjectSentence))
    add("")
    table(report.totalsHead, report.totalsRows)
    if let sentence = report.unmeasuredSentence {
      add("")
      add(Self.escaped(sentence))
    }
    section("Formats")
    table(report.formatHead, report.formatRows)
    writeMaps()
    if let curve = report.frontier {
      section("Among other plans")
      table(report.markHead(curve), report.markRows(curve).map(\.cells))
      add("")
      add(Self.escaped(report.markCaption))
    }
    if let devices = report.devices {
      section("Where it fits")
      table(["device", "source", report.subjectName], report.deviceRows(devices), numbers: false)
      add("")
      add(Self.escaped(report.deviceCaption(devices)))
    }
    writeTensors()
    writeEnd()
    return lines.joined(separator: "\n") + "\n"
  }

  private mutating func add(_ line: String) {
    lines.append(line)
    used += line.count + 1
  }

  private mutating func section(_ title: String) {
    add("")
    add("## \(title)")
    add("")
  }

  private static func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
  }

  private mutating func table(_ head: [String], _ rows: [[String]], numbers: Bool = true) {
    add(Self.row(head.map(Self.escaped)))
    add(Self.row(head.indices.map { $0 == 0 || !numbers ? "---" : "---:" }))
    for row in rows { add(Self.row(row.map(Self.escaped))) }
  }

  // MARK: - Block by block

  private mutating func writeMaps() {
    let map = HeatMap(report.entries, rowLimit: 48)
    guard !map.isEmpty else { return }
    section("Block by block")
    add("Bits per weight, and NMSE in percent.")
    for section in map.sections {
      add("")
      add(Self.row([Self.escaped(section.title)] + section.columns.map { Self.code("\($0)") }))
      add(Self.row(["---"] + section.columns.map { _ in "---:" }))
      for (index, row) in section.rows.enumerated() {
        guard used < Self.mapRoom else {
          add("")
          add("and \(section.rows.count - index) more rows")
          return
        }
        let cells = row.cells.map { cell in
          cell.map {
            HeatQuantity.bits.text($0)
              + ($0.isKept ? "" : " \u{B7} " + HeatQuantity.error.text($0))
          } ?? ""
        }
        add(Self.row([row.label] + cells))
      }
    }
  }

  // MARK: - Tensors

  private mutating func writeTensors() {
    let groups = ReportGroups(report, limit: 1_000)
    section("Tensors")
    add("<details><summary>format, bits per weight, size and error of each</summary>")
    add("")
    add(Self.row(["tensor", "format", "bpw", "size", "NMSE"]))
    add(Self.row(["---", "---", "---:", "---:", "---:"]))
    var leftOut = groups.leftOut
    for group in groups.groups {
      for line in group.lines {
        let full = group.prefix.isEmpty || line.isOfExperts ? line.name : group.prefix + line.name
        let name =
          line.isOfExperts ? Self.escaped("\(group.title): \(full)") : Self.code(full)
        let row = Self.row([
          name, Self.escaped(line.formats + (line.isPinned ? " (pinned)" : "")),
          Figures.bits(line.totals.bitsPerWeight), Figures.bytes(line.totals.bytes),
          line.isKept ? "" : Self.escaped(Figures.percent(of: line.totals)),
        ])
        if used + row.count < Self.tensorRoom { add(row) } else { leftOut += line.tensorCount }
      }
    }
    let kept = groups.groups.reduce(0) { $0 + $1.keptCount }
    add("")
    if leftOut > 0 { add("\(Figures.counted(leftOut, "more tensor")) not listed here.") }
    if kept > 0 { add("\(Figures.counted(kept, "tensor")) not worth quantizing: as they are.") }
    add("")
    add("</details>")
  }

  private mutating func writeEnd() {
    if !report.notes.isEmpty {
      section("Notes")
      for (index, note) in report.notes.enumerated() {
        let line = "- " + Self.escaped(note.sanitised.shortened(to: 300))
        guard used + line.count < Self.limit - 3_000 else {
          add("- and \(report.notes.count - index) more")
          break
        }
        add(line)
      }
    }
    section("How this was made")
    add(Self.block(report.command.sanitised.shortened(to: 1_000)))
    add("")
    add(Self.escaped(report.madeBy) + ". " + Self.escaped(Report.definitions))
  }

  // MARK: - Escaping

  /// Text that stays what it is: nothing in it is markup, a mention or a reference.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.sanitised.unicodeScalars {
      switch scalar {
      case "\\", "`", "*", "_", "[", "]", "|", "~", "#", "!", "$", ">":
        result += "\\"
        result.unicodeScalars.append(scalar)
      case "<": result += "&lt;"
      case "&": result += "&amp;"
      // A mention notifies people, even behind a backslash.
      case "@": result += "&#64;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A span of code with any text in it, in a table too.
  private static func code(_ text: String) -> String {
    let text = text.sanitised
    // A bar would end the cell, and a backslash before it is read in more ways than one.
    if text.contains("|") || text.isEmpty { return escaped(text) }
    let fence = String(repeating: "`", count: longestRun(of: "`", in: text) + 1)
    let space = text.hasPrefix("`") || text.hasSuffix("`") ? " " : ""
    return fence + space + text + space + fence
  }

  /// A block of code with a line in it.
  private static func block(_ line: String) -> String {
    let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: line) + 1))
    return "\(fence)\n\(line)\n\(fence)"
  }

  private static func longestRun(of character: Character, in text: String) -> Int {
    var (run, longest) = (0, 0)
    for other in text {
      run = other == character ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
