import Evaluation
import Foundation
import ModelFiles
import Planning
import Quantization

/// What was measured of a model's tensors on some data, where it outlives the session: a file as `bitladder
/// sensitivity` writes it, named after all that it depends on.
struct SensitivityFile: Sendable {
  private let path: String
  private let identity: Plan.ModelIdentity
  private let data: String
  private let samples: Int

  /// - Parameter samples: how many of the data's samples each tensor is measured on.
  init(
    folder: String, model: Model, data: EvaluationData, samples: Int, importance: ModelImportance?
  ) {
    let fingerprint = model.fingerprint()
    identity = Plan.ModelIdentity(model, fingerprint: fingerprint)
    self.data = data.name
    self.samples = samples
    var words = ContentHash(of: Array(fingerprint.utf8)).words
    for sample in data.samples.prefix(samples) {
      switch sample {
      case .tokens(let tokens):
        words += ContentHash(of: tokens.map { UInt64(bitPattern: Int64($0)) }).words
      case .picture(let values):
        words += ContentHash(of: values.map { UInt64($0.bitPattern) }).words
      }
    }
    if let importance {
      words += ContentHash(of: Array(importance.file.utf8)).words
      for tensor in model.tensors {
        let values = importance[tensor]?.values ?? []
        words += ContentHash(of: values.map { UInt64($0.bitPattern) }).words
      }
    }
    path = "\(folder)/\(ContentHash(of: words)).json"
  }

  /// What is known; nothing where the file is missing or is none of ours.
  func known(_ model: Model) -> [TensorFormat: TensorEffect] {
    var effects: [TensorFormat: TensorEffect] = [:]
    var ids: [String: Int] = [:]
    for tensor in model.tensors { ids[tensor.name] = tensor.id }
    for entry in stored?.entries ?? [] {
      guard let id = ids[entry.tensor], entry.distance.isFinite else { continue }
      effects[TensorFormat(tensor: id, format: entry.format)] = TensorEffect(
        distance: entry.distance, interval: entry.interval)
    }
    return effects
  }

  private var stored: Sensitivities? {
    guard let file = try? MappedFile(path), file.byteCount < 1 << 28 else { return nil }
    let bytes = file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
    guard let found = try? Sensitivities(parsing: bytes, path: path),
      found.model.fingerprint == identity.fingerprint
    else { return nil }
    return found
  }

  /// Adds to what is known; what can't be written is measured again another time.
  func add(_ effects: [TensorFormat: TensorEffect], _ model: Model) {
    // What depends on calibration data is measured anew.
    let all = known(model).merging(effects) { $1 }.filter { !$0.key.format.needsActivations }
    let entries = all.sorted {
      ($0.key.tensor, $0.key.format.description) < ($1.key.tensor, $1.key.format.description)
    }.map { key, effect in
      Sensitivities.Entry(
        tensor: model.tensors[key.tensor].name, format: key.format, distance: effect.distance,
        interval: effect.interval)
    }
    let whole = Sensitivities(model: identity, data: data, samples: samples, entries: entries)
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    try? FileManager.default.createDirectory(
      atPath: folder.joined(separator: "/"), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    _ = try? AtomicFile.write(
      Array((JSONWriter(.pretty).string(whole.json) + "\n").utf8), to: path, expecting: .anything)
  }
}

extension ContentHash {
  fileprivate init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { ContentHash(of: $0) } }

  fileprivate var words: [UInt64] { [first, second] }
}
