import Foundation
import ModelFiles
import Planning

extension Report {
  /// The report as one HTML file that needs nothing else: no network, no scripts.
  public var html: String {
    var page = HTMLReport(report: self)
    return page.text()
  }
}

/// The parts of the page.
private struct HTMLReport {
  let report: Report
  private var page = Markup()

  /// The most lines of the table of tensors, and of notes.
  private static let lineLimit = 2_000
  private static let noteLimit = 40
  /// Tables of so many lines are open from the start.
  private static let openLimit = 80

  init(report: Report) { self.report = report }

  mutating func text() -> String {
    page.write(markup: "<!DOCTYPE html>\n")
    let model = report.model.name.sanitised.shortened(to: 120)
    page.element("html", ["lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"]) { html in
      html.element("head") { head in
        head.empty("meta", ["charset": "utf-8"])
        head.empty(
          "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        // Whatever a file's names hold, nothing is fetched and nothing runs.
        head.empty(
          "meta",
          [
            "http-equiv": "Content-Security-Policy",
            "content": "default-src 'none'; style-src 'unsafe-inline'",
          ])
        head.empty(
          "meta", ["name": "generator", "content": "bitladder \(report.version)"])
        head.element("title", "\(model): \(report.subjectName)")
        head.element("style") { $0.write(markup: ReportStyle.text) }
      }
      html.endLine()
      html.element("body") { body in
        var parts = HTMLReport(report: report)
        parts.writeBody()
        body.write(markup: parts.page.text)
      }
    }
    page.endLine()
    return page.text
  }

  private mutating func writeBody() {
    writeHead()
    writeMaps()
    writeFrontier()
    writeDistributions()
    writeFormats()
    writeDevices()
    writeTensors()
    writeNotes()
  }

  private mutating func section(_ title: String) {
    page.endLine()
    page.element("h2", title)
    page.endLine()
  }

  /// A cell of a table: its text, and whether it is a number.
  private typealias Cell = (text: String, isNumber: Bool)

  private mutating func table(_ head: [Cell], _ rows: [(cells: [String], class: String)]) {
    page.element("div", ["class": "wide-box"]) { box in
      box.element("table") { table in
        table.element("thead") { section in
          section.element("tr") { row in
            for cell in head { row.element("th", ["class": cell.isNumber ? "n" : ""], cell.text) }
          }
        }
        table.element("tbody") { body in
          for line in rows {
            body.element("tr", ["class": line.class]) { row in
              for (cell, head) in zip(line.cells, head) {
                row.element("td", ["class": head.isNumber ? "n" : ""], cell)
              }
            }
            body.endLine()
          }
        }
      }
    }
    page.endLine()
  }

  // MARK: - The whole

  private mutating func writeHead() {
    page.element("h1", report.model.name.sanitised.shortened(to: 120))
    page.element("p", ["class": "faint"], report.identityText)
    page.element("p", report.subjectSentence)
    table(
      report.totalsHead.enumerated().map { ($1, $0 > 0) },
      report.totalsRows.enumerated().map { ($1, $0 > 0 ? "subject" : "") })
    if let sentence = report.unmeasuredSentence { page.element("p", ["class": "faint"], sentence) }
  }

  private mutating func writeMaps() {
    let map = HeatMap(report.entries)
    guard !map.isEmpty else { return }
    section("Heat map: bits and errors, block by block")
    page.element("div", ["class": "maps"]) { maps in
      for quantity in [HeatQuantity.bits, .error] {
        maps.element("figure") { figure in
          figure.element("h3", quantity == .bits ? "Bits per weight" : "NMSE, %")
          figure.element("div", ["class": "wide-box"]) {
            HeatMapDrawing(map: map, quantity: quantity).write(to: &$0)
          }
        }
      }
    }
    page.element("p", ["class": "faint"], report.mapCaption)
  }

  // MARK: - The frontier

  private mutating func writeFrontier() {
    guard let curve = report.frontier else { return }
    section("Frontier: the best plan of every size")
    page.element("figure") { figure in
      for (name, size) in [("wide", (920.0, 400.0)), ("narrow", (350.0, 330.0))] {
        CurveDrawing(curve, weights: report.model.weights, size: size)?
          .write(to: &figure, class: name)
      }
      figure.element("figcaption") { caption in
        caption.write("The line: plans that nothing beats in both size and error. ")
        for (kind, text) in [
          (PlanCurve.Mark.Kind.subject, report.subjectName), (.preset, "presets"),
          (.uniform, "one format for all tensors"),
        ] where curve.marks.contains(where: { $0.kind == kind }) {
          caption.write(markup: Self.sign(kind))
          caption.write(" \(text)  ")
        }
      }
    }
    table(
      report.markHead(curve).enumerated().map { ($1, $0 > 0) },
      report.markRows(curve).map { ($0.cells, $0.isSubject ? "subject" : "") })
    page.element("p", ["class": "faint"], report.markCaption)
  }

  private static func sign(_ kind: PlanCurve.Mark.Kind) -> String {
    let path =
      switch kind {
      case .subject: "M1 1h10v10h-10z"
      case .preset: "M6 .5l5.5 5.5l-5.5 5.5l-5.5-5.5z"
      case .uniform: "M2 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
      }
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sign\" width=\"12\" height=\"12\" "
      + "viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path class=\"mark \(kind)\" d=\"\(path)\"/></svg>"
  }

  // MARK: - Distributions

  private mutating func writeDistributions() {
    guard !report.distributions.isEmpty else { return }
    section("Weights of the tensors that lose the most")
    page.element(
      "p", ["class": "faint"],
      "Area: the weights as they are; line: what comes back of them. Triangles: taller than shown. "
        + "Counts beside the ends lie outside of the range.")
    page.element("div", ["class": "cards"]) { grid in
      for distribution in report.distributions {
        guard report.entries.indices.contains(distribution.entry) else { continue }
        let entry = report.entries[distribution.entry]
        let name = entry.tensor.label.shortened(to: 100)
        let error = Figures.percent(of: Totals([entry.contribution]))
        let decibels = entry.contribution.nmse.map { Figures.decibels(-10 * log10($0)) } ?? ""
        grid.element("figure") { figure in
          HistogramDrawing(
            source: distribution.source, reconstructed: distribution.reconstructed
          ).write(to: &figure, label: "Weights of \(name)")
          figure.element("figcaption") { caption in
            caption.element("code", name)
            caption.write(": \(entry.choice), NMSE \(error), \(decibels)")
          }
        }
        grid.endLine()
      }
    }
  }

  // MARK: - Tables

  private mutating func writeFormats() {
    section("Formats")
    table(
      report.formatHead.enumerated().map { ($1, $0 > 0) }, report.formatRows.map { ($0, "") })
  }

  private mutating func writeDevices() {
    guard let devices = report.devices else { return }
    section("Where it fits")
    table(
      [("device", false), ("source", false), (report.subjectName, false)],
      report.deviceRows(devices).map { ($0, "") })
    page.element("p", ["class": "faint"], report.deviceCaption(devices))
  }

  private mutating func writeTensors() {
    let groups = ReportGroups(report, limit: Self.lineLimit)
    section("Tensors")
    let lineCount = groups.groups.reduce(0) { $0 + $1.lines.count }
    for group in groups.groups {
      page.element("details", lineCount <= Self.openLimit ? ["open": "open"] : [:]) { details in
        details.element("summary") { summary in
          summary.element("strong", group.title)
          summary.write(
            ": \(Figures.bytes(group.totals.bytes)), "
              + "\(Figures.bits(group.totals.bitsPerWeight)) bpw, NMSE "
              + Figures.percent(of: group.totals))
        }
        if !group.prefix.isEmpty {
          details.element("p", ["class": "faint"]) { line in
            line.write("names begin with ")
            line.element("code", group.prefix)
          }
        }
        Self.write(group, to: &details)
      }
      page.endLine()
    }
    if groups.leftOut > 0 {
      page.element(
        "p",
        "\(Figures.counted(groups.leftOut, "more tensor")) not listed here; "
          + "`bitladder show PLAN` prints all.")
    }
  }

  private static func write(_ group: ReportGroup, to page: inout Markup) {
    if !group.lines.isEmpty {
      page.element("table") { table in
        table.write(
          markup: "<thead><tr><th>tensor</th><th>format</th><th class=\"n\">bpw</th>"
            + "<th class=\"n\">size</th><th class=\"n\">NMSE</th></tr></thead>")
        table.element("tbody") { body in
          for line in group.lines {
            body.element("tr") { write(line, to: &$0) }
            body.endLine()
          }
        }
      }
    }
    if group.keptCount > 0 {
      page.element(
        "p", ["class": "faint"],
        "\(Figures.counted(group.keptCount, "tensor")) not worth quantizing: "
          + "norms, biases and the like stay as they are.")
    }
  }

  private static func write(_ line: ReportLine, to row: inout Markup) {
    row.element("td") { cell in
      cell.element("code", line.name)
      cell.element("small", line.detail)
    }
    row.element("td", line.formats + (line.isPinned ? " (pinned)" : ""))
    row.element("td", ["class": "n"], Figures.bits(line.totals.bitsPerWeight))
    row.element("td", ["class": "n"], Figures.bytes(line.totals.bytes))
    row.element("td", ["class": "n"]) { cell in
      guard !line.isKept else { return }
      cell.write(Figures.percent(of: line.totals))
      guard line.totals.isComplete else { return }
      let share = Theme.severityShare(nmse: line.totals.nmse)
      cell.element("span", ["class": "bar"]) {
        $0.element("i", ["style": "width:\(Int((share * 100).rounded()))%"]) { _ in }
      }
    }
  }

  // MARK: - The end

  private mutating func writeNotes() {
    if !report.notes.isEmpty {
      section("Notes")
      page.element("ul") { list in
        for note in report.notes.prefix(Self.noteLimit) {
          list.element("li", note.sanitised.shortened(to: 400))
        }
        let rest = report.notes.count - Self.noteLimit
        if rest > 0 { list.element("li", "and \(rest) more") }
      }
    }
    section("How this was made")
    page.element("pre") { $0.element("code", report.command.shortened(to: 2_000)) }
    page.element("p", ["class": "faint"], report.madeBy)
    page.element("p", ["class": "faint"], Report.definitions)
  }
}
