import Dispatch
import Explorer
import Foundation
import Measurement
import ModelFiles
import Quantization
import Storage
import Synchronization

/// Does all the work on all processors, with progress on standard error if that is a terminal.
///
/// What the store knows is recalled, the rest measured and recorded; what it knows exactly isn't estimated.
func measureAll(
  _ work: [Work], of model: Model, importance: ModelImportance? = nil,
  store: MeasurementStore? = nil
) throws(Failure) -> [(Work, Finding)] {
  let wanted = Set(work)
  let stored = store.map { ModelStore($0, model: model, importance: importance) }
  var estimates: [Work: Work] = [:]
  for case .estimate(let tensor, let format, let weights) in work {
    estimates[.measurement(tensor: tensor, format: format)] =
      .estimate(tensor: tensor, format: format, weights: weights)
  }
  let recalled = (stored?.recall() ?? []).compactMap { work, finding -> (Work, Finding)? in
    guard finding.isExact, let asked = wanted.contains(work) ? work : estimates[work] else {
      return nil
    }
    return (asked, finding)
  }
  let known = Set(recalled.map(\.0))
  let results = Mutex<[(Work, Finding)]>(recalled)
  let done = DispatchSemaphore(value: 0)
  let report: Measurer.Report = { work, finding in
    results.withLock { $0.append((work, finding)) }
    done.signal()
  }
  let measurer = Measurer(
    model: model, importance: importance, report: stored?.recording(report) ?? report)
  let open = wanted.subtracting(known)
  measurer.want(background: work.filter { !known.contains($0) })
  var progress = MeasuringLine(
    works: open.count, weights: open.reduce(0) { $0 + Double(model.tensors[$1.tensor].weightCount) }
  )
  for count in 0..<open.count {
    while done.wait(timeout: .now() + .milliseconds(200)) == .timedOut {
      progress.show(count, measurer)
    }
    progress.show(count + 1, measurer)
  }
  progress.end()
  measurer.stop()
  stored?.finish()
  let findings = results.withLock { $0 }
  for case (let work, .lost) in findings {
    throw Failure(
      "\(model.tensors[work.tensor].label): its file was cut short or removed while it was read; "
        + "put it back and measure again")
  }
  return findings
}

/// The same with what a sample says nothing of measured instead.
func measureOrEstimate(
  _ work: [Work], of model: Model, importance: ModelImportance?, store: MeasurementStore?
) throws(Failure) -> [(Work, Finding)] {
  var results: [(Work, Finding)] = []
  var left = work
  while !left.isEmpty {
    let findings = try measureAll(left, of: model, importance: importance, store: store)
    left = []
    for case let (.estimate(tensor, format, _), .inestimable) in findings {
      left.append(.measurement(tensor: tensor, format: format))
    }
    results += findings
  }
  return results
}

extension Work {
  /// What is to be done for a tensor in a format: a sample pays where it is a small part.
  static func task(_ tensor: Tensor, _ format: Format, sample: Int?) -> Work {
    guard let sample, tensor.weightCount / 2 > sample,
      SamplingSchedule.canEstimate(tensor, format)
    else { return .measurement(tensor: tensor.id, format: format) }
    return .estimate(tensor: tensor.id, format: format, weights: sample)
  }
}

/// Progress on standard error, if that is a terminal: how much is done, how fast, and how long it will take.
private struct MeasuringLine {
  let works: Int
  /// All weights that are to be measured, each once for each format.
  let weights: Double
  private var pace = Pace()
  private var last = ContinuousClock.now
  private let isShown = isatty(2) == 1

  init(works: Int, weights: Double) {
    self.works = works
    self.weights = weights
    pace.note(0)
  }

  mutating func show(_ done: Int, _ measurer: Measurer) {
    guard isShown, ContinuousClock.now - last > .milliseconds(100) else { return }
    last = .now
    let measured = measurer.weightsMeasured
    pace.note(measured)
    var text = "measuring \(done)/\(works), \(Figures.pace(pace.perSecond))"
    if let seconds = pace.seconds(for: weights - Double(measured)) {
      text += ", \(Figures.duration(seconds)) left"
    }
    FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
  }

  func end() {
    if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
  }
}
