import ModelFiles
import Quantization

/// One format for each tensor of a model, with what it was made for: the plan file, version 1.
public struct Plan: Sendable, Equatable {
  /// The model that a plan was made for.
  public struct ModelIdentity: Sendable, Equatable {
    /// The model's name, for people.
    public var name: String
    /// Its architecture, where it is known.
    public var architecture: String?
    /// `sha256:...` over names, shapes, types and a sample of the data.
    public var fingerprint: String
    /// Number of weights.
    public var weights: Int
    /// Bytes of all tensors as they are stored.
    public var bytes: Int

    /// The identity of an open model.
    public init(_ model: Model, fingerprint: String) {
      name = model.name
      architecture = model.architecture
      self.fingerprint = fingerprint
      weights = model.weightCount
      bytes = model.byteCount
    }

    /// An identity from its parts.
    public init(
      name: String, architecture: String?, fingerprint: String, weights: Int, bytes: Int
    ) {
      self.name = name
      self.architecture = architecture
      self.fingerprint = fingerprint
      self.weights = weights
      self.bytes = bytes
    }
  }

  /// What one tensor gets.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name as in the model.
    public var name: String
    /// Its shape, row-major.
    public var shape: [Int]
    /// The type it is stored in, as in the model: `BF16`.
    public var source: String
    /// What it gets.
    public var choice: Choice
    /// Bytes under the plan.
    public var bytes: Int
    /// Bits for each weight under the plan.
    public var bitsPerWeight: Double
    /// Σ(w-ŵ)²/Σw², nil where it wasn't measured.
    public var nmse: Double?
    /// The same weighted by the importance of input channels; nil where there is none.
    public var weightedNmse: Double?
    /// Whether every weight was measured.
    public var exact: Bool
    /// Whether the user pinned the choice.
    public var isPinned: Bool

    /// An entry from its parts.
    public init(
      name: String, shape: [Int], source: String, choice: Choice, bytes: Int,
      bitsPerWeight: Double, nmse: Double?, weightedNmse: Double? = nil, exact: Bool,
      isPinned: Bool
    ) {
      self.name = name
      self.shape = shape
      self.source = source
      self.choice = choice
      self.bytes = bytes
      self.bitsPerWeight = bitsPerWeight
      self.nmse = nmse
      self.weightedNmse = weightedNmse
      self.exact = exact
      self.isPinned = isPinned
    }
  }

  /// The importance that errors were measured with, and codes chosen by.
  public struct Importance: Sendable, Equatable {
    /// The name of the imatrix file.
    public var file: String
    /// How the file's names were matched with the model's, in a sentence.
    public var mapping: String
    /// What the activations were collected on, as far as the file says.
    public var datasets: [String]
    /// How many chunks of text were run, if the file says.
    public var chunks: Int?

    /// Importance from its parts.
    public init(file: String, mapping: String, datasets: [String], chunks: Int?) {
      self.file = file
      self.mapping = mapping
      self.datasets = datasets
      self.chunks = chunks
    }
  }

  /// The figures of the whole plan.
  public struct Sums: Sendable, Equatable {
    /// Bytes of all tensors.
    public var bytes: Int
    /// Bits for each weight.
    public var bitsPerWeight: Double
    /// NMSE over all weights, nil while some tensors aren't measured.
    public var nmse: Double?
    /// The same in dB; nil too where nothing is lost (it is infinite then).
    public var sqnr: Double?

    /// Sums from their parts.
    public init(bytes: Int, bitsPerWeight: Double, nmse: Double?, sqnr: Double?) {
      self.bytes = bytes
      self.bitsPerWeight = bitsPerWeight
      self.nmse = nmse
      self.sqnr = sqnr
    }

    /// The figures of totals; errors only where all are known.
    public init(_ totals: Totals) {
      bytes = totals.bytes
      bitsPerWeight = totals.bitsPerWeight
      nmse = totals.isComplete ? totals.nmse : nil
      sqnr = totals.isComplete && totals.nmse > 0 ? totals.sqnr : nil
    }
  }

  /// The model it was made for.
  public var model: ModelIdentity
  /// What it must not exceed, if it was solved for a budget.
  public var budget: Budget?
  /// The importance it was made with, if there was an imatrix.
  public var importance: Importance?
  /// The figures of the whole.
  public var totals: Sums
  /// One entry for each tensor, in the model's order.
  public var tensors: [Entry]

  /// A plan from its parts.
  public init(
    model: ModelIdentity, budget: Budget?, importance: Importance? = nil, totals: Sums,
    tensors: [Entry]
  ) {
    self.model = model
    self.budget = budget
    self.importance = importance
    self.totals = totals
    self.tensors = tensors
  }
}

/// What a plan must not exceed.
public enum Budget: Sendable, Equatable, Codable {
  /// Bytes of all tensors.
  case bytes(Int)
  /// Mean bits for each weight.
  case bitsPerWeight(Double)
  /// A share of the source's bytes, from 0 to 1.
  case share(Double)
}
