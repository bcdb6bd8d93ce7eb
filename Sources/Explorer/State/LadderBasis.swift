import Consumers
import Measurement
import ModelFiles
import Planning
import Quantization

/// All that ladders depend on: can be asked on other threads, while the state moves on.
struct LadderBasis: Sendable {
  let model: Model
  let custom: [Format]?
  let kind: LadderKind
  let family: IntegerFormat
  let rules: FormatRules
  let assignments: [Assignment]

  init(_ state: State) {
    model = state.model
    custom = state.customLadder
    kind = state.ladderKind
    family = state.family
    rules = state.rules
    assignments = state.edits.assignments
  }

  func ladder(of tensor: Int) -> Ladder {
    let choice = assignments[tensor].choice
    let subject = model.tensors[tensor]
    let formats =
      custom
      ?? (LadderKind(choice) ?? kind).formats(
        family: Ladder.family(of: choice, default: family), rowLength: subject.rowLength)
    return Ladder(
      tensor: subject, choice: choice, formats: formats, refusal: rules[subject].refusal(of:))
  }

  /// All that can be measured of a tensor's ladder.
  func works(of tensor: Int) -> [Work] {
    guard model.tensors.indices.contains(tensor), WeightReader.canRead(model.tensors[tensor])
    else { return [] }
    var works = [Work.statistics(tensor: tensor)]
    guard model.tensors[tensor].suitability.isQuantizable else { return works }
    for case .format(let format) in ladder(of: tensor).rungs {
      works.append(.measurement(tensor: tensor, format: format))
    }
    return works
  }
}

/// What was asked for last of the ladders in the background.
struct LadderRequest: Sendable, Equatable {
  let kind: LadderKind
  let family: IntegerFormat
  let marks: Set<Int>
  let visible: [Int]
}

extension State {
  /// So many marked tensors come before the totals; the others after them.
  private static let markedFirst = 64

  /// The ladders of all tensors are measured in the time that is left: those of what is marked first, then of what
  /// is in sight, then all others.
  /// - Parameter touched: the tensors whose choices were changed.
  /// - Returns: what is to be asked for; nil if that hasn't changed.
  mutating func ladderWishes(layout: ScreenLayout, touched: Set<Int>) -> Effect? {
    let visible = tensorsInSight(layout: layout)
    let request = LadderRequest(
      kind: ladderKind, family: family, marks: marks, visible: visible)
    let before = ladderRequest
    guard request != before || !touched.isEmpty else { return nil }
    ladderRequest = request
    let marked = marks.sorted()
    let basis = LadderBasis(self)
    let wishes = LadderWishes(
      first: Array(marked.prefix(Self.markedFirst)) + visible,
      next: Array(marked.dropFirst(Self.markedFirst)), works: basis.works(of:))
    let isSame = before?.kind == request.kind && before?.family == request.family
    return .measureLadders(wishes, changed: isSame ? touched.sorted() : nil)
  }
}
