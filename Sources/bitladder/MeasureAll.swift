import Dispatch
import Foundation
import Measurement
import ModelFiles
import Synchronization

/// Does all the work on all processors, with progress on standard error if that is a terminal.
///
/// What the store knows is recalled, the rest measured and recorded.
func measureAll(
  _ work: [Work], of model: Model, importance: ModelImportance? = nil,
  store: MeasurementStore? = nil
) throws(Failure) -> [(Work, Finding)] {
  let wanted = Set(work)
  let stored = store.map { ModelStore($0, model: model, importance: importance) }
  let recalled = stored?.recall().filter { wanted.contains($0.0) && $0.1.isExact } ?? []
  let known = Set(recalled.map(\.0))
  let results = Mutex<[(Work, Finding)]>(recalled)
  let done = DispatchSemaphore(value: 0)
  let report: Measurer.Report = { work, finding in
    results.withLock { $0.append((work, finding)) }
    done.signal()
  }
  let measurer = Measurer(
    model: model, importance: importance, report: stored?.recording(report) ?? report)
  measurer.want(background: work.filter { !known.contains($0) })
  let showsProgress = isatty(2) == 1
  let unique = wanted.count - known.count
  var last = ContinuousClock.now
  for count in 0..<unique {
    done.wait()
    if showsProgress, ContinuousClock.now - last > .milliseconds(100) {
      FileHandle.standardError.write(Data("\rmeasuring \(count + 1)/\(unique)".utf8))
      last = .now
    }
  }
  if showsProgress { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
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
