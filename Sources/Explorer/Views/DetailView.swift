import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  func drawDetails(on canvas: inout Canvas, layout: ScreenLayout) {
    guard layout.arrangement != .listOnly else { return }
    drawRule(on: &canvas, layout: layout)
    guard let row else { return }
    switch row.subject {
    case .tensor(let id):
      drawFacts(facts(of: id), on: &canvas, in: layout.facts)
      drawHistogram(of: id, on: &canvas, in: layout.histogram)
      drawLadder(of: id, on: &canvas, in: layout.ladder)
    case .group(let group):
      let members = members(of: row)
      drawFacts(facts(of: group, members: members), on: &canvas, in: layout.facts)
      drawMembers(members, on: &canvas, in: layout.histogram)
      drawFormatsUsed(members, on: &canvas, in: layout.ladder)
    }
  }

  /// The line between list and details, with the name of what is shown.
  private func drawRule(on canvas: inout Canvas, layout: ScreenLayout) {
    let rule = layout.rule
    if layout.arrangement == .sideBySide {
      canvas.fill(rule, with: glyphs.vertical, style: Theme.faint)
      return
    }
    canvas.fill(rule, with: glyphs.horizontal, style: Theme.faint)
    guard let row else { return }
    let name =
      switch row.subject {
      case .tensor(let id): model.tensors[id].label
      case .group(let group): describe(group, members: members(of: row))
      }
    let text = " \(name.truncatedMiddle(to: max(0, rule.columns - 8), mark: glyphs.ellipsis)) "
    canvas.write(text, at: Point(column: rule.column + 2, row: rule.row), style: Theme.title)
  }

  // MARK: - Facts

  struct Fact {
    let text: String
    var style = Style.standard
  }

  /// Writes facts one after another, onto as many lines as there are.
  private func drawFacts(_ lines: [[Fact]], on canvas: inout Canvas, in rect: Rect) {
    var line = 0
    for facts in lines {
      var column = rect.column
      for fact in facts {
        let width = fact.text.columns
        if column > rect.column, column + width > rect.endColumn {
          line += 1
          column = rect.column
        }
        guard line < rect.rows else { return }
        canvas.write(
          fact.text, at: Point(column: column, row: rect.row + line), style: fact.style,
          within: max(0, rect.endColumn - column))
        column += width + 3
      }
      line += 1
      guard line < rect.rows else { return }
    }
  }

  /// What is known of a tensor; where there is little room, the error comes before the statistics.
  private func facts(of id: Int) -> [[Fact]] {
    let tensor = model.tensors[id]
    let layout = layout
    let identity = [
      Fact(text: shapeText(tensor.shape, times: glyphs.times)),
      Fact(text: tensor.sourceName), Fact(text: tensor.role.rawValue),
      Fact(text: "\(Figures.count(tensor.weightCount)) weights"),
      Fact(text: Figures.bytes(tensor.byteCount)),
    ].map { Fact(text: $0.text, style: Theme.faint) }
    let error = errorFacts(of: id)
    var statistics = statisticsFacts(of: id)
    let channels = channelFacts(of: id)
    if layout.facts.rows < 4 { return [error.isEmpty ? identity : error] + channels + statistics }
    let title =
      layout.arrangement == .sideBySide ? [[Fact(text: tensor.label, style: Theme.title)]] : []
    let others = title.count + 1 + channels.count + (error.isEmpty ? 0 : 1)
    // Kurtosis and its like give way first.
    if others + statistics.count > layout.facts.rows { statistics = Array(statistics.prefix(1)) }
    return title + [identity] + statistics + channels + (error.isEmpty ? [] : [error])
  }

  private func errorFacts(of id: Int) -> [Fact] {
    let shown = shownChoice(of: id)
    guard case .format(let format) = shown else { return [] }
    let name = Fact(text: format.description, style: Theme.changed)
    guard let measurement = measurement(of: id, format) else {
      return [name, Fact(text: "measuring\(glyphs.ellipsis)", style: Theme.faint)]
    }
    let figures = measurement.figures
    let (about, atLeast) =
      measurement.exact ? ("", "") : (glyphs.about + " ", glyphs.atLeast + " ")
    let style = errorStyle(figures.nmse, isEstimate: !measurement.exact)
    let weighted = figures.weightedNmse.map { nmse in
      Fact(
        text: "weighted \(percentText(nmse, measurement.intervals?.weightedNmse))",
        style: errorStyle(nmse, isEstimate: !measurement.exact))
    }
    return [
      name,
      Fact(text: "NMSE \(percentText(figures.nmse, measurement.interval))", style: style),
    ] + [weighted].compactMap { $0 } + [
      Fact(text: about + Figures.decibels(figures.sqnr)),
      Fact(text: "RMSE \(about)\(Figures.weight(figures.rmse))"),
      Fact(text: "max \(atLeast)\(Figures.weight(figures.maxError))"),
      Fact(text: "cosine \(about)\(Figures.cosine(figures.cosine))"),
    ]
  }

  private func statisticsFacts(of id: Int) -> [[Fact]] {
    guard contributions[id].isReadable else {
      return [[Fact(text: "its weights can't be read as numbers", style: Theme.warning)]]
    }
    guard let statistics = findings.statistics[id] else {
      return [[Fact(text: "reading the weights\(glyphs.ellipsis)", style: Theme.faint)]]
    }
    guard statistics.count > 0 else { return [[Fact(text: "no finite weights")]] }
    let minimum = Figures.weight(statistics.minimum)
    let maximum = Figures.weight(statistics.maximum)
    var second = [
      Fact(text: "kurtosis \(Figures.significant(statistics.kurtosis))"),
      Fact(text: "beyond 6\(glyphs.sigma): \(Figures.count(statistics.outliers))"),
      Fact(text: "zeros \(Figures.percent(Double(statistics.zeros) / Double(statistics.count)))"),
    ]
    if statistics.nan > 0 {
      second.append(Fact(text: "NaN \(Figures.count(statistics.nan))", style: Theme.failure))
    }
    if statistics.infinite > 0 {
      second.append(Fact(text: "inf \(Figures.count(statistics.infinite))", style: Theme.failure))
    }
    return [
      [
        Fact(text: "range \(minimum) \(glyphs.ellipsis) \(maximum)"),
        Fact(text: "mean \(Figures.weight(statistics.mean))"),
        Fact(text: "\(glyphs.sigma) \(Figures.weight(statistics.deviation))"),
      ], second,
    ]
  }

  /// The input channels that matter most, by their share of the importance.
  private func channelFacts(of id: Int) -> [[Fact]] {
    guard let importance = importance?[model.tensors[id]] else { return [] }
    let length = max(1, model.tensors[id].rowLength)
    let shares = ImportanceShares(importance, rowLength: length, leading: 2)
    guard !shares.leading.isEmpty else {
      return [[Fact(text: "importance: no activations were seen", style: Theme.warning)]]
    }
    let leading = shares.leading.map { "\($0.channel): \(Figures.percent($0.share))" }
    return [
      [
        Fact(text: "channels that matter: " + leading.joined(separator: ", ")),
        Fact(text: "half in \(shares.half) of \(length)", style: Theme.faint),
      ]
    ]
  }

  private func facts(of group: Group, members: [Int]) -> [[Fact]] {
    let totals = Totals(members.map { contributions[$0] })
    let worth = members.count { model.tensors[$0].suitability.isQuantizable }
    var lines: [[Fact]] = []
    if ScreenLayout(size: size).arrangement == .sideBySide {
      lines.append([Fact(text: describe(group, members: members), style: Theme.title)])
    }
    lines.append([
      Fact(text: Figures.counted(members.count, "tensor"), style: Theme.faint),
      Fact(text: "\(worth) worth quantizing", style: Theme.faint),
      Fact(text: "\(Figures.count(totals.weights)) weights", style: Theme.faint),
    ])
    lines.append([
      Fact(
        text: "\(Figures.bytes(totals.sourceBytes)) \(glyphs.arrow) \(Figures.bytes(totals.bytes))"),
      Fact(text: Figures.saving(totals.saving, minus: glyphs.minus), style: Theme.saving),
      Fact(
        text: "NMSE \(percentText(totals.nmse, totals.interval))"
          + (totals.isComplete ? "" : glyphs.ellipsis)),
    ])
    return lines
  }

  // MARK: - A group's members

  /// The tensors of a group, those that lose most first.
  private func drawMembers(_ members: [Int], on canvas: inout Canvas, in rect: Rect) {
    guard rect.rows > 1 else { return }
    canvas.write("its tensors, the worst first", at: rect.origin, style: Theme.head)
    let worth = members.filter { model.tensors[$0].suitability.isQuantizable }
    let sorted = worth.sorted { left, right in
      let (a, b) = (contributions[left].nmse ?? 0, contributions[right].nmse ?? 0)
      return a == b ? left < right : a > b
    }
    for (line, id) in sorted.prefix(rect.rows - 1).enumerated() {
      let parts = rect.line(line + 1).splitColumns(
        .weight(1), .fixed(12), .fixed(9), .fixed(8), spacing: 1)
      canvas.write(
        Catalogue.shortName(model.tensors[id]).truncatedMiddle(
          to: parts[0].columns, mark: glyphs.ellipsis),
        at: parts[0].origin, within: parts[0].columns)
      canvas.write(
        choice(of: id).description.truncatedMiddle(to: 12, mark: glyphs.ellipsis),
        at: parts[1].origin, style: Theme.changed, within: 12)
      guard choice(of: id) != .source else { continue }
      guard let nmse = contributions[id].nmse else {
        canvas.writeRight(glyphs.ellipsis, in: parts[2], style: Theme.faint)
        continue
      }
      let interval = contributions[id].interval
      let style = errorStyle(nmse, isEstimate: interval != nil)
      drawPercent(nmse, interval, on: &canvas, in: parts[2])
      canvas.bar(Theme.severityShare(nmse: nmse), in: parts[3], glyphs: glyphs, style: style)
    }
  }

  /// What a group's bytes are spent on.
  func drawFormatsUsed(
    _ members: [Int], title: String = "where its bytes go", on canvas: inout Canvas, in rect: Rect
  ) {
    var used: [Choice: (count: Int, bytes: Int)] = [:]
    for id in members {
      used[choice(of: id), default: (0, 0)].count += 1
      used[choice(of: id), default: (0, 0)].bytes += contributions[id].bytes
    }
    let total = members.reduce(0) { $0 + contributions[$1].bytes }
    canvas.write(title, at: rect.origin, style: Theme.head, within: rect.columns)
    let sorted = used.sorted {
      ($0.value.bytes, $1.key.description) > ($1.value.bytes, $0.key.description)
    }
    for (line, entry) in sorted.prefix(max(0, rect.rows - 1)).enumerated() {
      let parts = rect.line(line + 1).splitColumns(
        .fixed(min(22, rect.columns / 2)), .fixed(4), .fixed(9), .weight(1), spacing: 1)
      canvas.write(
        entry.key.description.truncatedMiddle(to: parts[0].columns, mark: glyphs.ellipsis),
        at: parts[0].origin, style: Theme.changed, within: parts[0].columns)
      canvas.writeRight(glyphs.times + "\(entry.value.count)", in: parts[1], style: Theme.faint)
      canvas.writeRight(Figures.bytes(entry.value.bytes), in: parts[2])
      canvas.bar(
        total == 0 ? 0 : Double(entry.value.bytes) / Double(total), in: parts[3], glyphs: glyphs,
        style: Theme.accent)
    }
  }
}
