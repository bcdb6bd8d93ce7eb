import ModelFiles
import Quantization

/// What a solved plan must keep to.
public struct Constraints: Sendable, Equatable {
  /// A bound on what a tensor gets.
  public enum Limit: Sendable, Equatable, CustomStringConvertible {
    /// So many stored bits for each weight.
    case bits(Double)
    /// As many as it would take in this format.
    case format(Format)

    /// The bits, or the format's name.
    public var description: String {
      switch self {
      case .bits(let bits): "\(bits == bits.rounded() ? "\(Int(bits))" : "\(bits)") bits"
      case .format(let format): format.description
      }
    }

    func bits(for tensor: Tensor) -> Double {
      switch self {
      case .bits(let bits): bits
      case .format(let format):
        format.bitsPerWeight(rows: tensor.rows, rowLength: tensor.rowLength)
      }
    }
  }

  /// Tensors of a block that consumers run as one, or store as one.
  public enum Fusion: String, Sendable, CaseIterable {
    /// Queries, keys and values of one attention.
    case attention = "qkv"
    /// The gate and the way up of one feed-forward part.
    case gateUp = "gate-up"
    /// All experts of one block, each role by itself.
    case experts
  }

  /// What tensors must get, by their id.
  public var pins: [Int: Choice] = [:]
  /// The least that tensors of a role get.
  public var atLeast: [Role: Limit] = [:]
  /// The most that tensors of a role get.
  public var atMost: [Role: Limit] = [:]
  /// All that tensors of a role may get.
  public var allowed: [Role: [Choice]] = [:]
  /// What must share a format.
  public var together: Set<Fusion> = []
  /// Sets of tensors, by their id, that must share a format, such as tied embeddings.
  public var sharing: [[Int]] = []
  /// Roles whose tensors all share a format.
  public var uniform: Set<Role> = []
  /// How many formats the plan may have. Keeping a tensor at its source doesn't count as one.
  public var formatLimit: Int?

  /// No constraints.
  public init() {}

  /// Why a tensor may not have a choice that takes so many bytes, in a few words; nil if it may.
  ///
  /// A pin is the user's word on one tensor: what holds for its role yields to it.
  public func objection(_ tensor: Tensor, _ choice: Choice, bytes: Int) -> String? {
    if let pin = pins[tensor.id] { return pin == choice ? nil : "it is pinned to \(pin)" }
    let role = tensor.role
    if let list = allowed[role], !list.contains(choice) { return words(allowed: list, role) }
    guard tensor.weightCount > 0 else { return nil }
    let bits = 8 * Double(bytes) / Double(tensor.weightCount)
    if let limit = atLeast[role], bits < limit.bits(for: tensor) {
      return words(atLeast: limit, role)
    }
    if let limit = atMost[role], bits > limit.bits(for: tensor) {
      return words(atMost: limit, role)
    }
    return nil
  }

  /// All that holds for a role, in words.
  func rules(for role: Role) -> String {
    let rules = [
      allowed[role].map { words(allowed: $0, role) },
      atLeast[role].map { words(atLeast: $0, role) },
      atMost[role].map { words(atMost: $0, role) },
    ]
    return rules.compactMap { $0 }.joined(separator: ", ")
  }

  private func words(allowed list: [Choice], _ role: Role) -> String {
    "\(role) may only have \(list.map(\.description).joined(separator: ", "))"
  }

  private func words(atLeast limit: Limit, _ role: Role) -> String {
    "\(role) must have at least \(limit)"
  }

  private func words(atMost limit: Limit, _ role: Role) -> String {
    "\(role) may have at most \(limit)"
  }

  /// The tensors in groups that share a format, by their place in the list; each group and the groups
  /// themselves in the list's order.
  func groups(of tensors: [Tensor]) -> [[Int]] {
    var sets = DisjointSets(count: tensors.count)
    var first: [String: Int] = [:]
    func join(_ key: String, _ place: Int) {
      if let other = first[key] { sets.join(other, place) } else { first[key] = place }
    }
    if !together.isEmpty || !uniform.isEmpty {
      for (place, tensor) in tensors.enumerated() {
        for fusion in Fusion.allCases where together.contains(fusion) {
          if let key = fusion.key(of: tensor) { join("\(fusion) \(key)", place) }
        }
        if uniform.contains(tensor.role) { join("role \(tensor.role)", place) }
      }
    }
    if !sharing.isEmpty {
      let places = Dictionary(
        tensors.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
      for (index, set) in sharing.enumerated() {
        for place in set.compactMap({ places[$0] }) { join("set \(index)", place) }
      }
    }
    return sets.groups()
  }
}

extension Constraints.Fusion {
  /// What the tensors that go together have in common; nil for tensors that this isn't about.
  func key(of tensor: Tensor) -> String? {
    guard let block = tensor.block else { return nil }
    let place = "\(tensor.stack ?? "") \(block)"
    switch self {
    case .attention:
      guard [.attentionQ, .attentionK, .attentionV].contains(tensor.role) else { return nil }
      return "\(place) \(Self.surroundings(of: tensor.name))"
    case .gateUp:
      guard [.ffnGate, .ffnUp].contains(tensor.role) else { return nil }
      return "\(place) \(Self.surroundings(of: tensor.name))"
    case .experts:
      return tensor.expert == nil ? nil : "\(place) \(tensor.role)"
    }
  }

  /// The name without its module's own part, but with what tells one module of a role from another:
  /// `blk.0.` and `_exps` of `blk.0.ffn_gate_exps.weight`.
  private static func surroundings(of name: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count > 1 { parts.removeLast() }
    let module = parts.popLast() ?? ""
    let kind = ["_exps", "_shexp", "_chexps"].first { module.hasSuffix($0) } ?? ""
    let isCross = module.contains("cross")
    return parts.joined(separator: ".") + kind + (isCross ? " cross" : "")
  }
}

/// Sets that are joined step by step (union-find).
private struct DisjointSets {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  private mutating func root(_ place: Int) -> Int {
    var place = place
    while parents[place] != place {
      parents[place] = parents[parents[place]]
      place = parents[place]
    }
    return place
  }

  /// The earlier root stays: so a group is known by its first member.
  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(a), root(b))
    parents[max(a, b)] = min(a, b)
  }

  mutating func groups() -> [[Int]] {
    var places: [Int: Int] = [:]
    var groups: [[Int]] = []
    groups.reserveCapacity(parents.count)
    for place in parents.indices {
      let root = root(place)
      if root == place {
        places[place] = groups.count
        groups.append([place])
      } else if let group = places[root] {
        groups[group].append(place)
      }
    }
    return groups
  }
}
