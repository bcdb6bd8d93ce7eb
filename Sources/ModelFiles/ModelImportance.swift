/// The importance of a tensor's input channels.
public struct TensorImportance: Sendable, Equatable {
  /// The name of the entry that it comes from.
  public let entry: String
  /// Mean squared activations: `rowLength` for each matrix, matrix by matrix.
  public let values: [Float]
  /// How many matrices the tensor stacks; matrix `m` is rows `m * rows / matrices` and on.
  public let matrices: Int
  /// How many of the matrices no token went through; their values are 1.
  public let unseen: Int

  /// The values of a row, given how many rows the tensor has.
  public func values(ofRow row: Int, rows: Int) -> ArraySlice<Float> {
    let length = values.count / matrices
    let matrix = rows > 0 ? min(matrices - 1, row / max(1, rows / matrices)) : 0
    return values[matrix * length..<(matrix + 1) * length]
  }
}

/// Why an entry that bears a tensor's name is of no use for it, or what to know of it.
public struct ImportanceNote: Sendable, Hashable, CustomStringConvertible {
  /// What is wrong.
  public enum Problem: Sendable, Hashable {
    /// Another number of values than the tensor has input channels, over all its matrices.
    case size(found: Int, expected: Int)
    /// Conversion transposes the tensor: the importance is that of its rows.
    case transposed
    /// An expert that the entry has no matrix for: it has so many.
    case expert(Int, of: Int)
    /// So many of the tensor's matrices saw no token, and count as 1 throughout.
    case unseen(Int, of: Int)
  }

  /// The tensor's index in the model.
  public let tensor: Int
  /// Its name, safe for a terminal.
  public let label: String
  /// What is wrong.
  public let problem: Problem

  /// Whether the tensor is left without importance.
  public var isWithout: Bool { if case .unseen = problem { false } else { true } }

  /// One line for people.
  public var description: String {
    switch problem {
    case .size(let found, let expected):
      "\(label): importance of \(counted(found, "channel")), the tensor has \(grouped(expected))"
    case .transposed: "\(label): stored transposed, so importance by channel doesn't fit its rows"
    case .expert(let expert, let count):
      "\(label): importance of \(counted(count, "expert")), none of expert \(expert)"
    case .unseen(let unseen, let count):
      count == 1
        ? "\(label): no token went through it; all channels count the same"
        : "\(label): no token went through \(unseen) of \(count) experts; there all channels count"
          + " the same"
    }
  }
}

/// Which importance belongs to which tensor of a model.
///
/// As llama-quantize matches it: by the exact name in GGUF, and only where the number of values is that
/// of the input channels of all matrices. So a tied output has none: an entry `output.weight` isn't
/// taken for `token_embd.weight`.
public struct ModelImportance: Sendable {
  /// The name of the file that it was read from, without its folder.
  public let file: String
  /// How the file's names were matched with the model's tensors, in words: what a plan says of it.
  public let mapping: String
  /// What is wrong with entries that bear a tensor's name, in the model's order.
  public let notes: [ImportanceNote]
  /// Entries that no tensor took, by name in the order of the file.
  public let unmatched: [String]
  /// The tensors that have importance.
  public let matched: Int
  /// The tensors that are worth quantizing, with and without importance.
  public let quantizable: Int
  /// Those that are worth quantizing and have importance.
  public let quantizableMatched: Int
  /// Whether conversion reorders the rows of some tensors, with the phrase that says how.
  public let permutations: [String]

  /// What the activations were collected on, as far as the file says.
  public var datasets: [String] { imatrix.datasets }
  /// How many chunks of text were run, if the file says.
  public var chunks: Int? { imatrix.chunks }

  /// How many entries the file has.
  public var entryCount: Int { imatrix.entries.count }

  private let imatrix: Imatrix
  private let places: [Int: Place]

  private static func mapping(_ model: Model, _ permutations: [String]) -> String {
    guard model.container != .gguf else { return "names as in GGUF" }
    let names = "Hugging Face names, as llama.cpp's conversion maps them to GGUF"
    guard !permutations.isEmpty else { return names }
    return "\(names); it also reorders rows (\(permutations.joined(separator: "; "))), which leaves"
      + " input channels, and so importance, in their places"
  }

  /// Where a tensor's values are.
  fileprivate struct Place {
    var entry: Int
    /// The matrix of the entry, for an expert.
    var matrix: Int?
    /// How many the entry has.
    var matrices: Int
  }

  /// Matches an importance file with a model.
  /// - Parameter file: where it was read from.
  public init(_ imatrix: Imatrix, file: String = "", model: Model) {
    let names = GGUFNames(model)
    let candidates = model.tensors.map { tensor in
      tensor.shape.count > 1 ? names.names(of: tensor.name, matrices: tensor.stacked) : []
    }
    var matcher = Matcher(imatrix, candidates: candidates)
    for (tensor, candidates) in zip(model.tensors, candidates) { matcher.add(tensor, candidates) }
    self.imatrix = imatrix
    self.file = file.split(separator: "/").last.map(String.init) ?? ""
    mapping = Self.mapping(model, matcher.permutations)
    places = matcher.places
    notes = matcher.notes
    permutations = matcher.permutations
    unmatched = imatrix.entries.indices.filter { !matcher.taken.contains($0) }.map {
      imatrix.entries[$0].name
    }
    matched = matcher.places.count
    let quantizable = model.tensors.filter(\.suitability.isQuantizable)
    self.quantizable = quantizable.count
    quantizableMatched = quantizable.count { matcher.places[$0.id] != nil }
  }

  /// Whether there is importance for a tensor of the model.
  public func covers(_ tensor: Tensor) -> Bool { places[tensor.id] != nil }

  /// The importance of a tensor of the model; nil if there is none.
  public subscript(tensor: Tensor) -> TensorImportance? {
    guard let place = places[tensor.id] else { return nil }
    let entry = imatrix.entries[place.entry]
    guard let matrix = place.matrix else {
      return TensorImportance(
        entry: entry.name, values: entry.values, matrices: place.matrices,
        unseen: entry.unseen.count)
    }
    let length = entry.values.count / place.matrices
    return TensorImportance(
      entry: entry.name, values: Array(entry.values[matrix * length..<(matrix + 1) * length]),
      matrices: 1, unseen: entry.unseen.contains(matrix) ? 1 : 0)
  }
}

extension Tensor {
  /// How many matrices the tensor stacks by its shape.
  fileprivate var stacked: Int { shape.count == 3 ? shape[0] : 1 }
}

/// Finds the entry of each tensor.
private struct Matcher {
  let imatrix: Imatrix
  let entries: [String: Int]
  /// How many experts each stacked tensor has, by the highest number among the model's names.
  var experts: [String: Int] = [:]
  var places: [Int: ModelImportance.Place] = [:]
  var notes: [ImportanceNote] = []
  var taken = Set<Int>()
  var permutations: [String] = []

  init(_ imatrix: Imatrix, candidates: [[GGUFName]]) {
    self.imatrix = imatrix
    entries = Dictionary(
      imatrix.entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    for case let (name, expert?) in candidates.joined().lazy.map({ ($0.name, $0.expert) }) {
      experts[name] = max(experts[name] ?? 0, expert + 1)
    }
  }

  /// Finds the entry of one tensor among its names.
  mutating func add(_ tensor: Tensor, _ names: [GGUFName]) {
    let known = names.filter { entries[$0.name] != nil }
    for name in known { if let entry = entries[name.name] { taken.insert(entry) } }
    guard let name = known.first(where: { !$0.isTransposed }) ?? known.first,
      let place = entries[name.name]
    else { return }
    if name.isTransposed {
      note(tensor, .transposed)
      return
    }
    let entry = imatrix.entries[place]
    let count = count(name, tensor)
    if let problem = sizeProblem(name, tensor, found: entry.values.count, matrices: count) {
      note(tensor, problem)
      return
    }
    if let order = name.permutation?.description, !permutations.contains(order) {
      permutations.append(order)
    }
    if let expert = name.expert {
      if entry.unseen.contains(expert) { note(tensor, .unseen(1, of: 1)) }
    } else if !entry.unseen.isEmpty {
      note(tensor, .unseen(entry.unseen.count, of: count))
    }
    places[tensor.id] = ModelImportance.Place(entry: place, matrix: name.expert, matrices: count)
  }

  private mutating func note(_ tensor: Tensor, _ problem: ImportanceNote.Problem) {
    notes.append(ImportanceNote(tensor: tensor.id, label: tensor.label, problem: problem))
  }

  /// How many matrices the tensor of the GGUF stacks: experts, or heads where conversion cuts it so.
  private func count(_ name: GGUFName, _ tensor: Tensor) -> Int {
    if name.expert != nil { return experts[name.name] ?? 1 }
    if case .values(let heads?, _) = name.permutation { return heads }
    return tensor.stacked
  }

  private func sizeProblem(
    _ name: GGUFName, _ tensor: Tensor, found: Int, matrices: Int
  ) -> ImportanceNote.Problem? {
    let (expected, overflow) = tensor.rowLength.multipliedReportingOverflow(by: matrices)
    if matrices > 0, tensor.rowLength > 0, !overflow, found == expected { return nil }
    if let expert = name.expert, tensor.rowLength > 0, found % tensor.rowLength == 0,
      expert >= found / tensor.rowLength
    {
      return .expert(expert, of: found / tensor.rowLength)
    }
    return .size(found: found, expected: overflow ? .max : expected)
  }
}
