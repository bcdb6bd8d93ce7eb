import Dispatch
import Measurement
import ModelFiles
import Planning
import Quantization
import Synchronization

/// A report of the plan at hand, to be written off the loop.
public struct ReportRequest: Sendable {
  /// How many distributions are drawn, in how many bins, and of how many weights altogether: more would
  /// keep the user waiting.
  private static let distributionCount = 6
  private static let binCount = 96
  private static let mostWeights = 300_000_000

  let state: State
  let path: String
  let overwriting: Bool

  /// Does the work.
  /// - Parameter stop: asks whether nobody wants it any more.
  func run(stop: @Sendable () -> Bool = { false }) -> ReportOutcome {
    let report = report(stop: stop)
    let isMarkdown = [".md", ".markdown"].contains { path.lowercased().hasSuffix($0) }
    let bytes = Array((isMarkdown ? report.markdown : report.html).utf8)
    let totals = report.totals
    do throws(SaveFailure) {
      try AtomicFile.write(bytes, to: path, expecting: overwriting ? .anything : .absent)
      return ReportOutcome(
        path: path,
        result: .written(
          bytes: bytes.count, estimated: totals.estimated, unmeasured: totals.unmeasured))
    } catch {
      return ReportOutcome(path: path, result: .failed(error))
    }
  }

  // MARK: - What it says

  func report(stop: @Sendable () -> Bool) -> Report {
    let model = state.model
    let entries = model.tensors.map { tensor in
      let assignment = state.edits.assignments[tensor.id]
      return Report.Entry(
        tensor: tensor, choice: assignment.choice, contribution: state.contributions[tensor.id],
        isPinned: assignment.isPinned)
    }
    var report = Report(
      model: Plan.ModelIdentity(model, fingerprint: model.fingerprint()),
      container: model.container, subject: .plan(name), entries: entries, command: command,
      version: state.version)
    report.budget = state.edits.budget
    report.notes = model.notes + notes
    let curve = try? Curve(state.solverBasis)
    if let curve {
      report.frontier = frontier(curve)
      if !curve.needs.isEmpty {
        report.notes.append(
          "The frontier knows only what was measured so far: "
            + "\(Figures.counted(curve.needs.count, "figure")) of tensors in formats were missing.")
      }
    }
    addDistributions(to: &report, stop: stop)
    if stop() {
      report.notes.append("The explorer was left before the weights of all tensors were counted.")
    }
    report.devices = devices(report)
    return report
  }

  private var name: String {
    let file = state.planPath.map { ($0.split(separator: "/").last.map(String.init) ?? $0) }
    guard let file else { return "the plan" }
    return state.hasUnsavedChanges ? "\(file), changed since" : file
  }

  private var command: String {
    let plan = state.planPath.map { " --plan \($0.shellQuoted)" } ?? ""
    return "bitladder \((state.modelArgument ?? state.model.name).shellQuoted)\(plan)"
  }

  private var notes: [String] {
    var notes = [
      "Written in the explorer, with what was measured by then; "
        + "`bitladder report` measures everything and draws the whole frontier."
    ]
    if let importance = state.importance {
      notes.append(
        "Errors and codes weighted by the importance matrix \(importance.file): "
          + "\(importance.quantizableMatched) of \(importance.quantizable) tensors; "
          + importance.mapping)
    }
    return notes
  }

  private func frontier(_ curve: Curve) -> PlanCurve {
    func best(_ bytes: Int) -> Double? { (try? curve.problem.solve(budget: bytes))?.error }
    var marks: [PlanCurve.Mark] = []
    if let own = curve.figures(of: { state.choice(of: $0) }) {
      marks.append(
        .init(
          name: name, kind: .subject, bytes: own.bytes, error: own.error, best: best(own.bytes)))
    }
    marks += curve.marks.filter { $0.kind != .present }.map {
      .init(
        name: $0.name, kind: $0.kind == .uniform ? .uniform : .preset, bytes: $0.bytes,
        error: $0.error, best: best($0.bytes))
    }
    return PlanCurve(
      objective: curve.problem.objective, points: curve.frontier.vertices, marks: marks)
  }

  private func addDistributions(to report: inout Report, stop: @Sendable () -> Bool) {
    let worst = Report.worst(report.entries, count: Self.distributionCount)
    var weights = 0
    let shown = worst.filter { index in
      weights += report.entries[index].tensor.weightCount
      return weights <= Self.mostWeights
    }
    if shown.count < worst.count {
      report.notes.append("The weights of the largest tensors weren't counted for this report.")
    }
    let work = shown.flatMap { index -> [Work] in
      let entry = report.entries[index]
      return [nil, entry.choice.format].map {
        .histogram(tensor: entry.tensor.id, format: $0, bins: Self.binCount)
      }
    }
    let found = histograms(work, stop: stop)
    report.distributions = shown.compactMap { index in
      let entry = report.entries[index]
      func histogram(_ format: Format?) -> Histogram? {
        found[.histogram(tensor: entry.tensor.id, format: format, bins: Self.binCount)]
      }
      return histogram(nil).map {
        Report.Distribution(
          entry: index, source: $0, reconstructed: histogram(entry.choice.format))
      }
    }
  }

  /// Counts weights, on threads of its own.
  private func histograms(_ work: [Work], stop: @Sendable () -> Bool) -> [Work: Histogram] {
    guard !work.isEmpty else { return [:] }
    let collector = Collector()
    let measurer = Measurer(
      model: state.model, importance: state.importance, calibration: state.calibration
    ) { work, finding in collector.take(work, finding) }
    defer { measurer.stop() }
    measurer.want(background: work)
    for _ in work {
      while !collector.waitForOne() { if stop() { return collector.found } }
    }
    return collector.found
  }

  // MARK: - Devices

  /// Where it fits: on the device that was chosen.
  private func devices(_ report: Report) -> Report.Devices? {
    guard let device = state.fitting.device, let shape = state.fitting.cache else { return nil }
    let reads = state.fitting.reads
    let bytes = report.entries.map(\.contribution.bytes)
    let model = state.model
    let source = Demand(model, cache: shape, reads: reads) { model.tensors[$0].byteCount }
    let subject = Demand(model, cache: shape, reads: reads) { bytes[$0] }
    let use = state.fitting.use
    return Report.Devices(
      use: use, source: [Fit(source, on: device, use)], subject: [Fit(subject, on: device, use)])
  }
}

/// What threads that measure have found.
private final class Collector: Sendable {
  private let done = DispatchSemaphore(value: 0)
  private let histograms = Mutex<[Work: Histogram]>([:])

  var found: [Work: Histogram] { histograms.withLock { $0 } }

  func take(_ work: Work, _ finding: Finding) {
    if case .histogram(let histogram) = finding { histograms.withLock { $0[work] = histogram } }
    done.signal()
  }

  /// Waits a little; whether there was one more.
  func waitForOne() -> Bool { done.wait(timeout: .now() + .milliseconds(50)) == .success }
}

/// What came of writing a report; opaque outside the explorer.
public struct ReportOutcome: Sendable {
  enum Result: Sendable {
    case written(bytes: Int, estimated: Int, unmeasured: Int)
    case failed(SaveFailure)
  }

  let path: String
  let result: Result
}

extension String {
  /// The text so that a shell takes it as one word.
  public var shellQuoted: String {
    let isPlain =
      !isEmpty
      && unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || $0.properties.numericType != nil
          || "-_./=:,@%+".unicodeScalars.contains($0)
      }
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }
}
