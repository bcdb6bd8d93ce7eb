import Consumers
import Evaluation
import Explorer
import Foundation
import ModelFiles
import Planning
import Quantization

/// The folder of a tuned model: its weights before they are quantized, the plan that it was tuned for, and what lies
/// beside a checkpoint.
extension Tune {
  /// Before anything is trained: the work would be in vain.
  func refuseOutput(of model: Model) throws(Failure) {
    guard let output else { return }
    guard model.container != .gguf else {
      throw Failure(
        "\(model.path.sanitised): a tuned GGUF can't be written yet, only a safetensors checkpoint; "
          + "leave -o out, or take the checkpoint")
    }
    // An empty folder may be there.
    let names = try? FileManager.default.contentsOfDirectory(atPath: output)
    guard FileStamp(path: output) == nil || names?.isEmpty == true else {
      throw Failure("\(output.sanitised): there is something of that name already")
    }
  }

  func save(
    _ report: TuneReport, _ importance: ModelImportance?, _ identities: [FileIdentity?]
  ) throws(EvaluationError) {
    guard let output else { return }
    let model = report.model
    let writer = ApplyWriter(
      applier: Applier(model: model, identities: identities, threads: training.threadCount),
      model: model, output: output, overwrites: false)
    do throws(ApplyFailure) {
      try writer.writeFolder(
        try SafetensorsOutput.replacing(report.tuned.values, in: model)
      ) { folder throws(ApplyFailure) in
        try copyHeldout(report.model, to: folder)
        try writePlan(report, importance, to: folder)
      }
    } catch {
      throw .data(error.description)
    }
  }

  /// So that `evaluate` finds it beside the tuned model.
  private func copyHeldout(_ model: Model, to folder: PendingFolder) throws(ApplyFailure) {
    guard let path = heldout ?? (try? DataReader(model))?.usualPath else { return }
    do {
      let file = try MappedFile(path)
      let bytes = file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
      let usual = (try? DataReader(model))?.usualPath ?? path
      try AtomicFile.write(bytes, to: folder[Path.name(usual)], expecting: .absent)
    } catch {
      throw ApplyFailure("\(error)")
    }
  }

  /// The same choices as a plan of the tuned model, with its own errors.
  private func writePlan(
    _ report: TuneReport, _ importance: ModelImportance?, to folder: PendingFolder
  ) throws(ApplyFailure) {
    do {
      let tuned = try Model.open(folder["model.safetensors"])
      let importance = try imatrix.path.map {
        ModelImportance(try Imatrix.open($0), file: $0, model: tuned)
      }
      var identity = Plan.ModelIdentity(tuned, fingerprint: tuned.fingerprint())
      identity.name = Path.name(output ?? "")
      let choices = Dictionary(
        zip(report.model.tensors.map(\.name), report.plan.choices)
      ) { first, _ in first }
      let own = tuned.tensors.map { choices[$0.name] ?? .source }
      let candidates = PlanCandidates(model: tuned, choices: own, importance: importance)
      var plan = try candidates.measure(store: nil).plan(identity, own, pins: [:])
      plan.importance = importance.map {
        Plan.Importance(
          file: $0.file, mapping: $0.mapping, datasets: $0.datasets, chunks: $0.chunks)
      }
      try AtomicFile.write(
        Array(PlanFile.text(of: plan).utf8), to: folder["plan.json"], expecting: .absent)
    } catch let failure as Failure {
      throw ApplyFailure(failure.text)
    } catch {
      throw ApplyFailure("\(error)")
    }
  }
}
