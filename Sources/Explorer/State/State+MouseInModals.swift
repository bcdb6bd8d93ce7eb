import ModelFiles
import Terminal

/// A cell of a form, as the number of a place on the canvas.
struct ClickedCell {
  let row: Int
  let column: Int

  var number: Int { row << 8 | column }

  init(row: Int, column: Int) {
    self.row = row
    self.column = column
  }

  init(number: Int) {
    row = number >> 8
    column = number & 0xFF
  }
}

extension State {
  /// A click on what lies over the panes: what stands there is known from drawing it.
  mutating func clickModal(_ mouse: MouseEvent) -> [Effect] {
    guard let target = draw().target(at: mouse.position) else { return [] }
    let isDouble = mouse.action == .doublePress(.left)
    switch modal {
    // The first click has chosen, and may have scrolled: by the second, another row may be there.
    case .picker where isDouble, .devices where isDouble, .moves where isDouble:
      return handle(.enter)
    case .picker(var picker):
      picker.selected = target
      modal = .picker(picker)
    case .devices(var list):
      list.selected = target
      modal = .devices(list)
    case .moves(var list):
      list.selected = target
      modal = .moves(list)
    case .question(let question):
      guard question.answers.indices.contains(target) else { return [] }
      return answer(question, question.answers[target].key)
    case .recipe(let form): click(form, ClickedCell(number: target))
    case .solve(var form):
      if form.checklist != nil {
        form.checklist = target
        form.toggleChecked()
        modal = .solve(form)
      } else {
        click(form, ClickedCell(number: target))
      }
    case .help, .log, .prompt, .export, nil: break
    }
    return []
  }

  /// A value of the form is taken by a click on it.
  private mutating func click(_ form: RecipeForm, _ cell: ClickedCell) {
    var form = form
    guard let field = RecipeForm.Field(rawValue: cell.row) else { return }
    form.field = field
    form.change(by: cell.column - RecipeText.row(field, form).2)
    modal = .recipe(form)
  }

  /// A click goes to a cell; on a value, a mark, or the cell at hand it changes that.
  private mutating func click(_ form: SolveForm, _ cell: ClickedCell) {
    var form = form
    guard form.rows.indices.contains(cell.row) else { return }
    let wasThere = form.row == form.rows[cell.row] && form.column == cell.column
    form.row = form.rows[cell.row]
    form.column = min(cell.column, form.columnCount - 1)
    switch form.row {
    case .goal: break
    case .objective:
      let chosen = form.objectives.firstIndex(of: form.settings.objective) ?? 0
      form.change(by: cell.column - chosen)
    case .limit: form.change(by: cell.column - (form.settings.formatLimit ?? 0))
    case .sharing: form.change(by: 1)
    case .role: if wasThere || form.roleColumn == .uniform { form.change(by: 1) }
    }
    modal = .solve(form)
  }

  mutating func wheelInModal(by rows: Int) {
    switch modal {
    case .help(let scroll):
      modal = .help(scroll: min(HelpView.maximumScroll(self), max(0, scroll + rows)))
    case .log(let scroll): scrollLog(to: scroll + rows)
    case .picker(var picker):
      picker.selected = min(max(0, picker.selected + rows), max(0, items(of: picker).count - 1))
      modal = .picker(picker)
    case .moves: moveInMoves(by: rows)
    case .devices: moveInDevices(by: rows)
    case .export(let preview): scroll(preview, by: rows)
    case .recipe(var form):
      form.moveField(by: rows.signum())
      modal = .recipe(form)
    case .solve(var form):
      if let place = form.checklist {
        form.checklist = min(max(0, place + rows.signum()), form.choices.count - 1)
      } else {
        form.moveRow(by: rows.signum())
      }
      modal = .solve(form)
    case .prompt, .question, nil: break
    }
  }
}
