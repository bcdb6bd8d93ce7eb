import Consumers
import Foundation
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

/// The folder of the sample language model.
let austen = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("SampleModels/austen").path

/// llama.cpp's program, for tests that hold ours to it.
let llamaQuantize = ProcessInfo.processInfo.environment["LLAMA_QUANTIZE"]
/// A python3 that has the package compressed-tensors.
let compressedTensorsPython =
  ProcessInfo.processInfo.environment["COMPRESSED_TENSORS_PYTHON"]

/// Lines of a file of this target's resources, split at tabs.
func goldenLines(_ file: String) throws -> [[String]] {
  let url = Bundle.module.resourceURL?.appendingPathComponent("LlamaQuantize/\(file)")
  let text = try String(contentsOf: #require(url), encoding: .utf8)
  return text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
}

extension Model {
  var identities: [FileIdentity?] { files.map(\.identity) }

  /// What each tensor gets, by the types that its tensors have in a GGUF: its own type for those that aren't there.
  func choices(_ types: [String: String]) throws -> [Int: Choice] {
    let names = GGUFNames(self)
    return try Dictionary(
      uniqueKeysWithValues: tensors.map { tensor in
        let name = try #require(names.name(of: tensor.name)).name
        guard let type = types[name], tensor.suitability.isQuantizable,
          type != tensor.source.rawValue
        else { return (tensor.id, .source) }
        return (tensor.id, .format(try Format(parsing: type)))
      })
  }
}

extension ScratchFolder {
  /// Writes a file and gives its path.
  @discardableResult
  func apply(
    _ layout: OutputFile, of model: Model, as name: String, threads: Int = 3
  ) throws -> String {
    let applier = Applier(model: model, identities: model.identities, threads: threads)
    let file = try applier.begin(self[name], layout, overwriting: true)
    try applier.write(layout, to: file) { _ in }
    _ = try file.commit()
    return self[name]
  }
}

/// The stored bytes of a tensor.
func storedBytes(_ tensor: Tensor, of model: Model) -> [UInt8] {
  model.withBytes(of: tensor, elements: 0..<tensor.weightCount) { bytes in
    bytes.withUnsafeBytes { Array($0) }
  }
}
