import ModelFiles
import Planning

/// A line of the table of tensors: one tensor, or the experts of a block that have the same role.
struct ReportLine {
  let tensorCount: Int
  /// Whether it stands for experts.
  let isOfExperts: Bool
  /// The name without what all names of the group begin with.
  let name: String
  /// Shape, source and role.
  let detail: String
  /// What the tensors get, the most frequent first.
  let formats: String
  let totals: Totals
  /// Whether nothing changes.
  let isKept: Bool
  let isPinned: Bool
}

/// The lines of one block, or of what is in none.
struct ReportGroup {
  let title: String
  /// What all names begin with.
  let prefix: String
  let lines: [ReportLine]
  /// The tensors that aren't worth quantizing have no lines: how many they are.
  let keptCount: Int
  let totals: Totals
}

/// The tensors of a report, block by block.
struct ReportGroups {
  private(set) var groups: [ReportGroup] = []
  /// Tensors that have no line because there are too many of them.
  private(set) var leftOut = 0

  /// No name is shown longer.
  private static let longestName = 160

  private struct Key: Hashable {
    let stack: String?
    let block: Int?
  }

  /// - Parameter limit: the most lines.
  init(_ report: Report, limit: Int) {
    var members: [Key: [Report.Entry]] = [:]
    var stacks: [String?] = []
    for entry in report.entries {
      let key = Key(stack: entry.tensor.stack, block: entry.tensor.block)
      if !stacks.contains(key.stack) { stacks.append(key.stack) }
      members[key, default: []].append(entry)
    }
    let ranks = Dictionary(uniqueKeysWithValues: stacks.enumerated().map { ($1, $0) })
    let keys = members.keys.sorted { a, b in
      (a.block == nil ? 0 : 1, ranks[a.stack] ?? 0, a.block ?? 0)
        < (b.block == nil ? 0 : 1, ranks[b.stack] ?? 0, b.block ?? 0)
    }
    var left = limit
    for key in keys {
      let entries = members[key] ?? []
      let group = Self.group(key, entries, limit: left)
      left -= group.lines.count
      leftOut += group.leftOut
      if !group.lines.isEmpty || group.leftOut == 0 && groups.count < limit {
        groups.append(group.group(Totals(entries.lazy.map(\.contribution))))
      }
    }
  }

  private struct Draft {
    let title: String
    var prefix = ""
    var lines: [ReportLine] = []
    var keptCount = 0
    var leftOut = 0

    func group(_ totals: Totals) -> ReportGroup {
      ReportGroup(
        title: title, prefix: prefix, lines: lines, keptCount: keptCount, totals: totals)
    }
  }

  private static func group(_ key: Key, _ entries: [Report.Entry], limit: Int) -> Draft {
    let stack = key.stack.map { $0.sanitised.shortened(to: 40) + " " } ?? ""
    var draft = Draft(
      title: key.block.map { "\(stack)block \($0)" } ?? "\(stack)outside of blocks")
    let planned = entries.filter { $0.tensor.suitability.isQuantizable }
    draft.keptCount = entries.count - planned.count
    draft.prefix = planned.count > 1 ? commonPrefix(planned.map(\.tensor.label)) : ""
    // Experts of a role share a line, at the place of the first.
    var experts: [Role: [Report.Entry]] = [:]
    var lines: [[Report.Entry]] = []
    for entry in planned where entry.tensor.expert != nil {
      experts[entry.tensor.role, default: []].append(entry)
    }
    for entry in planned {
      if entry.tensor.expert == nil {
        lines.append([entry])
      } else if let all = experts.removeValue(forKey: entry.tensor.role) {
        lines.append(all)
      }
    }
    lines.sort { a, b in
      guard let x = a.first?.tensor, let y = b.first?.tensor else { return false }
      return (x.role.rank, x.id) < (y.role.rank, y.id)
    }
    draft.leftOut = lines.dropFirst(limit).reduce(0) { $0 + $1.count }
    draft.lines = lines.prefix(limit).map { line(of: $0, prefix: draft.prefix) }
    return draft
  }

  private static func line(of entries: [Report.Entry], prefix: String) -> ReportLine {
    let tensors = entries.map(\.tensor)
    let first = tensors.first
    let isOne = first?.expert == nil
    let shapes = Set(tensors.map(\.shape))
    let sources = Set(tensors.map(\.sourceName))
    let parts = [
      shapes.count == 1 ? first.map { shapeText($0.shape) } : "\(shapes.count) shapes",
      sources.count == 1 ? first?.sourceName.sanitised.shortened(to: 40) : "\(sources.count) types",
      isOne ? first?.role.description : nil,
    ]
    let name =
      isOne
      ? (first.map { String($0.label.dropFirst(prefix.count)) } ?? "").withoutWeight
      : "\(first?.role.description ?? ""), \(tensors.count) experts"
    return ReportLine(
      tensorCount: tensors.count, isOfExperts: first?.expert != nil,
      name: name.shortened(to: longestName),
      detail: parts.compactMap { $0 }.joined(separator: " \u{B7} ").shortened(to: 120),
      formats: Self.formats(entries.map(\.choice)),
      totals: Totals(entries.lazy.map(\.contribution)),
      isKept: entries.allSatisfy { $0.choice == .source },
      isPinned: entries.contains { $0.isPinned })
  }

  /// What some tensors get, the most frequent first, three at most.
  static func formats(_ choices: [Choice]) -> String {
    var counts: [Choice: Int] = [:]
    for choice in choices { counts[choice, default: 0] += 1 }
    let ordered = counts.map { (name: $0.key.description, count: $0.value) }
      .sorted { ($1.count, $0.name) < ($0.count, $1.name) }
    if ordered.count == 1 { return ordered[0].name }
    let more = ordered.count > 3 ? [" \u{2026}"] : []
    return (ordered.prefix(3).map { "\($0.name) \u{D7}\($0.count)" } + more)
      .joined(separator: ", ")
  }

  /// What all names begin with, up to a dot, or nothing.
  private static func commonPrefix(_ names: [String]) -> String {
    guard var prefix = names.first.map({ Array($0) }) else { return "" }
    for name in names.dropFirst() {
      let shared = zip(prefix, name).prefix { $0 == $1 }.count
      prefix.removeSubrange(shared...)
    }
    guard let dot = prefix.lastIndex(of: ".") else { return "" }
    let result = String(prefix[...dot])
    return result.utf8.count > longestName ? "" : result
  }
}

extension String {
  /// The name of a layer rather than of its weights.
  fileprivate var withoutWeight: String {
    hasSuffix(".weight") && utf8.count > 7 ? String(dropLast(7)) : self
  }
}

extension Figures {
  /// The error of a sum in a narrow column: rough where it rests on estimates, `?` while some of it isn't known.
  static func percent(of totals: Totals) -> String {
    guard totals.isComplete else { return "?" }
    guard let interval = totals.interval else { return percent(totals.nmse) }
    return roughPercent(totals.nmse, interval: interval, about: "\u{2248}")
  }

  /// What a plan must not exceed.
  static func budget(_ budget: Budget) -> String {
    switch budget {
    case .bytes(let bytes): self.bytes(bytes)
    case .bitsPerWeight(let bits): "\(bits) bits per weight"
    case .share(let share): "\(significant(share * 100)) % of the source"
    }
  }
}
