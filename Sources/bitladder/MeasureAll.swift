import Dispatch
import Foundation
import Measurement
import ModelFiles
import Synchronization

/// Does all the work on all processors, with progress on standard error if that is a terminal.
func measureAll(
  _ work: [Work], of model: Model, importance: ModelImportance? = nil
) throws(Failure) -> [(Work, Finding)] {
  let results = Mutex<[(Work, Finding)]>([])
  let done = DispatchSemaphore(value: 0)
  let measurer = Measurer(model: model, importance: importance) { work, finding in
    results.withLock { $0.append((work, finding)) }
    done.signal()
  }
  measurer.want(background: work)
  let showsProgress = isatty(2) == 1
  let unique = Set(work).count
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
  let findings = results.withLock { $0 }
  for case (let work, .lost) in findings {
    throw Failure(
      "\(model.tensors[work.tensor].label): its file was cut short or removed while it was read; "
        + "put it back and measure again")
  }
  return findings
}
