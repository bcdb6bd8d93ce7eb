import ModelFiles
import Planning
import Terminal

/// The words on how a plan fits a device.
enum FitText {
  /// The whole summary, then shorter ones: all say whether it fits, as far as that is known.
  static func summaries(_ fit: Fit, _ glyphs: Glyphs) -> [String] {
    let dot = " \(glyphs.middleDot) "
    guard fit.fits else {
      let lack = "too large by \(Figures.bytes(-fit.freeBytes))"
      return [
        "\(fit.memory) \(fit.condition)\(dot)\(lack)", "\(fit.device.name): \(lack)", lack,
        "too large",
      ]
    }
    guard fit.cacheBytes != nil else {
      return [
        "\(fit.memory) \(fit.condition)", "\(fit.device.name): weights fit", "weights fit",
      ]
    }
    return [
      fit.summary(separator: dot, atMost: glyphs.atMost + " "), "\(fit.memory) \(fit.condition)",
      fit.memory, "\(fit.device.name): fits", "fits",
    ]
  }

  static func context(_ fit: Fit, _ glyphs: Glyphs) -> String {
    fit.greatestContext.map { $0 > 0 ? Quantity.text(tokens: $0) : glyphs.dash } ?? "?"
  }

  static func speed(_ fit: Fit) -> String {
    guard fit.fits else { return "too large" }
    return fit.tokensPerSecond.map { "\(Fit.rate($0)) tok/s" } ?? "?"
  }

  /// What is needed, and for what: the whole sentence, then shorter ones.
  static func needs(_ fit: Fit) -> [String] {
    let total = "needs \(Figures.bytes(fit.totalBytes))"
    let weights = Figures.bytes(fit.demand.weights)
    let overhead = Figures.bytes(fit.overheadBytes)
    guard let cache = fit.cacheBytes.map({ Figures.bytes($0) }) else {
      return ["\(total): \(weights) of weights, \(overhead) of overhead", total]
    }
    return [
      "\(total): \(weights) of weights, \(cache) of cache, \(overhead) of overhead",
      "\(total): weights \(weights), cache \(cache)", total,
    ]
  }

  static func hints(_ glyphs: Glyphs) -> [(String, String)] {
    [
      ("Enter", "take"), ("Esc", "cancel"), (glyphs.leftAndRight, "context"), ("Tab", "cache"),
      ("+ -", "batch"), (glyphs.upAndDown, "choose"),
    ]
  }
}

extension State {
  var deviceRows: Int { max(1, min(16, size.rows - 11)) }

  func drawDevices(_ list: DeviceList, on canvas: inout Canvas) {
    let items = deviceItems(list)
    let notes = fitting.notes(on: list.use)
    let inner = canvas.drawPanel(
      "Will it fit?", size: Size(columns: 82, rows: deviceRows + 8), glyphs: glyphs)
    let start = inner.column + canvas.write("> ", at: inner.origin, style: Theme.key)
    let room = max(1, inner.endColumn - start - 1)
    let used = canvas.drawInput(
      list.input, at: Point(column: start, row: inner.row), columns: room)
    let count = Figures.counted(items.count { $0 != nil }, "device")
    if room - used > count.columns {
      canvas.writeRight(count, in: inner.line(0), style: Theme.faint)
    }
    drawUse(list, on: &canvas, in: inner.line(1))
    let demand = demand
    if let any = fitting.devices.first {
      let texts = FitText.needs(Fit(demand, on: any, list.use))
      let text = texts.first { $0.columns <= inner.columns } ?? ""
      canvas.write(text, at: inner.line(2).origin, within: inner.columns)
    }
    drawDeviceHead(on: &canvas, in: inner.line(3))
    let foot =
      notes.isEmpty
      ? ["tok/s: a bound, bandwidth over bytes read for a token"]
      : notes.flatMap { $0.wrapped(to: max(1, inner.columns), mark: glyphs.ellipsis) }
    let footRows = min(2, foot.count)
    for (line, text) in foot.prefix(footRows).enumerated() {
      canvas.write(
        text.truncated(to: inner.columns, mark: glyphs.ellipsis),
        at: inner.line(inner.rows - footRows + line).origin,
        style: notes.isEmpty ? Theme.faint : Theme.warning, within: inner.columns)
    }
    let lines = inner.inset(top: 4, bottom: footRows)
    if items.isEmpty {
      canvas.write(
        "no device is called so", at: lines.origin, style: Theme.faint, within: lines.columns)
    }
    let first = min(max(0, list.selected - lines.rows / 2), max(0, items.count - lines.rows))
    for (line, item) in items.dropFirst(first).prefix(lines.rows).enumerated() {
      drawDevice(item, demand, list.use, on: &canvas, in: lines.line(line))
      canvas.setTarget(first + line, in: lines.line(line))
      if first + line == list.selected { canvas.select(lines.line(line)) }
    }
  }

  /// How it is to be used, with the keys that change it.
  private func drawUse(_ list: DeviceList, on canvas: inout Canvas, in line: Rect) {
    var column = line.column
    for (key, name, value) in [
      (glyphs.leftAndRight, "context", Quantity.text(tokens: list.use.context)),
      ("Tab", "cache", list.use.cache.description), ("+ -", "batch", "\(list.use.sequences)"),
    ] {
      for (text, style, gap) in [
        (key, Theme.key, 1), (name, Theme.faint, 1), (value, Theme.changed.with(.bold), 3),
      ] where column < line.endColumn {
        column += canvas.write(
          text, at: Point(column: column, row: line.row), style: style,
          within: line.endColumn - column)
        column += gap
      }
    }
  }

  private struct DeviceColumns {
    let name, memory, free, context, speed: Rect

    init(_ line: Rect) {
      let isNarrow = line.columns < 66
      let rects = line.splitTable([
        .weight(1), .fixed(isNarrow ? 0 : 9), .fixed(9), .fixed(isNarrow ? 8 : 11), .fixed(12),
      ])
      name = rects[0]
      memory = rects[1]
      free = rects[2]
      context = rects[3]
      speed = rects[4]
    }
  }

  private func drawDeviceHead(on canvas: inout Canvas, in line: Rect) {
    canvas.fill(line, style: Theme.head)
    let columns = DeviceColumns(line)
    canvas.write(
      "device", at: columns.name.origin, style: Theme.head, within: columns.name.columns)
    for (text, rect) in [
      ("usable", columns.memory), ("free", columns.free),
      (columns.context.columns < 11 ? "context" : "max context", columns.context),
      ("at most", columns.speed),
    ] {
      canvas.writeRight(text.prefix(columns: rect.columns), in: rect, style: Theme.head)
    }
  }

  private func drawDevice(
    _ device: Device?, _ demand: Demand, _ use: Use, on canvas: inout Canvas, in line: Rect
  ) {
    let columns = DeviceColumns(line)
    let name = device?.name ?? "no device"
    canvas.write(
      name.truncatedMiddle(to: columns.name.columns, mark: glyphs.ellipsis),
      at: columns.name.origin, style: device == fitting.device ? Theme.title : .standard,
      within: columns.name.columns)
    guard let device else { return }
    let fit = Fit(demand, on: device, use)
    if columns.memory.columns > 0 {
      canvas.writeRight(Figures.bytes(device.usable), in: columns.memory, style: Theme.faint)
    }
    canvas.writeRight(
      Figures.change(bytes: fit.freeBytes, minus: glyphs.minus), in: columns.free,
      style: fit.fits ? .standard : Theme.warning)
    canvas.writeRight(FitText.context(fit, glyphs), in: columns.context)
    canvas.writeRight(
      FitText.speed(fit), in: columns.speed, style: fit.fits ? .standard : Theme.warning)
  }
}
