import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  /// Takes what happened, in order, and says what is to be done outside. The only way a state changes.
  public mutating func update(_ events: [ExplorerEvent]) -> [Effect] {
    var effects: [Effect] = []
    var findingsChanged = false
    for event in events {
      switch event {
      case .input(let event):
        effects += handle(event)
      case .found(let work, let finding):
        findings.add(work, finding)
        // Once for a file: its other tensors are found to be lost one after another.
        if case .lost = finding,
          findings.lostFiles.insert(model.tensors[work.tensor].file).inserted
        {
          message = Notice(
            text:
              "\(model.tensors[work.tensor].label): its file was cut short or removed meanwhile; "
              + "its figures are lost, the plan isn't",
            kind: .failure)
        }
        refreshContribution(of: work.tensor)
        effects += noteForSolver(work, finding)
        findingsChanged = true
      case .recalled(let found):
        for (work, finding) in found {
          findings.add(work, finding)
          refreshContribution(of: work.tensor)
          effects += noteForSolver(work, finding)
        }
        findingsChanged = true
      case .pace(let pace):
        self.pace = pace
        let weights = pending.keys.reduce(0.0) { $0 + Double(model.tensors[$1].weightCount) }
        secondsLeft = pace > 0 ? weights / pace : nil
      case .quality(let news):
        effects += take(news)
      case .solved(let outcome):
        effects += take(outcome)
      case .note(let text):
        message = Notice(text: text, kind: .warning)
      case .saved(let path, let stamp, let assignments):
        effects += saved(path: path, stamp: stamp, assignments: assignments)
      case .notSaved(let path, let failure, let assignments):
        notSaved(path: path, failure, quits: assignments.quits)
      case .reloaded(let plan, let path, let stamp):
        reloaded(plan, path: path, stamp: stamp)
      case .lostWork(let work):
        lostWork = work
      case .exported(let outcome):
        take(outcome)
      case .reported(let outcome):
        take(outcome)
      case .logged(let text):
        log(Notice(text: text, kind: .warning))
      case .time(let time):
        self.time = time
      }
    }
    if findingsChanged { refreshTotals() }
    return effects + settle()
  }

  /// Brings what is derived up to date, and asks for what is missing.
  public mutating func settle() -> [Effect] {
    var effects: [Effect] = []
    let layout = layout
    keepCursorInSight(listRows: layout.listRows)
    if view == .map, layout.arrangement != .tooSmall { keepMapInSight() }
    let (added, dropped, touched) = refreshContributions()
    // What the solver waits for stays wanted.
    let unwanted = dropped.filter { solver.waiting[.init($0)] != $0 }
    if !added.isEmpty || !unwanted.isEmpty {
      effects.append(.measureInBackground(added: added, dropped: unwanted))
    }
    let wanted = wantedNow(layout: layout)
    if wanted != urgent {
      urgent = wanted
      effects.append(.measureFirst(wanted))
    }
    settleChannels()
    checkAgain()
    offerLostWork()
    effects += settleQuality()
    effects += settleSolver()
    effects += settleExport()
    if let wishes = ladderWishes(layout: layout, touched: touched) { effects.append(wishes) }
    let done = edits.takeUnrecorded()
    if !done.isEmpty { effects.append(.journal(Done(entries: done))) }
    return effects
  }

  private mutating func handle(_ event: Event) -> [Effect] {
    switch event {
    case .key(let key):
      return handle(key)
    case .mouse(let mouse):
      return handle(mouse)
    case .paste(let text):
      paste(text)
      return []
    case .resize(let size):
      resize(to: size)
      return []
    case .terminate(let signal):
      return [.terminate(signal)]
    case .wake:
      return []
    }
  }

  mutating func handle(_ key: Key) -> [Effect] {
    let isTooSmall = ScreenLayout(size: size).arrangement == .tooSmall
    if isTooSmall || modal != nil {
      if key == .control("z") { return [.suspend] }
      if key == .control("l") { return [.redraw] }
    }
    if isTooSmall {
      return keys.action(of: key, in: view)?.id == "quit" ? quitOrAsk() : []
    }
    guard let modal else {
      guard let action = actionOfPane(key) ?? keys.action(of: key, in: view) else {
        message = Notice(
          text: "\(key.label(in: glyphs)) does nothing here"
            + by("help", "shows the keys", after: ": "))
        return []
      }
      return perform(action)
    }
    switch modal {
    case .help(let scroll): handleHelp(key, scroll)
    case .log(let scroll): handleLog(key, scroll)
    case .picker(let picker): return handlePicker(key, picker)
    case .recipe(let form): handleRecipe(key, form)
    case .prompt(let prompt): return handlePrompt(key, prompt)
    case .question(let question): return handleQuestion(key, question)
    case .solve(let form): handleSolve(key, form)
    case .moves(let list): handleMoves(key, list)
    case .devices(let list): handleDevices(key, list)
    case .export(let preview): return handleExport(key, preview)
    }
    return []
  }

  /// What arrows and Home do while the histogram has the focus; all other keys do what they always do.
  private func actionOfPane(_ key: Key) -> Action? {
    guard view == .layers, focus == .histogram else { return nil }
    return Action.idInHistogram(key).flatMap { id in Action.all.first { $0.id == id } }
  }

  mutating func perform(_ action: Action) -> [Effect] {
    if let objection = action.refusal(in: self) {
      message = Notice(text: objection, kind: .warning)
      return []
    }
    if action.section == .moving, message?.kind == .plain || hidesFirstSteps { message = nil }
    return noteFirstStep(action.id) + action.perform(&self)
  }

  private mutating func paste(_ text: String) {
    switch modal {
    case .prompt(var prompt):
      prompt.input.insert(text)
      modal = .prompt(prompt)
      typed(prompt)
    case .solve(var form) where form.row == .goal:
      form.goal.insert(text)
      modal = .solve(form)
    case .picker(var picker):
      picker.input.insert(text)
      picker.selected = 0
      modal = .picker(picker)
    case .devices(var list):
      list.input.insert(text)
      list.selected = 0
      modal = .devices(list)
    default:
      message = Notice(text: "pasted text is only taken where something is typed")
    }
  }

  /// In a window too small for a question, leaving must still be possible, and nothing lost.
  private mutating func quitOrAsk() -> [Effect] {
    guard hasUnsavedChanges else { return [.quit] }
    if case .question(let question) = modal, case .quit = question.subject { return [.quit] }
    return quit()
  }

  // MARK: - Help

  private mutating func handleHelp(_ key: Key, _ scroll: Int) {
    let page = max(1, size.rows - 6)
    switch key {
    case .down, .character("j"): modal = .help(scroll: scroll + 1)
    case .up, .character("k"): modal = .help(scroll: max(0, scroll - 1))
    case .pageDown, .character(" "): modal = .help(scroll: scroll + page)
    case .pageUp: modal = .help(scroll: max(0, scroll - page))
    case .home, .character("g"): modal = .help(scroll: 0)
    case .end, .character("G"): modal = .help(scroll: 1_000)
    case .escape, .enter, .character("q"), .character("?"), .control("c"):
      modal = nil
    default: if keys.action(of: key, in: view)?.id == "help" { modal = nil }
    }
    if case .help(let scroll) = modal {
      modal = .help(scroll: min(scroll, HelpView.maximumScroll(self)))
    }
  }

  // MARK: - The form

  private mutating func handleRecipe(_ key: Key, _ form: RecipeForm) {
    var form = form
    switch key {
    case .up, .character("k"), .backTab: form.moveField(by: -1)
    case .down, .character("j"), .tab: form.moveField(by: 1)
    case .left, .character("h"), .character("-"): form.change(by: -1)
    case .right, .character("l"), .character("+"), .character(" "): form.change(by: 1)
    case .enter:
      modal = nil
      setFamily(form.draft)
      return
    case .escape, .character("q"), .character("c"), .control("c"):
      modal = nil
      return
    default: break
    }
    modal = .recipe(form)
  }

  // MARK: - Prompts

  private mutating func handlePrompt(_ key: Key, _ prompt: Prompt) -> [Effect] {
    var prompt = prompt
    switch key {
    case .escape, .control("c"):
      modal = nil
      if case .filter(let before) = prompt.kind { setFilter(before) }
      return []
    case .enter:
      modal = nil
      return finish(prompt)
    default:
      if prompt.input.handle(key) {
        modal = .prompt(prompt)
        typed(prompt)
      }
      return []
    }
  }

  /// What a prompt shows while it is typed: searching and filtering are live.
  private mutating func typed(_ prompt: Prompt) {
    switch prompt.kind {
    case .search:
      searchText = prompt.input.string
      message = nil
      search(forward: true, includingHere: true)
    case .filter: setFilter(prompt.input.string)
    case .mark, .saveAs, .export, .report: message = nil
    }
  }

  private mutating func finish(_ prompt: Prompt) -> [Effect] {
    let text = prompt.input.string
    switch prompt.kind {
    case .search:
      if text.isEmpty { searchText = nil }
    case .filter:
      guard !text.isEmpty else { return [] }
      if !rows.isEmpty { stayHere() }
      do throws(PatternError) {
        _ = try NameFilter(text)
        let count = rows.count { if case .tensor = $0.subject { true } else { false } }
        message = Notice(
          text: count == 0
            ? "nothing matches" + by("back", "shows all again", after: ": ")
            : "\(Figures.counted(count, "tensor")) match\(count == 1 ? "es" : "")"
              + by("back", "shows all again", after: ": ")
        )
      } catch {
        message = Notice(text: error.description, kind: .warning)
      }
    case .mark: if !text.isEmpty { mark(matching: text) }
    case .saveAs(let quits):
      guard !text.isEmpty else { return [] }
      let expected: ExpectedFile =
        text == planPath ? savedStamp.map { .unchanged($0) } ?? .absent : .absent
      return write(to: text, expected: expected, quits: quits)
    case .export(let target):
      guard !text.isEmpty else { return [] }
      return write(target, to: text, overwriting: false)
    case .report:
      guard !text.isEmpty else { return [] }
      return writeReport(to: text, overwriting: false)
    }
    return []
  }

  // MARK: - Questions

  private mutating func handleQuestion(_ key: Key, _ question: Question) -> [Effect] {
    let cancels = key == .escape || key == .control("c")
    if case .quit = question.subject, key == .control("c") { return [.quit] }
    guard case .character(let answer) = key, question.answers.contains(where: { $0.key == answer })
    else {
      if cancels { return answer(question, question.escape) }
      return []
    }
    return self.answer(question, answer)
  }

  mutating func answer(_ question: Question, _ key: Character) -> [Effect] {
    modal = nil
    switch (question.subject, key) {
    case (.quit, "s"): return save(quits: true)
    case (.quit, "d"): return [.quit]
    case (.overwrite(let path, let quits), "o"), (.changedOnDisk(let path, let quits), "o"):
      return write(to: path, expected: .anything, quits: quits)
    case (.overwrite(_, let quits), "a"), (.changedOnDisk(_, let quits), "a"):
      askForPath(quits: quits)
    case (.changedOnDisk(let path, _), "r"): return [.reload(path: path)]
    case (.lostWork(let work), "t"): return takeUp(work)
    case (.lostWork(let work), "d"):
      message = Notice(text: "thrown away")
      return [.dropJournal(work.journal)]
    case (.overwriteExport(let target, let path), "o"):
      return write(target, to: path, overwriting: true)
    case (.overwriteExport(let target, let path), "a"):
      askForPath(target, path)
    case (.overwriteReport(let path), "o"):
      return writeReport(to: path, overwriting: true)
    case (.overwriteReport(let path), "a"):
      askForReport(path)
    case (.otherModel(let match), "a"):
      take(match, stamp: nil, isSaved: false)
      message = Notice(
        text: "\(match.taken.count) choices taken over; save under a name of its own")
      planPath = nil
    case (.otherModel, "n"):
      planPath = nil
    case (.otherModel, "q"):
      return [.quit]
    default: break
    }
    return []
  }
}
