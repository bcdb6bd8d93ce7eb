import Measurement
import ModelFiles
import Quantization

/// Makes findings of what stands in a store.
struct FindingReader {
  /// The contents of the model, by their numbers.
  var contents: [Int64: ContentHash] = [:]

  private let model: Model
  private let importance: ModelImportance?
  private let engine: Int
  private let names: StoreNames
  private var keys: [Numbers: Key?] = [:]
  /// The importance of the tensor that was asked for last.
  private var digest: (tensor: Int, importance: ContentHash?)?

  private struct Numbers: Hashable {
    var format: Int64
    var importance: Int64
  }

  /// What a finding is about, and the digest of its key.
  private struct Key {
    var isStatistics: Bool
    var format: Format?
    var importance: ContentHash?
    var digest: ContentHash
  }

  init(_ model: Model, _ importance: ModelImportance?, names: StoreNames, _ engine: Int) {
    self.model = model
    self.importance = importance
    self.names = names
    self.engine = engine
  }

  /// A finding of a tensor; nil if it was made with another importance, or isn't what was written.
  mutating func finding(_ stored: StoredFinding, tensor id: Int) -> (Work, Finding)? {
    guard let content = contents[stored.content], let key = key(of: stored) else { return nil }
    let seal = key.digest.sealing(content)
    if key.isStatistics {
      guard let summary = StoredValue.statistics(stored.value, seal: seal) else { return nil }
      return (.statistics(tensor: id), .statistics(summary))
    }
    let tensor = model.tensors[id]
    guard let format = key.format, key.importance == digest(of: tensor),
      let value = StoredValue.measurement(stored.value, seal: seal)
    else { return nil }
    return (
      .measurement(tensor: id, format: format),
      .measurement(
        Measurement(
          format: format, rows: tensor.rows, rowLength: tensor.rowLength, sums: value.sums,
          exact: value.exact))
    )
  }

  private mutating func key(of stored: StoredFinding) -> Key? {
    let numbers = Numbers(format: stored.format, importance: stored.importance)
    if let known = keys[numbers] { return known }
    var key: Key?
    let importance = names.importances[stored.importance]
    if let name = names.formats[stored.format], stored.importance == 0 || importance != nil {
      let findingKey = FindingKey(format: name, importance: importance, engine: engine)
      key = Key(
        isStatistics: name.isEmpty, format: try? Format(parsing: name), importance: importance,
        digest: findingKey.digest)
    }
    keys[numbers] = .some(key)
    return key
  }

  private mutating func digest(of tensor: Tensor) -> ContentHash? {
    guard let importance else { return nil }
    if let digest, digest.tensor == tensor.id { return digest.importance }
    let found = importance[tensor].map { TensorContent.hash(of: $0) }
    digest = (tensor.id, found)
    return found
  }
}
