import ModelFiles
import Planning
import Quantization
import Terminal

extension State {
  // MARK: - The plan

  /// The plan as it stands.
  public func makePlan() -> Plan {
    let entries = model.tensors.map { tensor in
      let assignment = edits.assignments[tensor.id]
      return Plan.Entry(
        name: tensor.name, shape: tensor.shape, source: tensor.sourceName,
        choice: assignment.choice, bytes: assignment.choice.byteCount(of: tensor),
        bitsPerWeight: assignment.choice.bitsPerWeight(of: tensor),
        nmse: contributions[tensor.id].nmse,
        weightedNmse: weightedNmse(of: tensor.id),
        exact: contributions[tensor.id].nmse != nil && contributions[tensor.id].uncertainty == nil,
        isPinned: assignment.isPinned)
    }
    return Plan(
      model: Plan.ModelIdentity(model, fingerprint: model.fingerprint()), budget: edits.budget,
      importance: importance.map(Plan.Importance.init), totals: Plan.Sums(totals), tensors: entries)
  }

  /// Starts from a plan that was read from a file; asks if it was made for another model.
  public mutating func load(_ plan: Plan, stamp: FileStamp?) {
    let match = PlanMatch(plan: plan, model: model, fingerprint: model.fingerprint())
    guard !match.isSameModel else {
      take(match, stamp: stamp, budget: plan.budget, isSaved: true)
      return
    }
    let shown = match.differences.prefix(8).map { "· " + $0 }
    let rest = match.differences.count - shown.count
    let origin =
      "It was made for \(plan.model.name.sanitised) (\(plan.model.weights) weights); "
      + "this is \(model.name) (\(model.weightCount) weights)."
    modal = .question(
      Question(
        subject: .otherModel(match),
        title: "This plan was made for another model",
        lines: [origin, ""] + shown + (rest > 0 ? ["· and \(rest) more"] : []) + [
          "", "\(match.taken.count) of \(model.tensors.count) tensors can take over its choice.",
        ],
        answers: [
          .init(key: "a", label: "apply to those"), .init(key: "n", label: "start without it"),
          .init(key: "q", label: "quit"),
        ], escape: "n"))
  }

  /// Takes over what a plan holds.
  /// - Parameter isSaved: whether the plan's file holds exactly this.
  mutating func take(
    _ match: PlanMatch, stamp: FileStamp?, budget: Budget? = nil, isSaved: Bool
  ) {
    var assignments = [Assignment](repeating: Assignment(), count: model.tensors.count)
    for taken in match.taken {
      assignments[taken.tensor] = Assignment(choice: taken.choice, isPinned: taken.isPinned)
      if case .format(.integer(let format)) = taken.choice { family = format }
    }
    edits.load(assignments, budget: budget)
    opened = assignments
    savedStamp = stamp
    if isSaved { savedAssignments = assignments }
  }

  // MARK: - Saving

  /// Saves to the plan's file, or asks for a name if there is none.
  mutating func save(quits: Bool) -> [Effect] {
    guard let planPath else {
      askForPath(quits: quits)
      return []
    }
    return write(to: planPath, expected: savedStamp.map { .unchanged($0) } ?? .absent, quits: quits)
  }

  mutating func askForPath(quits: Bool) {
    let suggestion = planPath ?? "\(fileName(of: model.name)).plan.json"
    modal = .prompt(Prompt(kind: .saveAs(quits: quits), input: TextInput(suggestion)))
  }

  func write(to path: String, expected: ExpectedFile, quits: Bool) -> [Effect] {
    [
      .save(
        FileToSave(text: PlanFile.text(of: makePlan()), path: path, expected: expected),
        SavedAssignments(assignments: edits.assignments, quits: quits))
    ]
  }

  /// A plan was written.
  mutating func saved(
    path: String, stamp: FileStamp, assignments: SavedAssignments
  ) -> [Effect] {
    planPath = path
    savedStamp = stamp
    savedAssignments = assignments.assignments
    edits.noteSaved(path: path, stamp: stamp, assignments: assignments.assignments)
    let (open, estimated) = (totals.unmeasured, totals.estimated)
    let left =
      open > 0
      ? "; \(open) tensors weren't measured yet: save again later to have their errors in it"
      : estimated > 0
        ? "; the errors of \(Figures.counted(estimated, "tensor")) are estimates: save again later for exact ones"
        : ""
    message = Notice(text: "saved to \(path.sanitised)\(left)")
    return assignments.quits ? [.quit] : []
  }

  /// A plan wasn't written: asks what to do, and loses nothing.
  mutating func notSaved(path: String, _ failure: SaveFailure, quits: Bool) {
    switch failure {
    case .exists:
      modal = .question(
        Question(
          subject: .overwrite(path: path, quits: quits), title: "That file is there already",
          lines: [path.sanitised],
          answers: [
            .init(key: "o", label: "overwrite"), .init(key: "a", label: "another name"),
            .init(key: "c", label: "cancel"),
          ]))
    case .changedOnDisk:
      modal = .question(
        Question(
          subject: .changedOnDisk(path: path, quits: quits),
          title: "The file was changed by somebody else",
          lines: [path.sanitised, "It isn't what was opened or saved here last."],
          answers: [
            .init(key: "o", label: "overwrite it"), .init(key: "r", label: "reload it"),
            .init(key: "a", label: "another name"), .init(key: "c", label: "cancel"),
          ]))
    case .refused, .system:
      modal = .prompt(Prompt(kind: .saveAs(quits: quits), input: TextInput(path)))
      message = Notice(
        text: "not saved: \(failure.description) Another name?", kind: .failure)
    }
  }

  /// A model's name as a file name: what a shell or a file system would trip over becomes `-`.
  func fileName(of name: String) -> String {
    let clean = name.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "-" }
    // A file's name holds 255 bytes, and saving adds some.
    var text = ""
    for character in clean where text.utf8.count + character.utf8.count <= 120 {
      text.append(character)
    }
    return text.isEmpty || text.hasPrefix(".") ? "model" : text
  }
}
