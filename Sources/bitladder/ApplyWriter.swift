import Consumers
import Explorer
import Foundation
import Measurement
import ModelFiles

/// Writes what a plan makes of a model into its place, and says how far it is.
struct ApplyWriter {
  let applier: Applier
  let model: Model
  let output: String
  let overwrites: Bool

  /// A file.
  func writeFile(_ layout: OutputFile) throws(ApplyFailure) {
    let start = ContinuousClock.now
    let file = try applier.begin(output, layout, overwriting: overwrites)
    let interruptions = Interruptions { file.discard() }
    defer { interruptions.end() }
    try write(layout, to: file)
    report(layout, since: start)
  }

  /// A folder with the model, its configuration and its tokenizer.
  /// - Parameter finish: adds what else belongs in it.
  func writeFolder(
    _ layout: SafetensorsOutput, finish: (PendingFolder) throws(ApplyFailure) -> Void = { _ in }
  ) throws(ApplyFailure) {
    let start = ContinuousClock.now
    let folder = try Applier.saving { () throws(SaveFailure) in try PendingFolder(output) }
    let interruptions = Interruptions { folder.discard() }
    defer { interruptions.end() }
    do throws(ApplyFailure) {
      let file = try applier.begin(
        folder["model.safetensors"], layout.file, overwriting: false)
      try write(layout.file, to: file)
      try CheckpointFiles(model).write(to: folder, quantization: layout.configuration)
      try finish(folder)
      try Applier.saving { () throws(SaveFailure) in try folder.commit() }
    } catch {
      folder.discard()
      throw error
    }
    report(layout.file, since: start)
  }

  private func write(_ layout: OutputFile, to file: PendingFile) throws(ApplyFailure) {
    var line = ApplyingLine(weights: layout.weightCount)
    defer { line.end() }
    do throws(ApplyFailure) {
      try applier.write(layout, to: file) { line.show($0) }
      _ = try Applier.saving { () throws(SaveFailure) in try file.commit() }
    } catch {
      file.discard()
      throw error
    }
  }

  private func report(_ layout: OutputFile, since start: ContinuousClock.Instant) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    // Where all bytes were at hand there is no pace to speak of.
    let pace =
      layout.weightCount > 0
      ? ", " + Figures.pace(Double(layout.weightCount) / max(seconds, 1e-3)) : ""
    tell(
      "\(output.sanitised): \(Figures.bytes(layout.byteCount)) in \(Figures.duration(seconds))"
        + pace)
  }
}

/// Progress on standard error, if that is a terminal: how much is done, how fast, and how long it will take.
private struct ApplyingLine {
  let weights: Int
  private var pace = Pace()
  private var isShown = isatty(2) == 1

  init(weights: Int) {
    self.weights = weights
    pace.note(0)
  }

  mutating func show(_ done: Int) {
    guard isShown, weights > 0 else { return }
    pace.note(done)
    let share = 100 * Double(done) / Double(weights)
    var text = "writing \(Int(share)) %, \(Figures.pace(pace.perSecond))"
    if let seconds = pace.seconds(for: Double(weights - done)) {
      text += ", \(Figures.duration(seconds)) left"
    }
    FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
  }

  mutating func end() {
    if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    isShown = false
  }
}
