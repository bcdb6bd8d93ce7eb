import Evaluation
import ModelFiles
import Planning
import Terminal

/// Where things stand in the Quality view.
struct QualityLayout {
  /// What is run, and how far that is.
  let subject: Rect
  /// The figures: their names, the source's, the plan's.
  let figures: Rect
  /// What stands out among the tensors.
  let words: Rect
  let head: Rect
  let list: Rect

  init(_ body: Rect) {
    let rows = body.splitRows(.fixed(1), .fixed(3), .fixed(1), .fixed(1), .weight(1))
    subject = rows[0].inset(left: 2, right: 1)
    figures = rows[1].inset(left: 2, right: 1)
    words = rows[2].inset(left: 2, right: 1)
    head = rows[3]
    list = rows[4]
  }
}

/// A figure of the plan beside the source's.
private struct QualityFigure {
  let name: String
  let source: String
  let plan: String
  /// What is left out first where there is little room.
  let rank: Int

  var columns: Int { max(name.columns, source.columns, plan.columns) }
}

extension State {
  func drawQuality(on canvas: inout Canvas, in body: Rect) {
    let layout = QualityLayout(body)
    guard let subject = quality.subject else {
      drawNoQuality(on: &canvas, in: body.inset(left: 2, top: 1, right: 1))
      return
    }
    drawQualitySubject(subject, on: &canvas, in: layout.subject)
    drawQualityFigures(on: &canvas, in: layout.figures)
    let rows = qualityRows
    drawQualityWords(rows, on: &canvas, in: layout.words)
    let columns = QualityColumns(layout.head)
    canvas.fill(layout.head, style: Theme.head)
    let order = "\(Figures.counted(rows.count, "tensor")), \(quality.order.title)"
    canvas.write(
      order.columns <= columns.name.columns ? order : quality.order.title,
      at: columns.name.origin, style: Theme.head, within: columns.name.columns)
    canvas.write(
      "format", at: columns.format.origin, style: Theme.head, within: columns.format.columns)
    for (text, rect) in [
      ("NMSE", columns.nmse), ("\(distanceName) alone", columns.effect),
      ("beyond NMSE", columns.surprise),
    ] { canvas.writeRight(text, in: rect, style: Theme.head) }
    let first = firstQualityRow(rows, lines: layout.list.rows)
    let here = quality.tensor ?? rows.first?.tensor
    let most = rows.compactMap { $0.effect?.distance }.max() ?? 0
    for (line, row) in rows.dropFirst(first).prefix(layout.list.rows).enumerated() {
      let rect = layout.list.line(line)
      drawQualityRow(row, most: most, on: &canvas, in: QualityColumns(rect))
      if row.tensor == here { canvas.select(rect) }
    }
  }

  /// Why there is nothing to be seen, and what helps.
  private func drawNoQuality(on canvas: inout Canvas, in rect: Rect) {
    let lines: [(String, Style)]
    switch quality.phase {
    case .unavailable(let reason):
      lines = [
        ("This model can't be run:", Theme.title), (reason, Theme.warning),
        ("All else works: errors of weights, the solver, saving and exporting.", Theme.faint),
      ]
    case .starting:
      lines = [("making the model and its data ready\(glyphs.ellipsis)", Theme.faint)]
    case .asleep, .ready:
      lines = [
        (
          "The model isn't run." + by("runModel", "runs it under every plan", after: " "), .standard
        ),
        (
          "Then the true quality is shown here and beside the totals: perplexity, KL divergence, "
            + "accuracy.", Theme.faint
        ),
      ]
    }
    var row = 0
    for (text, style) in lines {
      for line in text.wrapped(to: max(1, rect.columns)) where row < rect.rows {
        canvas.write(line, at: rect.line(row).origin, style: style, within: rect.columns)
        row += 1
      }
    }
  }

  /// What says how far the outputs are from the source's.
  private var distanceName: String {
    if case .embedding = quality.subject?.task { "1-cos" } else { "KL" }
  }

  // MARK: - The head

  private func drawQualitySubject(
    _ subject: QualitySubject, on canvas: inout Canvas, in line: Rect
  ) {
    let what =
      switch subject.task {
      case .language: "sequence"
      case .classification: "sample"
      case .embedding: "text"
      }
    var text = "\(subject.data): \(Figures.counted(subject.samples, what))"
    if let context = subject.context { text += " of \(context) tokens" }
    let used = canvas.write(text, at: line.origin, style: Theme.title, within: line.columns)
    var status = ""
    if quality.failure == nil, quality.reading?.isComplete != true || !quality.isCurrent {
      let samples = quality.isCurrent ? quality.reading?.samples ?? 0 : 0
      status = "running\(glyphs.ellipsis) \(samples) of \(subject.samples)"
    } else if !quality.waiting.isEmpty {
      let done = quality.waitingAtMost - quality.waiting.count
      status = "tensors alone: \(done)/\(quality.waitingAtMost)"
    }
    if used + status.columns + 2 <= line.columns {
      canvas.writeRight(status, in: line, style: Theme.faint)
    }
  }

  private func drawQualityFigures(on canvas: inout Canvas, in rect: Rect) {
    guard rect.rows == 3 else { return }
    if let failure = quality.failure {
      canvas.write(
        failure.truncated(to: rect.columns, mark: glyphs.ellipsis), at: rect.line(1).origin,
        style: Theme.warning, within: rect.columns)
      return
    }
    guard let reading = quality.reading else { return }
    let isCurrent = quality.isCurrent
    let names = 7
    var figures = figures(of: reading)
    while figures.reduce(names, { $0 + 2 + $1.columns }) > rect.columns,
      let least = figures.indices.min(by: { figures[$0].rank < figures[$1].rank })
    {
      figures.remove(at: least)
    }
    canvas.write("source", at: rect.line(1).origin, style: Theme.faint)
    canvas.write("plan", at: rect.line(2).origin, style: Theme.title)
    var column = rect.column + names
    for figure in figures {
      for (line, text) in [figure.name, figure.source, figure.plan].enumerated() {
        let place = Rect(
          column: column + 2, row: rect.row + line, columns: figure.columns, rows: 1)
        canvas.writeRight(
          text, in: place,
          style: line == 2 ? (isCurrent ? Theme.title : Theme.faint) : Theme.faint)
      }
      column += 2 + figure.columns
    }
  }

  private func figures(of reading: QualityReading) -> [QualityFigure] {
    let about = reading.isComplete && quality.isCurrent ? "" : glyphs.about
    func decimals(_ value: Double, _ count: Int) -> String {
      let scale = [1.0, 10, 100, 1_000, 10_000, 100_000][count]
      let rounded = (abs(value) * scale).rounded()
      let whole = Int(clamping: Int64(rounded / scale))
      let rest = Int(clamping: Int64(rounded - Double(whole) * scale))
      let digits = String(repeating: "0", count: count - "\(rest)".count) + "\(rest)"
      return "\(value < 0 ? glyphs.minus : "")\(whole).\(digits)"
    }
    switch reading.figures {
    case .language(let f):
      let ratio = f.ratio.value - 1
      return [
        QualityFigure(
          name: "perplexity", source: decimals(f.sourcePerplexity.value, 2),
          plan: about + decimals(f.perplexity.value, 2), rank: 8),
        QualityFigure(
          name: "change", source: "",
          plan: (ratio < 0 ? glyphs.minus : "+") + Figures.percent(abs(ratio)), rank: 4),
        QualityFigure(
          name: "KL", source: "0", plan: about + Figures.divergence(f.divergence.value), rank: 9),
        QualityFigure(
          name: "95 %", source: "", plan: interval(f.divergenceInterval), rank: 6),
        QualityFigure(
          name: "median", source: "", plan: Figures.divergence(f.divergences[0.5]), rank: 2),
        QualityFigure(
          name: "worst 1 %", source: "", plan: Figures.divergence(f.divergences[0.99]), rank: 5),
        QualityFigure(
          name: "same top", source: "", plan: Figures.percent(f.sameTop.value), rank: 7),
        QualityFigure(
          name: "RMS \(glyphs.delta)p", source: "",
          plan: Figures.percent(f.probabilityChange.value), rank: 3),
      ]
    case .classification(let f):
      return [
        QualityFigure(
          name: "right", source: Figures.percent(f.sourceAccuracy),
          plan: about + Figures.percent(f.accuracy), rank: 9),
        QualityFigure(
          name: "95 %", source: "",
          plan: "\(Figures.percent(f.accuracyInterval.lowerBound)) \(glyphs.ellipsis) "
            + Figures.percent(f.accuracyInterval.upperBound), rank: 4),
        QualityFigure(
          name: "loss", source: decimals(f.sourceLoss.value, 4), plan: decimals(f.loss.value, 4),
          rank: 5),
        QualityFigure(
          name: "KL", source: "0", plan: about + Figures.divergence(f.divergence.value), rank: 8),
        QualityFigure(name: "flips", source: "", plan: "\(f.flips)", rank: 7),
        QualityFigure(name: "lost", source: "", plan: "\(f.lost)", rank: 6),
      ]
    case .embedding(let f):
      return [
        QualityFigure(
          name: "cosine", source: "1", plan: about + decimals(f.cosine.value, 5), rank: 9),
        QualityFigure(name: "least", source: "", plan: decimals(f.leastCosine, 5), rank: 7),
        QualityFigure(
          name: "rank agreement", source: "1", plan: f.rankAgreement.map { decimals($0, 4) } ?? "",
          rank: 6),
        QualityFigure(
          name: "same nearest", source: "\(f.texts)", plan: "\(f.sameNearest)", rank: 5),
      ]
    }
  }

  private func interval(_ interval: ClosedRange<Double>?) -> String {
    interval.map {
      "\(Figures.divergence(max(0, $0.lowerBound))) \(glyphs.ellipsis) "
        + Figures.divergence($0.upperBound)
    } ?? ""
  }

  /// From so many times on, an effect is said to be more than its error makes one expect.
  private static let surprising = 3.0

  /// Where the error of the weights misleads.
  private func drawQualityWords(_ rows: [QualityRow], on canvas: inout Canvas, in line: Rect) {
    let known = rows.filter { $0.surprise != nil }
    guard known.count >= 3, let worst = known.max(by: { ($0.surprise ?? 0) < ($1.surprise ?? 0) })
    else { return }
    let count = known.count { ($0.surprise ?? 0) >= Self.surprising }
    let times = Figures.significant(worst.surprise ?? 0)
    let name = Catalogue.shortLabel(model.tensors[worst.tensor])
    let ofAll = "\(count) of \(known.count)"
    let what = "does over \(Int(Self.surprising)) times more than it says"
    let texts =
      count == 0
      ? ["no tensor does much more to the outputs than its NMSE says"]
      : [
        "NMSE misleads: \(ofAll) \(count == 1 ? what : "tensors " + what.replacing("does", with: "do"))"
          + "; most \(name), \(times) times",
        "NMSE misleads for \(ofAll); most for \(name), \(times) times",
        "NMSE misleads for \(ofAll)",
      ]
    guard let text = texts.first(where: { $0.columns <= line.columns }) ?? texts.last else {
      return
    }
    canvas.write(
      text, at: line.origin, style: count == 0 ? Theme.faint : Theme.caution, within: line.columns)
  }

  // MARK: - The list

  private struct QualityColumns {
    let name, format, nmse, effect, bar, surprise: Rect

    init(_ line: Rect) {
      let width = line.columns
      let rects = line.inset(left: 2, right: 1).splitTable([
        .weight(1), .fixed(width >= 100 ? 20 : width >= 74 ? 12 : 9),
        .fixed(width >= 50 ? 9 : 0), .fixed(width >= 60 ? 11 : 9),
        .fixed(width >= 110 ? 24 : width >= 90 ? 12 : 0), .fixed(width >= 74 ? 13 : 0),
      ])
      name = rects[0]
      format = rects[1]
      nmse = rects[2]
      effect = rects[3]
      bar = rects[4]
      surprise = rects[5]
    }
  }

  private func drawQualityRow(
    _ row: QualityRow, most: Double, on canvas: inout Canvas, in columns: QualityColumns
  ) {
    let name = Catalogue.shortLabel(model.tensors[row.tensor])
    canvas.write(
      name.truncatedMiddle(to: columns.name.columns, mark: glyphs.ellipsis),
      at: columns.name.origin, within: columns.name.columns)
    // What it would be is told apart from what it is.
    let format = row.format.map { row.isPlanned ? $0.description : "(\($0))" } ?? "source"
    canvas.write(
      format.truncatedMiddle(to: columns.format.columns, mark: glyphs.ellipsis),
      at: columns.format.origin, style: row.isPlanned ? Theme.changed : Theme.faint,
      within: columns.format.columns)
    guard row.format != nil else { return }
    canvas.writeRight(
      row.nmse.map { (row.isEstimate ? glyphs.about : "") + Figures.percent($0) }
        ?? glyphs.ellipsis,
      in: columns.nmse,
      style: row.nmse.map { errorStyle($0, isEstimate: row.isEstimate) } ?? Theme.faint)
    guard let effect = row.effect else {
      canvas.writeRight(glyphs.ellipsis, in: columns.effect, style: Theme.faint)
      return
    }
    canvas.writeRight(Figures.divergence(effect.distance), in: columns.effect)
    canvas.bar(
      most > 0 ? max(0, effect.distance) / most : 0, in: columns.bar, glyphs: glyphs,
      style: Theme.accent)
    guard let surprise = row.surprise else { return }
    let text =
      surprise >= 1
      ? "\(glyphs.times)\(Figures.significant(surprise))"
      : "\(glyphs.divided)\(Figures.significant(1 / surprise))"
    canvas.writeRight(
      text, in: columns.surprise,
      style: surprise >= Self.surprising
        ? Theme.caution : surprise <= 1 / Self.surprising ? Theme.good : Theme.faint)
  }

  // MARK: - Beside the totals

  /// The true figure in a few letters; nil where the model isn't run.
  var qualityText: (text: String, isEstimate: Bool)? {
    guard quality.isOn, quality.failure == nil else { return nil }
    let name =
      switch quality.subject?.task {
      case .classification: "right"
      case .embedding: "cosine"
      case .language, nil: "KL"
      }
    guard let reading = quality.reading, quality.isCurrent else {
      return ("\(name) \(glyphs.ellipsis)", true)
    }
    let about = reading.isComplete ? "" : glyphs.about
    switch reading.figures {
    case .language(let figures):
      var text = "KL \(about)\(Figures.divergence(figures.divergence.value))"
      if !reading.isComplete, let interval = figures.divergenceInterval {
        let half = (interval.upperBound - interval.lowerBound) / 2
        text += "\(glyphs.plusMinus)\(Figures.divergence(half))"
      }
      return (text, !reading.isComplete)
    case .classification(let figures):
      return (
        "\(about)\(Figures.percent(figures.accuracy)) right, KL "
          + Figures.divergence(figures.divergence.value), !reading.isComplete
      )
    case .embedding(let figures):
      return ("cosine \(about)\(Figures.cosine(figures.cosine.value))", !reading.isComplete)
    }
  }
}
