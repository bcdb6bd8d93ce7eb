/// Two plans side by side: where they differ, and what that costs.
public struct PlanComparison: Sendable, Equatable {
  /// A tensor that the plans treat differently, or that only one of them has.
  public struct Difference: Sendable, Equatable {
    /// The tensor's name.
    public let name: String
    /// What the first plan gives it; nil where it doesn't have the tensor.
    public let a: Choice?
    /// What the second plan gives it; nil where it doesn't have the tensor.
    public let b: Choice?
    /// How many bytes more the second takes.
    public let bytes: Int
    /// By how much the tensor's NMSE is greater in the second; nil where it isn't known in both.
    public let nmse: Double?
  }

  /// The totals of both.
  public let a: Plan.Sums
  /// The totals of the second.
  public let b: Plan.Sums
  /// Whether both were made for the same model.
  public let isSameModel: Bool
  /// How many tensors get the same.
  public let equal: Int
  /// The tensors that differ, in the first plan's order, then those that only the second has.
  public let differences: [Difference]

  /// Compares two plans.
  public init(_ a: Plan, _ b: Plan) {
    self.a = a.totals
    self.b = b.totals
    isSameModel = a.model.fingerprint == b.model.fingerprint
    let others = Dictionary(
      b.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var names = Set<String>()
    var equal = 0
    var differences: [Difference] = []
    for entry in a.tensors {
      names.insert(entry.name)
      let other = others[entry.name]
      if let other, other.choice == entry.choice, other.bytes == entry.bytes {
        equal += 1
        continue
      }
      var nmse: Double?
      if let after = other?.nmse, let before = entry.nmse { nmse = after - before }
      differences.append(
        Difference(
          name: entry.name, a: entry.choice, b: other?.choice,
          bytes: (other?.bytes ?? 0) - entry.bytes, nmse: nmse))
    }
    for entry in b.tensors where !names.contains(entry.name) {
      differences.append(
        Difference(name: entry.name, a: nil, b: entry.choice, bytes: entry.bytes, nmse: nil))
    }
    self.equal = equal
    self.differences = differences
  }
}
