import Foundation
import ModelFiles
import Planning

/// The tensors worth quantizing as a grid: blocks down, roles across, and what is outside of blocks.
struct HeatMap {
  /// All tensors of a block that have one role.
  struct Cell {
    var totals = Totals()
    var choices: [Choice] = []
    /// Whether nothing changes.
    var isKept: Bool { choices.allSatisfy { $0 == .source } }
  }

  struct Row {
    /// A block, or a range of them.
    let label: String
    /// A cell for each column; nil where there is no such tensor.
    let cells: [Cell?]
  }

  struct Section {
    let title: String
    let columns: [Role]
    let rows: [Row]
  }

  let sections: [Section]

  private struct Place: Hashable {
    let row: Int
    let role: Role
  }

  /// - Parameter rowLimit: the most rows of a section: blocks share rows where there are more.
  init(_ entries: [Report.Entry], rowLimit: Int = 128) {
    let planned = entries.filter { $0.tensor.suitability.isQuantizable }
    var stacks: [String?] = []
    for entry in planned where !stacks.contains(entry.tensor.stack) {
      stacks.append(entry.tensor.stack)
    }
    // Names may be anything: beyond some there is no map.
    stacks = Array(stacks.prefix(8))
    var sections: [Section] = []
    let outside = planned.filter { $0.tensor.block == nil }
    if !outside.isEmpty {
      sections.append(Self.section(outside, title: "outside of blocks", rowLimit: 1))
    }
    for stack in stacks {
      let members = planned.filter { $0.tensor.stack == stack && $0.tensor.block != nil }
      guard !members.isEmpty else { continue }
      let title = stack.map { $0.sanitised.shortened(to: 40) + ", by block" } ?? "by block"
      sections.append(Self.section(members, title: title, rowLimit: rowLimit))
    }
    self.sections = sections
  }

  private static func section(
    _ entries: [Report.Entry], title: String, rowLimit: Int
  ) -> Section {
    let blocks = Set(entries.compactMap(\.tensor.block)).sorted()
    let perRow = max(1, (blocks.count + rowLimit - 1) / rowLimit)
    var rows: [Int: Int] = [:]
    for (index, block) in blocks.enumerated() { rows[block] = index / perRow }
    var cells: [Place: Cell] = [:]
    for entry in entries {
      let row = entry.tensor.block.flatMap { rows[$0] } ?? 0
      let place = Place(row: row, role: entry.tensor.role)
      cells[place, default: Cell()].totals.add(entry.contribution)
      cells[place]?.choices.append(entry.choice)
    }
    let columns = Set(entries.map(\.tensor.role)).sorted()
    let count = max(1, (blocks.count + perRow - 1) / perRow)
    return Section(
      title: title, columns: columns,
      rows: (0..<count).map { row in
        let own = blocks.dropFirst(row * perRow).prefix(perRow)
        let first = own.first.map(String.init) ?? ""
        let last = own.last.map(String.init) ?? ""
        return Row(
          label: first == last ? first : "\(first)\u{2013}\(last)",
          cells: columns.map { cells[Place(row: row, role: $0)] })
      })
  }

  var isEmpty: Bool { sections.isEmpty }
}

/// What a heat map's cells show.
enum HeatQuantity {
  case bits, error

  var title: String {
    switch self {
    case .bits: "bits per weight"
    case .error: "NMSE in percent"
    }
  }

  /// A few letters for a cell.
  func text(_ cell: HeatMap.Cell) -> String {
    switch self {
    case .bits: return Self.short(cell.totals.bitsPerWeight, decimals: 2)
    case .error:
      guard cell.totals.isComplete else { return "?" }
      return Self.error(cell.totals.nmse)
    }
  }

  /// An error in percent: two or three digits.
  static func error(_ nmse: Double) -> String {
    guard nmse.isFinite else { return "inf" }
    let percent = nmse * 100
    if percent == 0 { return "0" }
    if percent < 0.00095 { return String(format: "%.0e", percent).replacing("e-0", with: "e-") }
    if percent < 0.0095 { return String(format: "%.4f", percent).withoutZeros }
    if percent < 0.095 { return String(format: "%.3f", percent).withoutZeros }
    return short(percent, decimals: percent < 0.995 ? 2 : percent < 9.95 ? 1 : 0)
  }

  private static func short(_ value: Double, decimals: Int) -> String {
    let text = String(format: "%.\(decimals)f", value)
    return decimals > 0 ? text.withoutZeros : text
  }

  /// Where a cell stands on the scale; nil where its figure isn't known.
  func value(_ cell: HeatMap.Cell) -> Double? {
    switch self {
    case .bits: return log2(max(0.25, cell.totals.bitsPerWeight))
    case .error:
      guard cell.totals.isComplete else { return nil }
      return log10(min(10, max(1e-7, cell.totals.nmse)))
    }
  }

  /// A place of the scale in letters.
  func label(_ value: Double) -> String {
    switch self {
    case .bits: Self.short(pow(2, value), decimals: 1)
    case .error: Self.error(pow(10, value)) + " %"
    }
  }
}

extension String {
  /// A decimal number without zeros at its end.
  fileprivate var withoutZeros: String {
    guard contains(".") else { return self }
    var text = self
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
