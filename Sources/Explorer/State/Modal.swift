import ModelFiles
import Planning
import Quantization
import Terminal

/// What lies over the panes and takes the keys.
indirect enum Modal: Sendable {
  case help(scroll: Int)
  case log(scroll: Int)
  case picker(Picker)
  case recipe(RecipeForm)
  case prompt(Prompt)
  case question(Question)
  case solve(SolveForm)
  case moves(MovesList)
  case devices(DeviceList)
  case export(ExportPreview)
}

/// A list to choose from, narrowed by typing.
struct Picker: Sendable {
  enum Kind: Sendable { case formats, actions, consumers }

  let kind: Kind
  var input = TextInput()
  var selected = 0
}

/// The form for scheme, granularity, calibration and scale type.
struct RecipeForm: Sendable {
  enum Field: Int, CaseIterable, Sendable {
    case scheme, granularity, calibration, percentile, scale
  }

  var draft: IntegerFormat
  var field = Field.scheme
  /// Whether calibrations by activations are offered.
  var hasActivations = false

  /// The values that each field steps through.
  static let granularities: [IntegerFormat.Granularity] = [
    .tensor, .channel, .group(256), .group(128), .group(64), .group(32),
  ]
  static let percentiles = [99.0, 99.5, 99.9, 99.99, 99.999]

  /// The fields that mean something for the draft.
  var fields: [Field] {
    if case .percentile = draft.calibration { return Field.allCases }
    return Field.allCases.filter { $0 != .percentile }
  }

  mutating func moveField(by steps: Int) {
    let index = fields.firstIndex(of: field) ?? 0
    field = fields[min(max(0, index + steps), fields.count - 1)]
  }

  mutating func change(by steps: Int) {
    func next<Value: Equatable>(_ values: [Value], after value: Value) -> Value {
      let index = values.firstIndex(of: value) ?? 0
      return values[(index + steps + values.count) % values.count]
    }
    switch field {
    case .scheme: set(scheme: next([.symmetric, .affine], after: draft.scheme))
    case .granularity:
      set(granularity: next(Self.granularities, after: draft.granularity))
    case .calibration:
      draft = draft.with(calibration: next(calibrations, after: draft.calibration))
    case .percentile:
      let values = Self.percentiles
      draft = draft.with(
        calibration: .percentile(
          next(values, after: currentPercentile ?? IntegerFormat.Calibration.defaultPercentile)))
    case .scale: draft = draft.with(scaleType: next([.f16, .bf16, .f32], after: draft.scaleType))
    }
  }

  /// The calibrations that go with the draft's scheme and granularity.
  var calibrations: [IntegerFormat.Calibration] {
    let percentile = currentPercentile ?? IntegerFormat.Calibration.defaultPercentile
    let all: [IntegerFormat.Calibration] =
      [.minmax, .percentile(percentile), .mse, .entropy, .hqq]
      + (hasActivations ? [.gptq, .gptqAct, .awq] : [])
    // What needs activations is chosen already, or isn't offered.
    let others = all.contains(draft.calibration) ? [] : [draft.calibration]
    return (all + others).filter { $0 == draft.calibration || draft.with(calibration: $0) != draft }
  }

  /// Changes scheme or granularity; a calibration that doesn't go with them gives way to minmax.
  private mutating func set(
    scheme: IntegerFormat.Scheme? = nil, granularity: IntegerFormat.Granularity? = nil
  ) {
    let changed = draft.with(scheme: scheme, granularity: granularity)
    draft =
      changed != draft
      ? changed : draft.with(scheme: scheme, granularity: granularity, calibration: .minmax)
  }

  var currentPercentile: Double? {
    if case .percentile(let percentile) = draft.calibration { percentile } else { nil }
  }
}

/// A line to type, at the foot of the screen.
struct Prompt: Sendable {
  enum Kind: Sendable {
    case search
    case filter(before: String?)
    case mark
    case saveAs(quits: Bool)
    case export(ExportTarget)
    case report
  }

  let kind: Kind
  var input: TextInput
}

/// A question that must be answered before anything else.
struct Question: Sendable {
  enum Subject: Sendable {
    /// Unsaved changes when leaving.
    case quit
    /// A file of that name is there already.
    case overwrite(path: String, quits: Bool)
    /// The file was changed by somebody else since it was read or written.
    case changedOnDisk(path: String, quits: Bool)
    /// Files of an export are there already.
    case overwriteExport(ExportTarget, path: String)
    /// An earlier session ended without saving.
    case lostWork(RecoveredWork)
    /// A report of that name is there already.
    case overwriteReport(path: String)
    /// The plan was made for another model.
    case otherModel(PlanMatch)
  }

  struct Answer: Sendable {
    let key: Character
    let label: String
  }

  let subject: Subject
  let title: String
  let lines: [String]
  let answers: [Answer]
  /// What Esc answers: always the way that changes nothing.
  var escape: Character = "c"
}
