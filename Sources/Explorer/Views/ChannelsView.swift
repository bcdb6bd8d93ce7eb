import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  func drawChannels(on canvas: inout Canvas, in body: Rect) {
    let layout = ChannelsLayout(body)
    guard let tensor = channelsTensor else {
      drawNoChannels(on: &canvas, in: body.inset(left: 2, top: 1, right: 1))
      return
    }
    drawChannelSummary(tensor, on: &canvas, in: layout.summary)
    drawChannelSwitch(on: &canvas, in: layout.switches)
    drawGranularities(of: tensor, on: &canvas, in: layout.panel)
    drawGranularityStrip(of: tensor, on: &canvas, in: layout.strip)
    guard let (measurement, digest) = shownChannels else {
      canvas.write(
        "measuring its rows and columns\(glyphs.ellipsis)", at: layout.words.origin,
        style: Theme.faint, within: layout.words.columns)
      return
    }
    drawChannelWords(measurement, digest, on: &canvas, in: layout.words)
    drawProfile(of: tensor, measurement, digest, on: &canvas, in: layout.plot)
    drawChannelList(measurement, digest, on: &canvas, layout)
  }

  /// Why there is nothing to be seen, and what helps.
  private func drawNoChannels(on canvas: inout Canvas, in rect: Rect) {
    var lines: [(String, Style)] = []
    if let tensor {
      lines.append((tensor.label, Theme.title))
      if let reason = tensor.suitability.reason {
        lines.append(("kept as it is: \(reason)", Theme.warning))
        let hint = "Only tensors worth quantizing have rows and columns to look into."
        lines.append((hint, Theme.faint))
      } else {
        lines.append(("its weights can't be read as numbers", Theme.warning))
      }
    } else if model.tensors.contains(where: \.suitability.isQuantizable) {
      lines.append(("This view is about one tensor; the cursor stands on a group.", .standard))
    } else {
      lines.append(("no tensor of this model is worth quantizing", Theme.faint))
      canvas.write(lines[0].0, at: rect.origin, style: lines[0].1, within: rect.columns)
      return
    }
    lines.append(("n goes to the next tensor, N to the one before, F1 back to Layers.", .standard))
    var row = 0
    for (text, style) in lines {
      for line in text.wrapped(to: max(1, rect.columns)) where row < rect.rows {
        canvas.write(line, at: rect.line(row).origin, style: style, within: rect.columns)
        row += 1
      }
    }
  }

  // MARK: - The head

  /// Whole facts, as many as there is room for.
  private func write(
    _ facts: [(text: String, style: Style)], on canvas: inout Canvas, in line: Rect
  ) {
    var column = line.column
    for (index, fact) in facts.enumerated() {
      if index > 0, column + 3 + fact.text.columns > line.endColumn { break }
      column += index > 0 ? 3 : 0
      column += canvas.write(
        fact.text.truncatedMiddle(to: line.columns, mark: glyphs.ellipsis),
        at: Point(column: column, row: line.row), style: fact.style,
        within: max(0, line.endColumn - column))
    }
  }

  private func drawChannelSummary(_ tensor: Tensor, on canvas: inout Canvas, in line: Rect) {
    let choice = choice(of: tensor.id)
    let format = choice == .source ? "source (\(tensor.sourceName))" : choice.description
    var facts: [(text: String, style: Style)] = [
      (format, choice == .source ? .standard : Theme.changed)
    ]
    if let format = choice.format {
      if let measurement = measurement(of: tensor.id, format) {
        let figures = measurement.figures
        let style = errorStyle(figures.nmse, isEstimate: !measurement.exact)
        facts.append(("NMSE \(percentText(figures.nmse, measurement.interval))", style))
        let about = measurement.exact ? "" : glyphs.about
        facts.append((about + Figures.decibels(figures.sqnr), style))
      } else {
        facts.append(("NMSE \(glyphs.ellipsis)", Theme.faint))
      }
    } else {
      facts.append(("nothing is lost yet", Theme.faint))
    }
    let rows = Figures.counted(tensor.rows, "row")
    facts.append(("\(rows) \(glyphs.times) \(tensor.rowLength) inputs", Theme.faint))
    facts.append((Figures.bytes(choice.byteCount(of: tensor)), Theme.faint))
    facts.append(("\(Figures.bits(choice.bitsPerWeight(of: tensor))) bpw", Theme.faint))
    // The name gives way to the figures, as far as it stays a name.
    let needed = facts.prefix(3).reduce(0) { $0 + $1.text.columns + 3 }
    let room = max(min(16, line.columns / 2), line.columns - needed)
    let short = tensor.label.columns <= room ? tensor.label : Catalogue.shortLabel(tensor)
    facts.insert((short.truncatedMiddle(to: room, mark: glyphs.ellipsis), Theme.title), at: 0)
    write(facts, on: &canvas, in: line)
  }

  /// The worst hundredth of the channels is worth a word from so many times its even share of the error on.
  private static let worthAWord = 2.0

  private func drawChannelWords(
    _ measurement: ChannelMeasurement, _ digest: ChannelDigest, on canvas: inout Canvas,
    in line: Rect
  ) {
    var facts: [(text: String, style: Style)] = []
    if !measurement.isComplete {
      let seen = measurement.errors.rowCount
      let share = Figures.percent(Double(seen) / Double(max(1, measurement.rows)))
      facts.append(("so far \(seen) of \(measurement.rows) rows, \(share)", Theme.mark))
    }
    let name = channels.axis.title
    if !areChannelErrorsCurrent {
      facts.append(("measuring the errors\(glyphs.ellipsis)", Theme.faint))
    } else if let worst = digest.worst {
      let share = Figures.percent(worst.share)
      let even = Double(worst.count) / Double(max(1, digest.count))
      let isEven = worst.share < Self.worthAWord * even
      let verb = worst.count == 1 ? "holds" : "hold"
      let texts =
        isEven
        ? [
          "the error is spread evenly over the \(digest.count) \(name)",
          "the error is spread evenly",
        ]
        : ["\(digest.count) \(name)", "\(digest.count)"].map {
          "\(worst.count) of \($0) \(verb) \(share) of the error"
        }
      let text = texts.first { $0.columns <= line.columns } ?? texts[1]
      facts.append((text, isEven ? .standard : Theme.title))
    }
    if digest.outliers > 0 {
      let one = channels.axis == .rows ? "row" : "input channel"
      facts.append(
        (
          "\(Figures.counted(digest.outliers, "weight")) beyond 6\(glyphs.sigma), in "
            + Figures.counted(digest.outlying, one), .standard
        ))
    } else {
      facts.append(("no weight beyond 6\(glyphs.sigma)", Theme.faint))
    }
    write(facts, on: &canvas, in: line)
  }

  // MARK: - The switch

  /// The names of both sides, with their places.
  func channelTabs(in line: Rect) -> [(axis: ChannelsState.Axis, rect: Rect)] {
    var column = line.column + (line.columns >= 50 ? 2 : 0)
    return ChannelsState.Axis.allCases.map { axis in
      let columns = axis.title.columns + 2
      defer { column += columns + 1 }
      return (axis, Rect(column: column, row: line.row, columns: columns, rows: line.rows))
    }
  }

  private func drawChannelSwitch(on canvas: inout Canvas, in line: Rect) {
    guard line.rows > 0 else { return }
    canvas.fill(line, with: glyphs.horizontal, style: Theme.faint)
    for (axis, rect) in channelTabs(in: line) {
      let isHere = axis == channels.axis
      canvas.write(
        isHere ? "[\(axis.title)]" : " \(axis.title) ", at: rect.origin,
        style: isHere ? Theme.accent.with(.bold) : Theme.faint)
    }
    let order = " \(channels.order.title) "
    if line.columns >= 50 { canvas.writeRight(order, in: line.inset(right: 2), style: Theme.title) }
  }

  // MARK: - The profile

  private func drawProfile(
    of tensor: Tensor, _ measurement: ChannelMeasurement, _ digest: ChannelDigest,
    on canvas: inout Canvas, in rect: Rect
  ) {
    guard rect.rows > 1 else { return }
    let plot = ChannelPlot(
      rect, count: channelCount(tensor), hasErrors: measurement.format != nil)
    let span = digest.maximum - digest.minimum
    var columns: [ChannelColumn?] = []
    for column in plot.band.column..<plot.band.endColumn {
      columns.append(
        plot.channels(at: column).flatMap {
          ChannelColumn(measurement.errors, channels.axis, $0, known: digest.count)
        })
    }
    let most = columns.reduce(0) { max($0, $1?.squaredError ?? 0) }
    for (index, column) in columns.enumerated() {
      guard let column, span > 0 else { continue }
      let place = plot.band.column + index
      func height(_ value: Double) -> Int {
        Int(((value - digest.minimum) / span * Double(8 * plot.band.rows)).rounded())
      }
      // What lies within two deviations is the body, all beyond it fainter.
      let body =
        height(
          column.center - 2 * column.deviation)...height(
          column.center + 2 * column.deviation)
      canvas.band(
        from: height(column.minimum), to: height(column.maximum), column: place, in: plot.band,
        glyphs: glyphs
      ) { body.contains($0) ? Theme.accent : Theme.accent.with(.dim) }
      guard areChannelErrorsCurrent, most > 0, column.squaredError > 0 else { continue }
      let share = column.squaredError.isFinite && most.isFinite ? column.squaredError / most : 1
      canvas.band(
        from: 0, to: max(1, Int((share * Double(8 * plot.errors.rows)).rounded())), column: place,
        in: plot.errors, glyphs: glyphs
      ) { _ in errorStyle(column.nmse, isEstimate: !measurement.isComplete) }
    }
    drawProfileScales(plot, digest, most: most, on: &canvas)
    drawProfileAxis(plot, count: channelCount(tensor), on: &canvas)
  }

  private func drawProfileScales(
    _ plot: ChannelPlot, _ digest: ChannelDigest, most: Double, on canvas: inout Canvas
  ) {
    let band = plot.gutter.intersection(
      Rect(
        column: plot.gutter.column, row: plot.band.row, columns: plot.gutter.columns,
        rows: plot.band.rows))
    guard band.rows > 1 else { return }
    canvas.writeRight(Figures.weight(digest.maximum), in: band.line(0), style: Theme.faint)
    canvas.writeRight(
      Figures.weight(digest.minimum), in: band.line(band.rows - 1), style: Theme.faint)
    if band.rows >= 4 {
      canvas.writeRight("range", in: band.line(band.rows / 2), style: Theme.faint)
    }
    let errors = Rect(
      column: band.column, row: plot.errors.row, columns: band.columns, rows: plot.errors.rows)
    guard areChannelErrorsCurrent, most > 0 else { return }
    if most.isFinite, digest.squaredError > 0 {
      canvas.writeRight(
        Figures.percent(most / digest.squaredError), in: errors.line(0), style: Theme.faint)
    }
    if errors.rows > 1 {
      canvas.writeRight("of error", in: errors.line(errors.rows - 1), style: Theme.faint)
    }
  }

  private func drawProfileAxis(_ plot: ChannelPlot, count: Int, on canvas: inout Canvas) {
    let line = plot.axis
    guard line.rows > 0, count > 0 else { return }
    let cursor = channels.cursor ?? 0
    let here = plot.column(of: cursor)
    let label = "\(glyphs.upArrow)\(cursor)"
    let end = "\(count - 1)"
    if here > line.column + 2 { canvas.write("0", at: line.origin, style: Theme.faint) }
    if here + label.columns + 1 < line.endColumn - end.columns {
      canvas.writeRight(end, in: line, style: Theme.faint)
    }
    let isLeft = here + label.columns > line.endColumn
    let text = isLeft ? "\(cursor)\(glyphs.upArrow)" : label
    canvas.write(
      text, at: Point(column: isLeft ? here - text.columns + 1 : here, row: line.row),
      style: Theme.title)
  }
}

/// Some neighbouring channels in one column of the profile: of each figure the greatest.
struct ChannelColumn {
  private(set) var minimum = Double.infinity
  private(set) var maximum = -Double.infinity
  private(set) var squaredError = 0.0
  private(set) var nmse = 0.0
  /// Of the channel that reaches farthest.
  private(set) var center = 0.0
  private(set) var deviation = 0.0

  /// nil if none of them is known.
  init?(_ errors: ChannelErrors, _ axis: ChannelsState.Axis, _ channels: Range<Int>, known: Int) {
    let channels = channels.clamped(to: 0..<known)
    guard !channels.isEmpty else { return nil }
    for channel in channels {
      let figures = errors.figures(of: channel, axis)
      if figures.deviation >= deviation {
        deviation = figures.deviation
        center = figures.sum / Double(max(1, figures.count))
      }
      minimum = min(minimum, figures.minimum)
      maximum = max(maximum, figures.maximum)
      squaredError = max(squaredError, figures.squaredError)
      nmse = max(nmse, figures.nmse)
    }
  }
}
