import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal

@testable import Explorer
@testable import Measurement

/// Drives a state as a session does, but in one thread and at once, and remembers the effects.
struct Player {
  /// What comes of work that is wanted.
  enum Answers { case none, madeUp, real }

  var state: State
  var answers: Answers
  private(set) var effects: [Effect] = []
  private(set) var hasQuit = false
  /// What was put on the clipboard.
  private(set) var copied: [String] = []
  /// What was asked of the model, and what comes of it; by hand where there is none.
  var quality: MadeUpQuality?
  private var urgent: [Work] = []
  private var background: [Work] = []

  init(
    _ model: Model, size: Size = Size(columns: 80, rows: 24), options: Options = Options(),
    plan: (plan: Plan, stamp: FileStamp?)? = nil, answers: Answers = .none,
    quality: MadeUpQuality? = nil
  ) {
    self.quality = quality
    state = State(model: model, options: options)
    state.size = size
    self.answers = answers
    if let plan { state.load(plan.plan, stamp: plan.stamp) }
    carryOut(state.settle())
    measure()
  }

  /// Plays keys in the notation of `--script`.
  mutating func press(_ script: String) throws {
    for event in try KeyScript.parse(script) { take([.input(event)]) }
  }

  mutating func take(_ events: [ExplorerEvent]) {
    carryOut(state.update(events))
    measure()
  }

  /// Types a text into a prompt, spaces and all.
  mutating func type(_ text: String) {
    for character in text { take([.input(.key(.character(character)))]) }
  }

  private mutating func carryOut(_ new: [Effect]) {
    effects += new
    for effect in new {
      switch effect {
      case .measureFirst(let work): urgent = work
      case .measureInBackground(let added, let dropped):
        background = background.filter { !dropped.contains($0) } + added
      // What a test didn't name is written nowhere: it would be where the tests run.
      case .save(let file, _) where !file.path.hasPrefix("/"): break
      case .report(let request) where !request.path.hasPrefix("/"): break
      case .save(let file, let assignments): save(file, assignments)
      case .solve(let request): take([.solved(request.run())])
      case .export(let request): take([.exported(request.run())])
      case .report(let request): take([.reported(request.run())])
      case .copy(let text): copied.append(text)
      case .quit: hasQuit = true
      case .reload(let path): take([Session.reload(path)])
      case .runPlan(let order): answer { $0.run(order) }
      case .measureTensors(let tensors): answer { $0.measure(tensors) }
      case .remember, .mouse, .suspend, .redraw, .terminate, .measureLadders, .journal,
        .dropJournal:
        break
      }
    }
  }

  private mutating func answer(_ ask: (inout MadeUpQuality) -> [QualityNews.Kind]) {
    guard var made = quality else { return }
    let news = ask(&made)
    quality = made
    if !news.isEmpty { take(news.map { .quality(QualityNews(kind: $0)) }) }
  }

  private mutating func save(_ file: FileToSave, _ assignments: SavedAssignments) {
    do throws(SaveFailure) {
      let stamp = try AtomicFile.write(
        Array(file.text.utf8), to: file.path, expecting: file.expected)
      take([.saved(path: file.path, stamp: stamp, assignments: assignments)])
    } catch {
      take([.notSaved(path: file.path, error, assignments: assignments)])
    }
  }

  private mutating func measure() {
    guard answers != .none else { return }
    while true {
      let work = (urgent + background).filter { !state.findings.has($0) }
      guard !work.isEmpty else { return }
      carryOut(state.update(work.map { .found($0, answer($0)) }))
    }
  }

  private func answer(_ work: Work) -> Finding {
    guard answers == .real else { return MadeUp.finding(work) }
    var measuring = Measuring(model: state.model, importance: state.importance)
    return (try? measuring.perform(work) { () throws(Abandoned) in }) ?? .unreadable
  }

  // MARK: - What there is to see

  var lines: [String] { state.draw().text }
  var message: String { state.message?.text ?? "" }

  /// The choice of the tensor of a name.
  func choice(_ name: String) -> String {
    state.model.tensors.first { $0.name == name }.map { state.choice(of: $0.id).description }
      ?? "no such tensor"
  }

  /// The choices that aren't the source, by name.
  var changed: [String: String] {
    Dictionary(
      uniqueKeysWithValues: state.model.tensors.compactMap { tensor in
        let choice = state.choice(of: tensor.id)
        return choice == .source ? nil : (tensor.name, choice.description)
      })
  }

  var hasModal: Bool { if case nil = state.modal { false } else { true } }

  /// Whether a file's name is being typed.
  var asksForAPath: Bool {
    guard case .prompt(let prompt) = state.modal else { return false }
    switch prompt.kind {
    case .saveAs, .export, .report: return true
    case .search, .filter, .mark: return false
    }
  }

  /// The name of the tensor under the cursor.
  var here: String? { state.tensor?.name }
}

/// Figures that nobody measured, different for each tensor and format.
enum MadeUp {
  static func finding(_ work: Work) -> Finding {
    switch work {
    case .statistics(let tensor):
      var statistics = WeightStatistics()
      let weights = [Float(tensor + 1)]
      statistics.add(weights.span)
      return .statistics(WeightSummary(statistics))
    case .measurement(let tensor, let format):
      var sums = ErrorSums()
      sums.count = 1
      sums.squares = squares(tensor)
      sums.squaredError = squaredError(tensor, format)
      return .measurement(Measurement(format: format, rows: 1, rowLength: 1, sums: sums))
    case .estimate(let tensor, let format, let weights):
      return estimate(tensor, format, weights)
    case .channels(let tensor, let format): return .channels(channels(tensor, format))
    case .histogram(_, _, let bins, let tile):
      let whole = HistogramRange(lower: -1, upper: 1, bins: bins)
      return .histogram(Histogram(range: tile?.range(in: whole) ?? whole))
    }
  }

  /// Twelve rows of sixteen, the third and its fifth weight far out; a coarser format loses more.
  static func channels(_ tensor: Int, _ format: Format?, rows: Int = 12) -> ChannelMeasurement {
    let weights = (0..<rows * 16).map { place -> Float in
      place == 2 * 16 + 4 ? 3 : Float((place * 37 + tensor) % 64) / 64 - 0.5
    }
    let step = format.map { 1 / Float(1 << Int($0.bitsPerWeight(rows: 12, rowLength: 128))) }
    let back = weights.map { weight in step.map { (weight / $0).rounded() * $0 } ?? weight }
    var errors = ChannelErrors(outliersBelow: -2, above: 2)
    errors.add(weights.span, back.span, rowLength: 16)
    return ChannelMeasurement(format: format, errors: errors, rows: 12)
  }

  /// A little above the exact figure, more so the smaller the sample, which its interval admits.
  static func estimate(_ tensor: Int, _ format: Format, _ weights: Int) -> Finding {
    var sums = ErrorSums()
    sums.count = 1
    sums.squares = squares(tensor)
    let share = 4 / Double(weights).squareRoot()
    sums.squaredError = squaredError(tensor, format) * (1 + share / 2)
    let nmse = sums.squaredError / sums.squares
    let interval = Interval(low: nmse * (1 - share), high: nmse * (1 + share))
    let intervals = FigureIntervals(
      mse: interval, nmse: interval, cosine: Interval(low: 0.9, high: 1), weightedNmse: nil)
    return .measurement(
      .init(
        format: format, rows: 1, rowLength: 1, sums: sums, intervals: intervals,
        weightsAsked: weights))
  }

  static func squares(_ tensor: Int) -> Double { Double((tensor + 1) * (tensor + 1)) }

  static func squaredError(_ tensor: Int, _ format: Format) -> Double {
    let code = format.description.utf8.reduce(7) { ($0 * 31 + Int($1)) % 9_973 }
    return Double((tensor + 1) * code) / 65_536
  }
}
