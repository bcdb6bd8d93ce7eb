/// What a tensor's name says about its place in the model.
struct Placement: Hashable {
  var role: Role = .other
  var block: Int?
  var expert: Int?
  var stack: String?
  /// Whether its first dimension counts experts.
  var isStackedExperts = false
  /// Set if it is a part of weights that are already packed, such as their scales.
  var partOf: PackedPart?
}

/// Finds roles, blocks and experts by name.
///
/// Names differ mostly in their numbers: each pattern ("model.layers.#.mlp.up_proj.weight") is
/// looked at once, so 45,000 tensors of a mixture cost little more than one pass over their names.
struct RoleFinder {
  private var templates: [String: Template] = [:]
  private var numbers: [Int] = []

  /// What the name of a tensor with this shape says.
  mutating func placement(of name: String, shape: [Int]) -> Placement {
    let pattern = pattern(of: name)
    let template: Template
    if let known = templates[pattern] {
      template = known
    } else {
      template = Template(pattern: pattern)
      templates[pattern] = template
    }
    var placement = Placement()
    placement.partOf = template.isPartOfPacked ? .named : nil
    placement.isStackedExperts = template.hasExperts && template.expert == nil && shape.count >= 3
    placement.role = template.role(
      shape: shape, isStackedExperts: placement.isStackedExperts)
    placement.block = template.block.flatMap { numbers.indices.contains($0) ? numbers[$0] : nil }
    placement.expert = template.expert.flatMap { numbers.indices.contains($0) ? numbers[$0] : nil }
    placement.stack = template.stack.map(withNumbers)
    return placement
  }

  /// The name with "#" for each part that is a number; the numbers are kept in `numbers`.
  private mutating func pattern(of name: String) -> String {
    numbers.removeAll(keepingCapacity: true)
    var name = name
    return name.withUTF8 { bytes in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count) { buffer in
        var length = 0
        var start = 0
        while start < bytes.count {
          var end = start
          var number = 0
          var isNumber = true
          while end < bytes.count, bytes[end] != UInt8(ascii: "."), bytes[end] != UInt8(ascii: "/")
          {
            let byte = bytes[end]
            // Nine digits can't overflow; longer numbers are names.
            if isDigit(byte), end - start < 9 {
              number = number &* 10 &+ Int(byte &- UInt8(ascii: "0"))
            } else {
              isNumber = false
            }
            end += 1
          }
          if isNumber && end > start {
            numbers.append(number)
            buffer[length] = UInt8(ascii: "#")
            length += 1
          } else {
            for index in start..<end {
              buffer[length] = bytes[index]
              length += 1
            }
          }
          if end < bytes.count {
            buffer[length] = UInt8(ascii: ".")
            length += 1
          }
          start = end + 1
        }
        return String(decoding: buffer[..<length], as: UTF8.self)
      }
    }
  }

  /// A stack's name with its numbers put back.
  private func withNumbers(_ stack: String) -> String {
    guard stack.utf8.contains(UInt8(ascii: "#")) else { return stack }
    var next = numbers.makeIterator()
    return stack.split(separator: ".", omittingEmptySubsequences: false).map { part in
      part == "#" ? next.next().map(String.init) ?? "#" : String(part)
    }.joined(separator: ".")
  }
}

/// What a pattern of names says.
private struct Template {
  /// The index among the name's numbers of the block's, and of the expert's.
  var block: Int?
  var expert: Int?
  var stack: String?
  var hasExperts = false
  var isPartOfPacked = false
  private var named: Role?

  init(pattern: String) {
    var parts = pattern.split(separator: ".", omittingEmptySubsequences: true).map(String.init)
    let isBias = Self.removeParameter(&parts, isPartOfPacked: &isPartOfPacked)
    findNumbers(parts)
    stack = Self.stack(of: parts, blockAt: blockPosition(in: parts))
    hasExperts = parts.contains { part in
      part == "experts" || part.hasSuffix("_exps") || part.hasSuffix("_chexps")
    }
    named = isBias ? .bias : Self.role(of: parts.filter { $0 != "#" }, isInBlock: block != nil)
  }

  /// The role, given what only the shape can tell.
  func role(shape: [Int], isStackedExperts: Bool) -> Role {
    if let named, named != .conv { return named }
    return Self.hasKernel(shape) && !isStackedExperts ? .conv : .other
  }

  /// Whether a shape is that of a convolution: four dimensions or more, or three with a short last
  /// one.
  static func hasKernel(_ shape: [Int]) -> Bool {
    shape.count >= 4 || shape.count == 3 && (shape.last ?? 0) < 32
  }

  /// Cuts off what names the parameter of a module (".weight"); whether it is a bias.
  private static func removeParameter(
    _ parts: inout [String], isPartOfPacked: inout Bool
  ) -> Bool {
    guard var last = parts.last else { return false }
    isPartOfPacked =
      parts.count > 1 && RoleTables.partsOfPacked.contains(last)
      || RoleTables.endsOfPacked.contains(where: last.hasSuffix)
    if parts.count > 1 {
      if last == "bias" || last == "beta" { return true }
      if RoleTables.weightNames.contains(last) || last == "gamma" {
        parts.removeLast()
        return false
      }
    }
    if RoleTables.roles[last] == nil, last.hasSuffix("_bias") || last == "bias" { return true }
    for end in ["_weight", "_blocks", "_scales"] where last.hasSuffix(end) {
      last.removeLast(end.count)
      parts[parts.count - 1] = last
      break
    }
    return false
  }

  /// Where the number of the block is among the parts.
  private func blockPosition(in parts: [String]) -> Int? {
    var found: Int?
    for index in parts.indices.dropFirst().dropLast() where parts[index] == "#" {
      guard Self.isContainer(parts[index - 1]) else { continue }
      // T5 numbers the layers within a block too.
      let isPartOfBlock =
        parts[index - 1] == "layer" && index >= 3 && parts[index - 2] == "#"
        && parts[index - 3] == "block"
      if !isPartOfBlock { found = index }
    }
    return found
  }

  private mutating func findNumbers(_ parts: [String]) {
    func ordinal(_ position: Int) -> Int { parts[..<position].count { $0 == "#" } }
    block = blockPosition(in: parts).map(ordinal)
    for index in parts.indices.dropFirst()
    where parts[index] == "#" && parts[index - 1].hasSuffix("experts") {
      expert = ordinal(index)
    }
  }

  /// Lists of blocks, and ResNet's layer1 to layer4.
  private static func isContainer(_ part: String) -> Bool {
    RoleTables.containers.contains(part)
      || part.hasPrefix("layer") && part.utf8.count == 6 && part.utf8.last.map(isDigit) == true
  }

  /// Which of the model's stacks the blocks belong to: a common word for it if there is one, else
  /// the parts before the list of blocks; nil for the main or only one.
  private static func stack(of parts: [String], blockAt position: Int?) -> String? {
    let before = position.map { parts[..<$0] } ?? parts.dropLast()
    for (stack, words) in RoleTables.stacks where before.contains(where: words.contains) {
      return stack
    }
    guard let position else { return nil }
    var named = before.dropLast().filter { !RoleTables.wrappers.contains($0) }
    let list = parts[position - 1]
    let isCommon = RoleTables.containers.contains(list) && named.isEmpty
    if !isCommon { named.append(list) }
    if named.count > 1, let last = named.last,
      ["layers", "blocks", "layer", "block"].contains(last)
    {
      named.removeLast()
    }
    return named.isEmpty ? nil : named.joined(separator: ".")
  }

  private static func role(of parts: [String], isInBlock: Bool) -> Role? {
    guard var last = parts.last else { return nil }
    if let end = RoleTables.expertEnds.first(where: last.hasSuffix) { last.removeLast(end.count) }
    let path = parts.dropLast() + [last]
    for length in stride(from: min(3, path.count), through: 1, by: -1) {
      if length == 1, isNorm(last) { return .norm }
      let end = path.suffix(length).joined(separator: ".")
      if let role = RoleTables.roles[end] { return role }
    }
    if isInBlock { return RoleTables.rolesInBlocks[last] }
    return path.count == 1 ? RoleTables.rolesAtTop[last] : nil
  }

  /// Whether a module's name is that of a normalisation: "norm", "LayerNorm", "ln_1", "bn1".
  private static func isNorm(_ part: String) -> Bool {
    let name = part.lowercased()
    if name.contains("norm") { return true }
    for start in ["ln", "bn"] where name.hasPrefix(start) {
      guard let next = name.utf8.dropFirst(2).first else { return true }
      if isDigit(next) || next == UInt8(ascii: "_") { return true }
    }
    return name.hasSuffix("_ln") || name.hasPrefix("layer_scale")
  }
}

/// What a tensor's name and shape say about its place in a model, where only these are at hand.
public struct TensorPlace: Sendable, Hashable {
  /// What it does.
  public let role: Role
  /// The repeated layer it belongs to.
  public let block: Int?
  /// The expert it belongs to, where each has tensors of its own.
  public let expert: Int?

  /// The places of tensors, in their order.
  public static func places(of tensors: [(name: String, shape: [Int])]) -> [TensorPlace] {
    var finder = RoleFinder()
    return tensors.map { name, shape in
      let placement = finder.placement(of: name, shape: shape)
      return TensorPlace(role: placement.role, block: placement.block, expert: placement.expert)
    }
  }
}
