/// What a model keeps of each token of its context: the widths of keys and values, layer by layer.
///
/// Widths are counts of numbers; what they take in bytes depends on how the cache is stored.
public struct CacheShape: Sendable, Hashable {
  /// What one layer keeps.
  public struct Layer: Sendable, Hashable {
    /// The numbers kept for a token's keys; with latent attention all that is kept.
    public var keys: Int
    /// The numbers kept for its values.
    public var values: Int
    /// How many of the last tokens are kept; nil: all.
    public var window: Int?

    /// A layer.
    public init(keys: Int, values: Int, window: Int? = nil) {
      self.keys = keys
      self.values = values
      self.window = window
    }
  }

  /// Layers that keep the same.
  public struct Run: Sendable, Hashable {
    /// What each of them keeps.
    public var layer: Layer
    /// How many they are.
    public var count: Int
  }

  /// The kinds of layers that keep something, each with its count.
  public let runs: [Run]
  /// The longest context that the model was made for, if it says so.
  public let contextLength: Int?
  /// What the figures leave out, in sentences safe for a terminal.
  public let notes: [String]

  /// The shape of layers one after the other.
  public init(layers: [Layer], contextLength: Int? = nil, notes: [String] = []) {
    var runs: [Run] = []
    for layer in layers where layer.keys > 0 || layer.values > 0 {
      if let place = runs.firstIndex(where: { $0.layer == layer }) {
        runs[place].count += 1
      } else {
        runs.append(Run(layer: layer, count: 1))
      }
    }
    self.runs = runs
    self.contextLength = contextLength
    self.notes = notes
  }

  /// The layers that keep something.
  public var layerCount: Int { runs.reduce(0) { $0 + $1.count } }
}

/// Why it isn't known what a model keeps of its context.
public enum CacheUnknown: Error, Sendable, Hashable, CustomStringConvertible {
  /// Neither the configuration nor the tensors say these.
  case missing([String])
  /// A value that can't be meant.
  case unusable(key: String, found: String)
  /// Another kind of model.
  case otherKind(String)

  /// A phrase for people, safe for a terminal.
  public var description: String {
    switch self {
    case .missing(let keys): "the model doesn't say \(keys.joined(separator: ", "))"
    case .unusable(let key, let found):
      "the model says \(quoted(found, limit: 40)) for \(key.sanitised)"
    case .otherKind(let sentence): sentence
    }
  }
}

/// What was read of a configuration, before the tensors have had their say.
struct CacheDraft {
  /// What a layer does with the context.
  enum Kind: Hashable {
    case full
    case window(Int)
    /// Keeps nothing: no attention, or another layer's cache.
    case nothing
  }

  /// More layers than any model has; also what keeps a list of them small.
  static let mostLayers = 10_000
  /// Wider than any model, and small enough that a few can be multiplied.
  static let greatest = 1 << 31

  /// One for each layer; nil where not even their number is known.
  var kinds: [Kind]?
  /// The widths by layer kind and index.
  var widths: (_ layer: Int, _ kind: Kind) -> (keys: Int, values: Int)? = { _, _ in nil }
  /// Whether keys and values are kept as one latent vector: tensors then don't tell the width.
  var isLatent = false
  var contextLength: Int?
  var missing: [String] = []
  var notes: [String] = []

  /// Fills in what only tensors tell and makes the shape of it.
  /// - Parameter tensors: the widths that the tensors of keys and values have, by layer.
  func shape(
    _ tensors: [Int: (keys: Int, values: Int)] = [:]
  ) throws(CacheUnknown) -> CacheShape {
    // Where layers aren't counted, those with keys are all there are.
    guard let kinds = kinds ?? tensors.keys.max().map({ Array(repeating: .full, count: $0 + 1) })
    else { throw .missing(missing.isEmpty ? ["its number of layers"] : missing) }
    var layers: [CacheShape.Layer] = []
    for (index, kind) in kinds.enumerated() where kind != .nothing {
      guard let width = (isLatent ? nil : tensors[index]) ?? widths(index, kind) else {
        throw .missing(missing.isEmpty ? ["the width of its keys"] : missing)
      }
      var window: Int?
      if case .window(let length) = kind { window = length }
      layers.append(CacheShape.Layer(keys: width.keys, values: width.values, window: window))
    }
    return CacheShape(layers: layers, contextLength: contextLength, notes: notes)
  }
}

extension CacheShape {
  /// The shape of an open model: from its config.json or metadata, and where its tensors tell the
  /// widths of keys and values, from these.
  public init(_ model: Model) throws(CacheUnknown) {
    let draft: CacheDraft
    if let configuration = model.configuration {
      draft = try CacheDraft(configuration: configuration)
    } else if model.container == .gguf {
      draft = try CacheDraft(metadata: model.metadata)
    } else {
      throw .missing(["its layers: it has no config.json"])
    }
    self = try draft.shape(Self.widths(of: model.tensors))
  }

  /// The shape that a config.json tells by itself.
  public init(configuration: JSONValue) throws(CacheUnknown) {
    self = try CacheDraft(configuration: configuration).shape()
  }

  /// The shape that a GGUF's metadata tell by themselves.
  public init(metadata: Metadata) throws(CacheUnknown) {
    self = try CacheDraft(metadata: metadata).shape()
  }

  /// The rows of the matrices that make keys and values, by block of the text model.
  private static func widths(of tensors: [Tensor]) -> [Int: (keys: Int, values: Int)] {
    let keys = tensors.filter { $0.role == .attentionK && isMatrix($0) }
    let stack = keys.contains { $0.stack == "text" } ? "text" : nil
    var widths: [Int: (keys: Int, values: Int)] = [:]
    for tensor in keys where tensor.stack == stack {
      guard let block = tensor.block, block < CacheDraft.mostLayers, widths[block] == nil,
        tensor.rows < CacheDraft.greatest
      else { continue }
      // Values without a matrix of their own are the keys.
      widths[block] = (tensor.rows, tensor.rows)
    }
    for tensor in tensors
    where tensor.role == .attentionV && tensor.stack == stack && isMatrix(tensor) {
      guard let block = tensor.block, tensor.rows < CacheDraft.greatest else { continue }
      widths[block]?.values = tensor.rows
    }
    return widths
  }

  /// Whether a tensor is a whole matrix, not a part of packed weights.
  private static func isMatrix(_ tensor: Tensor) -> Bool {
    switch tensor.suitability {
    case .quantizable, .kept(.tiny), .kept(.alreadyQuantized): tensor.shape.count == 2
    default: false
    }
  }
}
