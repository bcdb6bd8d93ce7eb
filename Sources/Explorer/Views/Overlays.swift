import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  func drawModal(on canvas: inout Canvas, layout: ScreenLayout) {
    switch modal {
    case .help(let scroll): HelpView.draw(self, on: &canvas, scroll: scroll)
    case .log(let scroll): drawLog(scroll: scroll, on: &canvas)
    case .picker(let picker): drawPicker(picker, on: &canvas)
    case .recipe(let form): drawRecipe(form, on: &canvas)
    case .question(let question): drawQuestion(question, on: &canvas)
    case .solve(let form): drawSolve(form, on: &canvas)
    case .moves(let list): drawMoves(list, on: &canvas)
    case .devices(let list): drawDevices(list, on: &canvas)
    case .export(let preview): drawExport(preview, on: &canvas)
    case .prompt, nil: break
    }
  }

  private func drawQuestion(_ question: Question, on canvas: inout Canvas) {
    let answers = question.answers.map { "[\($0.key)] \($0.label)" }.joined(separator: "   ")
    let widest = (question.lines + [question.title, answers]).map(\.columns).max() ?? 0
    let inner = canvas.drawPanel(
      question.title, size: Size(columns: widest + 6, rows: question.lines.count + 4),
      glyphs: glyphs)
    for (line, text) in question.lines.prefix(max(0, inner.rows - 2)).enumerated() {
      canvas.write(
        text.truncated(to: inner.columns, mark: glyphs.ellipsis), at: inner.line(line).origin,
        within: inner.columns)
    }
    let line = inner.line(inner.rows - 1)
    canvas.write(answers, at: line.origin, style: Theme.key, within: inner.columns)
    var place = line
    for (index, answer) in question.answers.enumerated() {
      let columns = answer.label.columns + 4
      canvas.setTarget(
        index, in: Rect(column: place.column, row: place.row, columns: columns, rows: 1))
      place = place.inset(left: columns + 3)
    }
  }

  private func drawRecipe(_ form: RecipeForm, on canvas: inout Canvas) {
    let widest = form.fields.reduce(0) { widest, field in
      max(widest, RecipeText.row(field, form).1.reduce(13) { $0 + $1.columns + 2 })
    }
    let inner = canvas.drawPanel(
      "Integer formats: how scales are chosen",
      size: Size(columns: max(66, widest + 4), rows: form.fields.count + 7),
      glyphs: glyphs)
    var line = 0
    for field in form.fields {
      let rect = inner.line(line)
      let isAt = field == form.field
      let (name, values, chosen) = RecipeText.row(field, form)
      canvas.write(
        name, at: rect.origin, style: isAt ? Theme.title : Theme.faint, within: 13)
      var column = rect.column + 13
      // Where there isn't room for all values, the chosen one is among those that are to be seen.
      var first = 0
      while first < chosen,
        values[first...chosen].reduce(13, { $0 + $1.columns + 2 }) > rect.columns
      {
        first += 1
      }
      for (index, value) in values.enumerated().dropFirst(first) {
        let style: Style =
          index == chosen ? (isAt ? .reverse : Theme.changed.with(.bold)) : Theme.faint
        let start = column
        column += canvas.write(
          index == chosen ? "[\(value)]" : " \(value) ", at: Point(column: column, row: rect.row),
          style: style, within: max(0, rect.endColumn - column))
        canvas.setTarget(
          ClickedCell(row: field.rawValue, column: index).number,
          in: Rect(column: start, row: rect.row, columns: column - start, rows: 1))
      }
      line += 1
    }
    line += 1
    canvas.write(
      RecipeText.explanation(form), at: inner.line(line).origin, style: Theme.faint,
      within: inner.columns)
    line += 2
    drawRecipePreview(form, on: &canvas, in: inner, from: line)
  }

  /// What the form would make of the tensor under the cursor.
  private func drawRecipePreview(
    _ form: RecipeForm, on canvas: inout Canvas, in inner: Rect, from line: Int
  ) {
    guard let tensor, tensor.suitability.isQuantizable else {
      canvas.write(
        "for all tensors that get an integer format from now on", at: inner.line(line).origin,
        style: Theme.faint, within: inner.columns)
      return
    }
    for (index, format) in recipePreviewFormats(form, tensor: tensor).enumerated() {
      let rect = inner.line(line + index)
      let parts = rect.splitColumns(
        .weight(1), .fixed(9), .fixed(9), .fixed(9), spacing: 1)
      let size = format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
      canvas.write(
        (index == 0 ? "now  " : "then ")
          + format.description.truncatedMiddle(
            to: max(0, parts[0].columns - 5), mark: glyphs.ellipsis),
        at: parts[0].origin, style: index == 0 ? Theme.faint : Theme.changed,
        within: parts[0].columns)
      canvas.writeRight(Figures.bytes(size), in: parts[1])
      drawErrors(of: tensor.id, in: format, on: &canvas, nmse: parts[2], sqnr: parts[3])
    }
  }

  /// The tensor's integer format before and after the form (with 4 bits where it has none).
  func recipePreviewFormats(_ form: RecipeForm, tensor: Tensor) -> [Format] {
    let now = Ladder.family(of: choice(of: tensor.id), default: family)
    return [.integer(now), .integer(form.draft.with(bits: now.bits))]
  }
}

/// The words of the form.
enum RecipeText {
  /// A field's name, its values, and which of them is chosen.
  static func row(_ field: RecipeForm.Field, _ form: RecipeForm) -> (String, [String], Int) {
    let draft = form.draft
    switch field {
    case .scheme: return ("scheme", ["sym", "affine"], draft.scheme == .symmetric ? 0 : 1)
    case .granularity:
      let values = RecipeForm.granularities
      return (
        "granularity", values.map(\.name), values.firstIndex(of: draft.granularity) ?? 0
      )
    case .calibration:
      let chosen = form.calibrations.firstIndex(of: draft.calibration) ?? 0
      let names = form.calibrations.map { $0.name.prefix { $0 != "=" } }
      return ("calibration", names.map(String.init), chosen)
    case .percentile:
      let values = RecipeForm.percentiles
      return (
        "percentile", values.map { "\($0)" },
        values.firstIndex(of: form.currentPercentile ?? 0) ?? 0
      )
    case .scale:
      let values: [IntegerFormat.ScaleType] = [.f16, .bf16, .f32]
      return ("scale", values.map(\.rawValue), values.firstIndex(of: draft.scaleType) ?? 0)
    }
  }

  /// A sentence on the field at hand.
  static func explanation(_ form: RecipeForm) -> String {
    switch form.field {
    case .scheme:
      form.draft.scheme == .symmetric
        ? "sym: zero in the middle, one scale and no zero point"
        : "affine: from minimum to maximum, with a zero point"
    case .granularity: "what shares one scale: the tensor, an output row, or a group in it"
    case .calibration:
      switch form.draft.calibration {
      case .minmax: "minmax: nothing is clipped"
      case .percentile: "percentile: the rarest extremes are clipped"
      case .mse: "mse: clips where the squared error is least"
      case .entropy: "entropy: clips where the distribution changes least (KL)"
      case .hqq: "hqq: zero points off the grid, moved to lessen errors"
      case .gptq: "gptq: codes make up for each other's errors, by activations"
      case .gptqAct: "gptq-act: the same, channels that matter most first"
      case .awq: "awq: input channels scaled by their activations"
      }
    case .percentile: "the share of the weights that stays unclipped"
    case .scale: "how a scale is stored"
    }
  }
}

extension Canvas {
  /// Draws a text being typed, the part around its cursor if there is no room for all of it, and
  /// puts the terminal's cursor there; gives the columns used.
  mutating func drawInput(_ input: TextInput, at point: Point, columns: Int) -> Int {
    let before = String(input.text.prefix(input.cursor)).sanitised
    let all = input.string.sanitised
    let shown = all.suffix(columns: all.columns - max(0, before.columns - columns))
    let used = write(shown, at: point, within: columns)
    cursor = Point(column: point.column + min(columns, before.columns), row: point.row)
    return used
  }

  /// Draws an empty panel in the middle, with a frame and a title, and gives the space inside.
  ///
  /// The first line and the last, which names the keys, stay in sight; where only shreds of what is below
  /// could be seen on both sides, it takes all columns.
  mutating func drawPanel(_ title: String, size: Size, glyphs: Glyphs) -> Rect {
    let columns = bounds.columns - size.columns <= 6 ? bounds.columns : size.columns
    let rect = bounds.inset(top: 1, bottom: 1).centered(Size(columns: columns, rows: size.rows))
    fill(rect)
    setTarget(nil, in: rect)
    return box(
      rect, glyphs: glyphs, style: Theme.accent, title: title, titleStyle: Theme.title
    ).inset(left: 1, right: 1)
  }
}
