import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// The columns of the list of channels.
private struct ChannelListColumns {
  let index, minimum, maximum, deviation, nmse, share, bar, outliers, importance: Rect

  init(_ line: Rect, digits: Int, isWeighted: Bool) {
    let width = line.columns
    // What there is little room for first: the deviation, then the bar.
    let rects = line.splitTable([
      .fixed(max(5, digits)), .fixed(width < 40 ? 0 : 8), .fixed(width < 40 ? 0 : 8),
      .fixed(width >= 62 ? 8 : 0), .fixed(8), .fixed(8), .weight(1), .fixed(5),
      .fixed(isWeighted && width >= 72 ? 8 : 0),
    ])
    index = rects[0]
    minimum = rects[1]
    maximum = rects[2]
    deviation = rects[3]
    nmse = rects[4]
    share = rects[5]
    bar = rects[6].inset(right: max(0, rects[6].columns - 40))
    outliers = rects[7]
    importance = rects[8]
  }
}

extension State {
  func drawChannelList(
    _ measurement: ChannelMeasurement, _ digest: ChannelDigest, on canvas: inout Canvas,
    _ layout: ChannelsLayout
  ) {
    let importances = channelImportances(digest)
    func columns(_ line: Rect) -> ChannelListColumns {
      ChannelListColumns(
        line, digits: "\(max(0, digest.count - 1))".columns, isWeighted: importances != nil)
    }
    drawChannelHeads(columns(layout.head), on: &canvas, in: layout.head)
    let worst = worstShare(measurement, digest)
    for line in 0..<layout.list.rows where channels.scroll + line < digest.count {
      let channel = digest.channel(at: channels.scroll + line)
      let rect = layout.list.line(line)
      drawChannel(
        channel, measurement.errors.figures(of: channel, channels.axis), digest, worst: worst,
        on: &canvas, in: columns(rect))
      if let importances, importances.indices.contains(channel) {
        canvas.writeRight(
          Figures.percent(importances[channel]), in: columns(rect).importance)
      }
      if channel == channels.cursor { canvas.select(rect) }
    }
  }

  private func drawChannelHeads(
    _ columns: ChannelListColumns, on canvas: inout Canvas, in line: Rect
  ) {
    canvas.fill(line, style: Theme.head)
    let name = channels.axis == .rows ? "row" : "input"
    canvas.writeRight(name, in: columns.index, style: Theme.head)
    for (text, rect) in [
      ("least", columns.minimum), ("greatest", columns.maximum), (glyphs.sigma, columns.deviation),
      ("NMSE", columns.nmse), ("of error", columns.share),
      (">6\(glyphs.sigma)", columns.outliers), ("matters", columns.importance),
    ] {
      canvas.writeRight(text, in: rect, style: Theme.head)
    }
  }

  private func drawChannel(
    _ channel: Int, _ figures: ChannelFigures, _ digest: ChannelDigest, worst: Double,
    on canvas: inout Canvas, in columns: ChannelListColumns
  ) {
    canvas.writeRight("\(channel)", in: columns.index)
    canvas.writeRight(Figures.weight(figures.minimum), in: columns.minimum)
    canvas.writeRight(Figures.weight(figures.maximum), in: columns.maximum)
    canvas.writeRight(Figures.weight(figures.deviation), in: columns.deviation)
    if figures.outliers > 0 {
      canvas.writeRight("\(figures.outliers)", in: columns.outliers, style: Theme.warning)
    }
    guard areChannelErrorsCurrent else {
      canvas.writeRight(glyphs.ellipsis, in: columns.nmse, style: Theme.faint)
      return
    }
    guard digest.key.format != nil else { return }
    let style = errorStyle(figures.nmse, isEstimate: false)
    canvas.writeRight(Figures.percent(figures.nmse), in: columns.nmse, style: style)
    guard let share = digest.share(of: figures) else { return }
    canvas.writeRight(Figures.percent(share), in: columns.share)
    canvas.bar(
      worst > 0 ? share / worst : 0, in: columns.bar, glyphs: glyphs, style: style)
  }

  /// What a full bar stands for: the greatest share of any channel.
  private func worstShare(_ measurement: ChannelMeasurement, _ digest: ChannelDigest) -> Double {
    digest.worstChannel.flatMap {
      digest.share(of: measurement.errors.figures(of: $0, channels.axis))
    } ?? 0
  }

  /// Each input channel's share of the importance; nil where it isn't known, and for rows.
  private func channelImportances(_ digest: ChannelDigest) -> [Double]? {
    let tensor = model.tensors[digest.key.tensor]
    guard digest.key.axis == .columns, let importance = importance?[tensor] else { return nil }
    let length = max(1, tensor.rowLength)
    var sums = [Double](repeating: 0, count: length)
    for (index, value) in importance.values.enumerated() { sums[index % length] += Double(value) }
    let total = sums.reduce(0, +)
    return total > 0 ? sums.map { $0 / total } : nil
  }

  // MARK: - Granularity

  /// The tensor's size and error in each granularity, the present one marked.
  func drawGranularities(of tensor: Tensor, on canvas: inout Canvas, in rect: Rect) {
    guard rect.rows > 2, rect.columns > 0 else { return }
    let base = granularityBase(of: tensor)
    let choice = choice(of: tensor.id)
    let isOwn = choice == .format(.integer(base))
    func columns(_ line: Rect) -> [Rect] {
      let isWide = line.columns >= 44
      return line.inset(left: 2).splitTable([
        .fixed(7), .fixed(5), .fixed(isWide ? 8 : 0), .fixed(8), .weight(1),
      ])
    }
    canvas.write(
      "what granularity would do", at: rect.origin, style: Theme.title, within: rect.columns)
    let heads = columns(rect.line(1))
    canvas.fill(rect.line(1), style: Theme.head)
    canvas.write(
      "int\(base.bits)\(base.scheme == .affine ? " aff." : "")", at: heads[0].origin,
      style: Theme.head, within: heads[0].columns)
    for (text, part) in [("bpw", heads[1]), ("size", heads[2]), ("NMSE", heads[3])] {
      canvas.writeRight(text, in: part, style: Theme.head)
    }
    let all = granularities(of: tensor)
    for (index, format) in all.enumerated() where index + 2 < rect.rows {
      let line = rect.line(index + 2)
      let parts = columns(line)
      let isHere = isOwn && format == base
      if isHere { canvas.write(glyphs.closed, at: line.origin, style: Theme.accent.with(.bold)) }
      let style = isHere ? Theme.title : Style.standard
      let wanted = Choice.format(.integer(format))
      canvas.write(
        format.granularity.name, at: parts[0].origin, style: style, within: parts[0].columns)
      canvas.writeRight(Figures.bits(wanted.bitsPerWeight(of: tensor)), in: parts[1], style: style)
      canvas.writeRight(Figures.bytes(wanted.byteCount(of: tensor)), in: parts[2], style: style)
      guard let known = measurement(of: tensor.id, .integer(format)) else {
        canvas.writeRight(glyphs.ellipsis, in: parts[3], style: Theme.faint)
        continue
      }
      let nmse = known.figures.nmse
      drawPercent(nmse, known.interval, on: &canvas, in: parts[3])
      canvas.bar(
        Theme.severityShare(nmse: nmse), in: parts[4], glyphs: glyphs,
        style: errorStyle(nmse, isEstimate: !known.exact))
    }
    drawGranularityWords(
      choice, tensor, all, on: &canvas, in: rect.inset(left: 2, top: all.count + 2))
  }

  /// What the granularity at hand is, and what the next finer one would do.
  private func drawGranularityWords(
    _ choice: Choice, _ tensor: Tensor, _ all: [IntegerFormat], on canvas: inout Canvas,
    in rect: Rect
  ) {
    var texts: [(String, Style)] = []
    switch choice {
    case .format(.integer(let format)):
      texts.append(("( coarser   ) finer", Theme.faint))
      if let sentence = nextGranularity(after: format, all, tensor) {
        texts.append((sentence, .standard))
      }
      texts.append(
        (
          "A scale for each row keeps rows apart; only groups along the row keep input channels apart.",
          Theme.faint
        ))
    case .format(let format):
      let block = BlockParts(format, rows: tensor.rows, rowLength: tensor.rowLength)
      let nmse =
        measurement(of: tensor.id, format)
        .map { ", NMSE " + Figures.percent($0.figures.nmse) } ?? ""
      texts.append(
        (
          block.weights == 1
            ? "\(format) has no scales\(nmse)" : "\(format): blocks of \(block.weights)\(nmse)",
          Theme.changed
        ))
      texts.append(("integers of about as many bits beside it", Theme.faint))
    case .source:
      texts.append(("what integers would lose", Theme.faint))
    }
    var row = 0
    for (text, style) in texts {
      let lines = text.wrapped(to: max(1, rect.columns))
      // Half a sentence says nothing.
      guard row + lines.count <= rect.rows else { continue }
      for line in lines {
        canvas.write(line, at: rect.line(row).origin, style: style, within: rect.columns)
        row += 1
      }
    }
  }

  /// `g64: −21 % error for +0.12 bpw`.
  private func nextGranularity(
    after format: IntegerFormat, _ all: [IntegerFormat], _ tensor: Tensor
  ) -> String? {
    guard let index = all.firstIndex(of: format), all.indices.contains(index + 1),
      let now = measurement(of: tensor.id, .integer(format))?.figures.nmse, now > 0, now.isFinite,
      let then = measurement(of: tensor.id, .integer(all[index + 1]))?.figures.nmse,
      abs(1 - then / now) > 0.0005
    else { return nil }
    let bits =
      Choice.format(.integer(all[index + 1])).bitsPerWeight(of: tensor)
      - Choice.format(.integer(format)).bitsPerWeight(of: tensor)
    let change = Figures.saving(1 - then / now, minus: glyphs.minus)
    return "\(all[index + 1].granularity.name): \(change) error for +\(Figures.bits(bits)) bpw"
  }

  /// The same on one line: `tensor 4.1 % · channel 2.2 % · [g128 1.5 %]`.
  func drawGranularityStrip(of tensor: Tensor, on canvas: inout Canvas, in line: Rect) {
    guard line.rows > 0 else { return }
    let choice = choice(of: tensor.id)
    var column = line.column
    for format in granularities(of: tensor) {
      let known = measurement(of: tensor.id, .integer(format))
      let figure =
        known.map { ShortFigures.percent($0.figures.nmse, about: $0.exact ? nil : glyphs.about) }
        ?? glyphs.ellipsis
      let isHere = choice == .format(.integer(format))
      let text = "\(format.granularity.name) \(figure)"
      let shown = isHere ? "[\(text)]" : text
      if column + shown.columns > line.endColumn { break }
      column += canvas.write(
        shown, at: Point(column: column, row: line.row), style: isHere ? Theme.title : Theme.faint)
      column += isHere ? 1 : 2
    }
  }
}
