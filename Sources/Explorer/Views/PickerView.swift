import Consumers
import ModelFiles
import Planning
import Quantization
import Terminal

/// An entry of a picker.
enum PickerItem: Sendable {
  case format(Format)
  /// A format that the tensor under the cursor can't have; other targets may.
  case refused(Format, FormatRefusal)
  case action(Action)
  case consumer(Consumer)

  /// What typing is matched against.
  var name: String {
    switch self {
    case .format(let format), .refused(let format, _): format.description
    case .action(let action): action.title
    case .consumer(let consumer): "\(consumer.rawValue) \(consumer.summary)"
    }
  }

  /// The format that it stands for.
  var format: Format? {
    switch self {
    case .format(let format), .refused(let format, _): format
    case .action, .consumer: nil
    }
  }

  var isRefused: Bool { if case .refused = self { true } else { false } }
}

extension State {
  /// The entries that the typed text leaves: its letters in order, adjoining ones first.
  func items(of picker: Picker) -> [PickerItem] {
    let all: [PickerItem] =
      switch picker.kind {
      case .formats: offered(FormatList.all)
      case .actions: offeredActions
      case .consumers: Consumer.allCases.map { .consumer($0) }
      }
    let text = picker.input.string
    guard !text.isEmpty else { return all }
    var items = all.enumerated().compactMap { index, item in
      fuzzyScore(text, in: item.name).map { (item: item, score: $0, index: index) }
    }.sorted { ($0.score, $0.index) < ($1.score, $1.index) }.map(\.item)
    // What is typed out in full is offered even if the list doesn't hold it (int4:percentile=99.5).
    if picker.kind == .formats, let typed = try? Format(parsing: text) {
      items.removeAll { $0.format == typed }
      items.insert(item(typed, tensor.map { self.rules[$0] }), at: 0)
    }
    return items
  }

  /// All actions: first those that were chosen here before.
  private var offeredActions: [PickerItem] {
    let recent = recentActions.compactMap(Action.named)
    return (recent + Action.all.filter { !recentActions.contains($0.id) }).map { .action($0) }
  }

  /// What is smaller than the tensor under the cursor is now (without one: everything); what it can't have
  /// comes last.
  private func offered(_ formats: [Format]) -> [PickerItem] {
    let smaller = formats.filter { format in
      guard let tensor else { return true }
      return format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
        < tensor.byteCount
    }
    let rules = tensor.map { self.rules[$0] }
    let items = smaller.map { item($0, rules) }
    return items.filter { !$0.isRefused } + items.filter(\.isRefused)
  }

  private func item(_ format: Format, _ rules: TensorRules?) -> PickerItem {
    rules?.refusal(of: format).map { .refused(format, $0) } ?? .format(format)
  }

  private func pickerRows(_ kind: Picker.Kind) -> Int {
    let most =
      switch kind {
      case .formats: 20
      case .actions: 16
      case .consumers: Consumer.allCases.count
      }
    return max(1, min(most, size.rows - 7))
  }

  private func firstShown(_ picker: Picker, count: Int) -> Int {
    let rows = pickerRows(picker.kind)
    return min(max(0, picker.selected - rows / 2), max(0, count - rows))
  }

  /// The formats whose errors an open list or form shows.
  var pickerFormatsInSight: [Format] {
    switch modal {
    case .picker(let picker) where picker.kind == .formats:
      let items = items(of: picker)
      let start = firstShown(picker, count: items.count)
      return items.dropFirst(start).prefix(pickerRows(.formats)).compactMap {
        if case .format(let format) = $0 { format } else { nil }
      }
    case .recipe(let form):
      return tensor.map { recipePreviewFormats(form, tensor: $0) } ?? []
    case nil where view == .channels:
      return granularityFormatsInSight
    case nil where view == .formats:
      // What can't be had isn't measured.
      let isFit = tensor.map { rules.refusal(of: guide.format, for: $0) == nil } ?? false
      return isFit ? [guide.format] : []
    default:
      return []
    }
  }

  mutating func handlePicker(_ key: Key, _ picker: Picker) -> [Effect] {
    var picker = picker
    let items = items(of: picker)
    switch key {
    case .escape, .control("c"):
      modal = nil
      return []
    case .enter:
      modal = nil
      guard items.indices.contains(picker.selected) else { return [] }
      switch items[picker.selected] {
      case .format(let format), .refused(let format, _): setFormat(format)
      case .action(let action):
        if action.id != "palette" {
          recentActions = [action.id] + recentActions.filter { $0 != action.id }.prefix(7)
        }
        return perform(action)
      case .consumer(let consumer): modal = .export(ExportPreview(consumer: consumer))
      }
      return []
    case .up: picker.selected -= 1
    case .down, .tab: picker.selected += 1
    case .pageUp: picker.selected -= pickerRows(picker.kind)
    case .pageDown: picker.selected += pickerRows(picker.kind)
    default:
      if picker.input.handle(key) { picker.selected = 0 }
    }
    picker.selected = min(max(0, picker.selected), max(0, self.items(of: picker).count - 1))
    modal = .picker(picker)
    return []
  }

  func drawPicker(_ picker: Picker, on canvas: inout Canvas) {
    let items = items(of: picker)
    let rows = pickerRows(picker.kind)
    let title =
      switch picker.kind {
      case .formats: "Choose a format"
      case .actions: "Do what?"
      case .consumers: "Export for which program?"
      }
    let inner = canvas.drawPanel(
      title, size: Size(columns: picker.kind == .consumers ? 96 : 76, rows: rows + 5),
      glyphs: glyphs)
    let start = inner.column + canvas.write("> ", at: inner.origin, style: Theme.key)
    let room = max(1, inner.endColumn - start - 1)
    let used = canvas.drawInput(
      picker.input, at: Point(column: start, row: inner.row), columns: room)
    let count = "\(items.count) match"
    if room - used > count.columns {
      canvas.writeRight(count, in: inner.line(0), style: Theme.faint)
    }
    let list = inner.inset(top: 2)
    if items.isEmpty {
      canvas.write("nothing matches", at: list.origin, style: Theme.faint)
    }
    let first = firstShown(picker, count: items.count)
    for (line, item) in items.dropFirst(first).prefix(min(rows, list.rows)).enumerated() {
      let rect = list.line(line)
      canvas.setTarget(first + line, in: rect)
      switch item {
      case .format(let format): drawFormat(format, on: &canvas, in: rect)
      case .refused(let format, let refusal): drawRefused(format, refusal, on: &canvas, in: rect)
      case .action(let action):
        let names = keys.keys(of: action).map { $0.label(in: glyphs) }.joined(separator: " ")
        let refusal = action.refusal(in: self)
        let text = action.title + (refusal.map { " (\($0))" } ?? "")
        let room = max(0, rect.columns - names.columns - 1)
        canvas.write(
          text.truncated(to: room, mark: glyphs.ellipsis), at: rect.origin,
          style: refusal == nil ? .standard : Theme.faint, within: room)
        canvas.writeRight(names, in: rect, style: Theme.accent)
      case .consumer(let consumer):
        canvas.write(consumer.rawValue, at: rect.origin, within: 18)
        let summary = rect.inset(left: 20)
        canvas.write(
          consumer.summary.truncated(to: summary.columns, mark: glyphs.ellipsis),
          at: summary.origin, style: Theme.faint, within: summary.columns)
      }
      if first + line == picker.selected { canvas.select(rect) }
    }
  }

  private func drawFormat(_ format: Format, on canvas: inout Canvas, in line: Rect) {
    let parts = line.splitColumns(
      .weight(1), .fixed(6), .fixed(9), .fixed(9), .fixed(9), spacing: 1)
    canvas.write(format.description, at: parts[0].origin, within: parts[0].columns)
    guard let tensor else { return }
    let shape = (tensor.rows, tensor.rowLength)
    canvas.writeRight(
      Figures.bits(format.bitsPerWeight(rows: shape.0, rowLength: shape.1)), in: parts[1])
    canvas.writeRight(
      Figures.bytes(format.storedByteCount(rows: shape.0, rowLength: shape.1)), in: parts[2])
    guard tensor.suitability.isQuantizable else { return }
    drawErrors(of: tensor.id, in: format, on: &canvas, nmse: parts[3], sqnr: parts[4])
  }
}

extension State {
  /// A format that can't be had, and why, in the place of its figures.
  private func drawRefused(
    _ format: Format, _ refusal: FormatRefusal, on canvas: inout Canvas, in line: Rect
  ) {
    let name = canvas.write(
      format.description, at: line.origin, style: Theme.faint, within: line.columns)
    let instead = refusal.instead.map { " (would become \($0))" } ?? ""
    let room = max(0, line.columns - name - 2)
    canvas.writeRight(
      (refusal.reason + instead).truncated(to: room, mark: glyphs.ellipsis), in: line,
      style: Theme.faint)
  }
}

/// Every format that can be chosen: floating types, integers by falling bits, code books and block types.
enum FormatList {
  static let all: [Format] = {
    var formats: [Format] = [
      .float(.f32), .float(.f16), .float(.bf16), .float(.f8E4M3), .float(.f8E5M2),
    ]
    for bits in (2...8).reversed() {
      for scheme in [IntegerFormat.Scheme.symmetric, .affine] {
        for granularity in RecipeForm.granularities.reversed() {
          for calibration: IntegerFormat.Calibration in [
            .minmax, .mse, .percentile(IntegerFormat.Calibration.defaultPercentile), .entropy, .hqq,
          ] {
            let format = IntegerFormat(
              bits: bits, scheme: scheme, granularity: granularity, calibration: calibration)
            if let format { formats.append(.integer(format)) }
          }
        }
      }
    }
    formats += ScaledFloatFormat.allCases.map { .scaledFloat($0) }
    formats += CodeBookFormat.allCases.map { .codeBook($0) }
    formats += PaletteFormat.all.map { .palette($0) }
    formats += MLXFormat.all().map { .mlx($0) }
    return formats + GGMLType.allCases.map { .ggml($0) }
  }()
}

/// How well a text's letters are found in a name, in their order and ignoring case: 0 is best (it
/// starts with them), more the more scattered they are; nil if they aren't all there.
func fuzzyScore(_ text: String, in name: String) -> Int? {
  let needle = text.lowercased().filter { $0 != " " }
  let haystack = Array(name.lowercased())
  if name.lowercased().hasPrefix(text.lowercased()) { return 0 }
  if name.contains(ignoringCase: text) { return 1 }
  var position = 0
  var gaps = 0
  var previous: Int?
  for letter in needle {
    guard let found = haystack[position...].firstIndex(of: letter) else { return nil }
    if let previous { gaps += found - previous - 1 }
    previous = found
    position = found + 1
  }
  return 2 + gaps
}
