import ArgumentParser
import Consumers
import Foundation
import ModelFiles
import Planning
import Quantization

/// The model that a command works on.
struct ModelArgument: ParsableArguments {
  @Argument(help: "A model: a file, a shard, an index.json, a folder, or owner/name.")
  var model: String

  func open() throws -> Model { try openModel(model) }
}

/// Opens a model, or says in a line why that can't be done.
func openModel(_ path: String) throws -> Model {
  do {
    return try Model.open(path)
  } catch {
    throw Failure(error.description)
  }
}

/// The importance of input channels.
struct ImatrixOption: ParsableArguments {
  @Option(
    name: .customLong("imatrix"),
    help: "An importance matrix that llama-imatrix wrote (GGUF or .dat): weighs errors and codes.")
  var path: String?

  /// Reads it and matches it with a model's tensors; says what stayed unmatched.
  func read(for model: Model) throws -> ModelImportance? {
    guard let path else { return nil }
    do {
      let importance = ModelImportance(try Imatrix.open(path), file: path, model: model)
      report(importance)
      return importance
    } catch {
      throw Failure(error.description)
    }
  }
}

extension ImatrixOption {
  /// Says how much of the model has importance, and what hasn't.
  private func report(_ importance: ModelImportance) {
    tell(
      "bitladder: \(importance.file.sanitised): importance for \(importance.quantizableMatched) of "
        + "\(importance.quantizable) tensors worth quantizing; \(importance.mapping)")
    let shown = importance.notes.prefix(5)
    for note in shown { tell("bitladder: note: \(note)") }
    let rest = importance.notes.count - shown.count
    if rest > 0 { tell("bitladder: note: and \(rest) more of the kind") }
    if let first = importance.unmatched.first {
      let more = importance.unmatched.count - 1
      tell(
        "bitladder: note: no tensor takes its entry \(first.sanitised)"
          + (more > 0 ? ", nor \(more) others" : ""))
    }
  }
}

/// A mixture that people know by its name.
struct PresetOption: ParsableArguments {
  @Option(
    name: .customLong("preset"),
    help: "A known mixture: Q4_K_M, mixed_3_6 ...; `bitladder presets MODEL` lists them.")
  var name: String?

  @Option(
    help: "A recipe: llama-quantize's --tensor-type-file, mlx-lm's table or its config.json.")
  var recipe: String?

  /// Whether one was asked for.
  var isGiven: Bool { name != nil || recipe != nil }

  func validate() throws {
    if name != nil, recipe != nil {
      throw ValidationError("--preset and --recipe both say what every tensor gets: give one")
    }
  }

  /// What it makes of a model; nil if none was asked for.
  func read(for model: Model, importance: ModelImportance?) throws -> [Choice]? {
    if let recipe { return try readRecipe(recipe, for: model) }
    guard let name else { return nil }
    do throws(PresetError) {
      return try Presets(model, importance: importance)[name].choices
    } catch {
      switch error {
      case .unknown: throw ValidationError(error.description)
      case .unsuited: throw Failure(error.description)
      }
    }
  }
}

extension PresetOption {
  private func readRecipe(_ path: String, for model: Model) throws -> [Choice] {
    do {
      let recipe = try Recipe.read(try readWhole(path, "a recipe"), for: model)
      for note in recipe.notes { tell("bitladder: note: \(note)") }
      return recipe.choices
    } catch let error as ModelFileError {
      throw Failure(error.description)
    } catch let error as RecipeError {
      throw Failure("\(path.sanitised): \(error.description)")
    }
  }
}

/// The bytes of a small file, such as a plan.
func readWhole(_ path: String, _ kind: String) throws -> [UInt8] {
  let file = try MappedFile(path)
  guard file.byteCount <= PlanFile.maximumByteCount else {
    throw Failure(
      "\(path.sanitised): found \(file.byteCount) bytes, expected \(kind) of at most "
        + "\(PlanFile.maximumByteCount)")
  }
  return file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
}

/// Reads formats separated by commas, each once; nil if nothing was given.
func readFormats(_ text: String?) throws -> [Format]? {
  guard let text else { return nil }
  var formats: [Format] = []
  do {
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      let format = try Format(parsing: name.trimmingCharacters(in: .whitespaces))
      if !formats.contains(format) { formats.append(format) }
    }
  } catch {
    throw ValidationError(error.description)
  }
  return formats
}

/// Reads a plan file; nil if there is none at the path and there need be none. Totals that aren't those of its
/// tensors are put right, with a note.
func readPlan(_ path: String, mayBeAbsent: Bool) throws -> (plan: Plan, stamp: FileStamp?)? {
  // The stamp first: a change while we read is noticed when saving.
  let stamp = FileStamp(path: path)
  if stamp == nil, mayBeAbsent { return nil }
  do throws(ModelFileError) {
    var plan = try PlanFile.read(path)
    if let wrong = plan.correctTotals() {
      tell(
        "bitladder: note: \(path.sanitised): its totals aren't those of its tensors, which count: "
          + wrong)
    }
    return (plan, stamp)
  } catch {
    throw Failure(error.description)
  }
}
