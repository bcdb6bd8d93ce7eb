import ModelFiles
import Planning

/// A foldable row: what its members have in common.
public enum Group: Hashable, Sendable {
  /// One repeated layer.
  case block(stack: String?, index: Int)
  /// The experts of one role in one block of a mixture.
  case experts(stack: String?, block: Int?, role: Role)
}

/// A row of the Layers view.
public struct Row: Hashable, Sendable {
  /// What the row stands for.
  public enum Subject: Hashable, Sendable {
    /// A foldable group.
    case group(Group)
    /// A tensor, by its index in the model.
    case tensor(Int)
  }

  /// What the row stands for.
  public let subject: Subject
  /// How deep it stands in the tree, from 0.
  public let depth: Int
}

/// The tensors of a model as a tree: what stands outside the blocks, the blocks in their order, and
/// in each block its tensors, those worth quantizing first.
struct Catalogue: Sendable {
  indirect enum Node: Sendable {
    case tensor(Int)
    case group(Group, [Node])
  }

  let nodes: [Node]
  /// The tensors of each group, in the order of the tree.
  let members: [Group: [Int]]
  /// The groups around each tensor, outermost first.
  let ancestors: [[Group]]
  /// How wide the columns of shapes and source types need to be.
  let shapeColumns: Int
  let sourceColumns: Int

  init(tensors: [Tensor]) {
    var blocks: [Group: [Int]] = [:]
    var blockOrder: [Group] = []
    var before: [Int] = []
    var after: [Int] = []
    for tensor in tensors {
      if let index = tensor.block {
        let group = Group.block(stack: tensor.stack, index: index)
        if blocks[group] == nil { blockOrder.append(group) }
        blocks[group, default: []].append(tensor.id)
      } else if Self.standsBeforeBlocks(tensor) {
        before.append(tensor.id)
      } else {
        after.append(tensor.id)
      }
    }
    let stacks = Self.firstAppearance(blockOrder)
    blockOrder.sort { Self.sortKey($0, stacks) < Self.sortKey($1, stacks) }

    var builder = Builder(tensors: tensors)
    var nodes = builder.nodes(for: before, within: [])
    for group in blockOrder {
      let children = builder.nodes(for: builder.ordered(blocks[group] ?? []), within: [group])
      nodes.append(.group(group, children))
    }
    nodes += builder.nodes(for: after, within: [])
    self.nodes = nodes
    members = builder.members
    ancestors = builder.ancestors
    shapeColumns = max(10, tensors.map { Self.columns(of: $0.shape) }.max() ?? 0)
    sourceColumns = max(6, tensors.map { $0.sourceName.count }.max() ?? 0)
  }

  /// The rows to show: folded groups hide their tensors; with a filter only what passes it is shown,
  /// folds or not.
  func rows(folded: Set<Group>, filter: ((Int) -> Bool)?) -> [Row] {
    var rows: [Row] = []
    func walk(_ nodes: [Node], _ depth: Int) {
      for node in nodes {
        switch node {
        case .tensor(let tensor):
          if filter?(tensor) ?? true { rows.append(Row(subject: .tensor(tensor), depth: depth)) }
        case .group(let group, let children):
          if let filter, !(members[group] ?? []).contains(where: filter) { continue }
          rows.append(Row(subject: .group(group), depth: depth))
          if filter != nil || !folded.contains(group) { walk(children, depth + 1) }
        }
      }
    }
    walk(nodes, 0)
    return rows
  }

  /// The groups of one kind that can be folded.
  var groups: [Group] { Array(members.keys) }

  private static func standsBeforeBlocks(_ tensor: Tensor) -> Bool {
    switch tensor.role {
    case .tokenEmbedding, .positionEmbedding, .conv: true
    default: tensor.name.contains("embed")
    }
  }

  private static func firstAppearance(_ groups: [Group]) -> [String?: Int] {
    var order: [String?: Int] = [:]
    for case .block(let stack, _) in groups where order[stack] == nil {
      order[stack] = order.count
    }
    return order
  }

  private static func sortKey(_ group: Group, _ stacks: [String?: Int]) -> (Int, Int) {
    guard case .block(let stack, let index) = group else { return (.max, 0) }
    return (stacks[stack] ?? .max, index)
  }

  /// The width of a shape as text.
  private static func columns(of shape: [Int]) -> Int {
    shape.reduce(max(0, shape.count - 1)) { $0 + String($1).utf8.count }
  }

  /// A short name with the block before it, for a tensor that stands by itself.
  static func shortLabel(_ tensor: Tensor) -> String {
    (tensor.block.map { "\($0) " } ?? "") + shortName(tensor)
  }

  /// What to show for a tensor in the tree: `model.layers.3.mlp.up_proj.weight` is `mlp.up_proj`
  /// inside block 3.
  static func shortName(_ tensor: Tensor) -> String {
    let name = tensor.label
    var short = name[...]
    if let block = tensor.block, let range = name.firstRange(of: ".\(block).") {
      short = name[range.upperBound...]
    }
    // `.weight` says nothing that the row doesn't; `.bias` does.
    if short.hasSuffix(".weight") { short = short.dropLast(7) }
    return short.isEmpty ? name : String(short)
  }

  /// Collects members and ancestors while the tree is built.
  private struct Builder {
    let tensors: [Tensor]
    var members: [Group: [Int]] = [:]
    var ancestors: [[Group]]

    init(tensors: [Tensor]) {
      self.tensors = tensors
      ancestors = Array(repeating: [], count: tensors.count)
    }

    /// What is worth quantizing comes first, by role, then in the model's order.
    func ordered(_ ids: [Int]) -> [Int] {
      let ranks = ids.map { id in
        let isKept = !tensors[id].suitability.isQuantizable
        return (isKept ? Role.allCases.count : 0) + tensors[id].role.rank
      }
      return ids.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }.map { ids[$0] }
    }

    /// Nodes for tensors in their order; experts of one role become a group where the first stands.
    mutating func nodes(for ids: [Int], within parents: [Group]) -> [Node] {
      var experts: [Group: [Int]] = [:]
      for id in ids where tensors[id].expert != nil {
        experts[expertGroup(id), default: []].append(id)
      }
      var nodes: [Node] = []
      for id in ids {
        if tensors[id].expert == nil {
          nodes.append(leaf(id, within: parents))
        } else {
          let group = expertGroup(id)
          guard let all = experts.removeValue(forKey: group) else { continue }
          nodes.append(.group(group, all.map { leaf($0, within: parents + [group]) }))
        }
      }
      return nodes
    }

    private func expertGroup(_ id: Int) -> Group {
      let tensor = tensors[id]
      return .experts(stack: tensor.stack, block: tensor.block, role: tensor.role)
    }

    private mutating func leaf(_ id: Int, within parents: [Group]) -> Node {
      ancestors[id] = parents
      for parent in parents { members[parent, default: []].append(id) }
      return .tensor(id)
    }
  }
}
