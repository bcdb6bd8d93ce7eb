import Evaluation
import Planning
import Quantization

/// What is known of the true quality of the plan, and what is looked at in the Quality view.
struct QualityState: Sendable {
  enum Phase: Sendable, Equatable {
    /// Nobody asked for it.
    case asleep
    /// The model and the data are being made ready.
    case starting
    case ready(QualitySubject)
    /// It can't be run, and why.
    case unavailable(String)
  }

  enum Order: Int, CaseIterable, Sendable {
    case effect, misleading, error, model

    var title: String {
      switch self {
      case .effect: "by effect"
      case .misleading: "by effect beyond NMSE"
      case .error: "by error"
      case .model: "in the model's order"
      }
    }
  }

  /// How it was asked for; nil: there is no running models here, as in tests.
  let options: QualityOptions?
  var phase = Phase.asleep
  /// The number of the last order, and what it was for.
  var orders = 0
  var ordered: [Format?]?
  /// The edits that were looked at last.
  var revision: Int?
  /// The newest figures, and whether they are those of the plan at hand.
  var reading: QualityReading?
  var isCurrent = false
  /// Why the plan at hand can't be run.
  var failure: String?
  /// The figures of plans that were run to the end, the last ones.
  private var known: [[Format?]: QualityReading] = [:]
  private var knownPlans: [[Format?]] = []

  /// What quantizing single tensors does.
  private(set) var effects: [Int: [Format: TensorEffect]] = [:]
  /// How often effects came in: what the solver's curve depends on.
  private(set) var effectCount = 0
  /// Single tensors that are waited for, in the order in which they are measured; and how many there were.
  var waiting: [TensorFormat] = []
  var waitingAtMost = 0
  /// Those that the solver waits for.
  var wantedBySolver: [TensorFormat] = []
  /// Those that can't be measured.
  var hopeless: Set<TensorFormat> = []

  var order = Order.effect
  /// The tensor under the cursor; nil: the first one of the list.
  var tensor: Int?
  var scroll = 0

  init(options: QualityOptions?) { self.options = options }

  /// The most plans whose figures are kept.
  private static let plansAtMost = 64

  var subject: QualitySubject? { if case .ready(let subject) = phase { subject } else { nil } }

  /// Whether the model can be run, as far as that is known.
  var canRun: Bool {
    if case .unavailable = phase { return false }
    return options != nil
  }

  /// Begins to run the model whenever the plan changes.
  mutating func start() {
    phase = .starting
    revision = nil
    ordered = nil
  }

  /// Whether the model is run whenever the plan changes.
  var isOn: Bool { phase == .starting || subject != nil }

  func effect(of tensor: Int, in format: Format) -> TensorEffect? { effects[tensor]?[format] }

  /// The figures of a plan, if it was run before.
  func known(_ formats: [Format?]) -> QualityReading? { known[formats] }

  mutating func keep(_ reading: QualityReading, of formats: [Format?]) {
    guard reading.isComplete, known.updateValue(reading, forKey: formats) == nil else { return }
    knownPlans.append(formats)
    // Of very large models few.
    let most = max(2, min(Self.plansAtMost, 200_000 / max(1, formats.count)))
    if knownPlans.count > most { known[knownPlans.removeFirst()] = nil }
  }

  mutating func take(_ found: [TensorFormat: TensorEffect]) {
    guard !found.isEmpty else { return }
    for (key, effect) in found { effects[key.tensor, default: [:]][key.format] = effect }
    waiting.removeAll { found[$0] != nil }
    wantedBySolver.removeAll { found[$0] != nil }
    if waiting.isEmpty { waitingAtMost = 0 }
    effectCount += 1
  }
}
