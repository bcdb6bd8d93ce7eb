import ModelFiles
import Planning
import Quantization

/// How one program takes a plan: what it can express, and its syntax.
///
/// Each file of this folder is one of them. None changes anything in silence: what can't be expressed is said of
/// each tensor, before anything is written.
protocol Exporter: Sendable {
  /// What it can express in place of something else, for the tensors that allow it.
  var offers: [Format] { get }

  /// Why the program never touches a tensor, in a few words; nil if it does.
  func reasonToKeep(_ tensor: ExportedTensor) -> String?

  /// Why a tensor that it touches can't have what is asked for, in a few words; nil if it can.
  func objection(to choice: Choice, for tensor: ExportedTensor) -> String?

  /// What differs although it can be expressed, in a few words: how ranges are chosen, say.
  func remark(on format: Format, for tensor: ExportedTensor) -> String?

  /// Which tensors must have the same; nil for those that needn't.
  func sharing(_ tensor: ExportedTensor) -> Sharing?

  /// The files, and how to use them.
  func write(_ sheet: ExportSheet) -> ExportText
}

extension Exporter {
  func remark(on format: Format, for tensor: ExportedTensor) -> String? { nil }
  func sharing(_ tensor: ExportedTensor) -> Sharing? { nil }
}

/// Tensors that must have the same format.
struct Sharing: Sendable, Hashable {
  /// What they have in common.
  let key: String
  /// Why, in a few words.
  let reason: String
}

/// What is to be written: each tensor with what it gets.
struct ExportSheet: Sendable {
  let plan: Plan
  let tensors: [(tensor: ExportedTensor, choice: Choice)]
  /// What the user calls tensors, by their names in the plan: for programs with names of their own.
  let names: [String: String]
  /// The name of the first file, where the user gave one: others are called after it.
  let fileName: String?

  /// What is to be known where the embedding of tokens is the output projection too; nil where it isn't, or keeps its
  /// source.
  var noteOnTiedEmbedding: String? {
    guard !tensors.contains(where: { $0.tensor.role == .output && $0.tensor.shape.count == 2 }),
      let embedding = tensors.first(where: { $0.tensor.role == .tokenEmbedding }),
      let format = embedding.choice.format
    else { return nil }
    return
      "the model has no output matrix of its own: \(embedding.tensor.name.sanitised) is that, too, in \(format)"
  }

  /// The linear layers, by their modules.
  var modules: [(module: String, choice: Choice)] {
    tensors.filter(\.tensor.isLinear).flatMap { tensor, choice in
      tensor.modules.map { ($0, choice) }
    }
  }
}

/// What an exporter writes.
struct ExportText: Sendable {
  /// Name and text; the first one is the plan, others help to use it.
  var files: [Export.File]
  /// The command, or the lines of a program, that use it.
  var usage: [String] = []
  /// What one should know, a sentence each.
  var notes: [String] = []
}

extension String {
  /// As a regular expression that matches this text alone, in every dialect: what is special has a backslash.
  var escapedForPattern: String {
    map { "\\^$.|?*+()[]{}".contains($0) ? "\\\($0)" : String($0) }.joined()
  }
}
