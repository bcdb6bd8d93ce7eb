import ModelFiles
import Planning
import Quantization

/// A plan in the syntax of a program that takes it, with what that program can't express.
public struct Export: Sendable {
  /// A file to be written.
  public struct File: Sendable, Equatable {
    /// Its usual name.
    public let name: String
    /// Its text.
    public let text: String
  }

  /// A tensor that can't get what the plan says.
  public struct Problem: Sendable, Equatable {
    /// Its name in the plan.
    public let tensor: String
    /// What the plan says.
    public let asked: Choice
    /// Why not, in a few words.
    public let reason: String
    /// What comes nearest, and is written if the user agrees.
    public let instead: Choice
    /// The bytes of what is written less those of what was asked for.
    public let extraBytes: Int
  }

  /// The program.
  public let consumer: Consumer
  /// What it can't express, in the plan's order.
  public let problems: [Problem]
  /// What else one should know, a sentence each.
  public let notes: [String]
  /// The files, the plan first, with the nearest things in place of what can't be expressed.
  public let files: [File]
  /// How to use them: commands, or lines of a program.
  public let usage: [String]
  /// What each of the plan's tensors gets, in the plan's order.
  public let choices: [Choice]

  /// Writes a plan for a program.
  /// - Parameters:
  ///   - names: what the program calls tensors, by their names in the plan, where only the user knows.
  ///   - fileName: the name that the plan's file will have.
  public init(
    _ plan: Plan, for consumer: Consumer, names: [String: String] = [:], fileName: String? = nil
  ) {
    self.consumer = consumer
    let exporter = consumer.exporter
    let tensors = ExportedTensor.all(of: plan)
    var judge = Judge(exporter, plan, tensors)
    judge.judge()
    problems = judge.problems
    choices = judge.choices
    let sheet = ExportSheet(
      plan: plan, tensors: Array(zip(tensors, choices)), names: names, fileName: fileName)
    let text = exporter.write(sheet)
    files = text.files
    usage = text.usage
    notes = judge.remarks + text.notes
  }
}

/// Finds what a program can't express, and the nearest that it can.
private struct Judge {
  private let exporter: any Exporter
  private let plan: Plan
  private let tensors: [ExportedTensor]
  private(set) var choices: [Choice]
  private var found: [Int: (reason: String, instead: Choice)] = [:]
  private var remarked: [(text: String, count: Int, first: String)] = []

  init(_ exporter: any Exporter, _ plan: Plan, _ tensors: [ExportedTensor]) {
    self.exporter = exporter
    self.plan = plan
    self.tensors = tensors
    choices = tensors.map(\.choice)
  }

  var problems: [Export.Problem] {
    found.keys.sorted().compactMap { index in
      guard let (reason, instead) = found[index] else { return nil }
      let tensor = tensors[index]
      let source = sourceBytes(index)
      return Export.Problem(
        tensor: tensor.name, asked: tensor.choice, reason: reason, instead: instead,
        extraBytes: tensor.byteCount(in: instead, sourceBytes: source)
          - tensor.byteCount(in: tensor.choice, sourceBytes: source))
    }
  }

  var remarks: [String] {
    remarked.map { text, count, first in
      "\(first)\(count > 1 ? " and \(count - 1) more" : ""): \(text)"
    }
  }

  mutating func judge() {
    for (index, tensor) in tensors.enumerated() {
      if let reason = exporter.reasonToKeep(tensor) {
        if tensor.choice != .source { change(index, to: .source, reason) }
        continue
      }
      if let reason = exporter.objection(to: tensor.choice, for: tensor) {
        change(index, to: nearest(to: tensor.choice, for: [tensor]), reason)
      }
    }
    agree()
    for (index, tensor) in tensors.enumerated() {
      guard let format = choices[index].format,
        let text = exporter.remark(on: format, for: tensor)
      else { continue }
      if let place = remarked.firstIndex(where: { $0.text == text }) {
        remarked[place].count += 1
      } else {
        remarked.append((text, 1, tensor.name))
      }
    }
  }

  private mutating func change(_ index: Int, to choice: Choice, _ reason: String) {
    choices[index] = choice
    found[index] = (reason, choice)
  }

  /// Gives tensors that must have the same what the largest of them has.
  private mutating func agree() {
    var order: [String] = []
    var groups: [String: (reason: String, members: [Int])] = [:]
    for (index, tensor) in tensors.enumerated() where exporter.reasonToKeep(tensor) == nil {
      guard let sharing = exporter.sharing(tensor) else { continue }
      if groups[sharing.key] == nil { order.append(sharing.key) }
      groups[sharing.key, default: (sharing.reason, [])].members.append(index)
    }
    for key in order {
      guard let (reason, members) = groups[key], Set(members.map { choices[$0] }).count > 1
      else { continue }
      let richest = members.max { bits(choices[$0], $0) < bits(choices[$1], $1) }
      guard let richest else { continue }
      let group = members.map { tensors[$0] }
      var common = choices[richest]
      if group.contains(where: { exporter.objection(to: common, for: $0) != nil }) {
        common = nearest(to: common, for: group)
      }
      for index in members where choices[index] != common { change(index, to: common, reason) }
    }
  }

  private func bits(_ choice: Choice, _ index: Int) -> Double {
    let tensor = tensors[index]
    return choice.format?.bitsPerWeight(rows: tensor.rows, rowLength: tensor.rowLength)
      ?? 8 * Double(sourceBytes(index)) / Double(max(1, tensor.weightCount))
  }

  private func sourceBytes(_ index: Int) -> Int {
    let entry = plan.tensors[index]
    if entry.choice == .source { return entry.bytes }
    let weights = tensors[index].weightCount
    return SourceType(rawValue: entry.source)?.byteCount(elements: weights) ?? 2 * weights
  }

  /// What all of some tensors can have that is nearest to something; their source where there is nothing.
  private func nearest(to choice: Choice, for group: [ExportedTensor]) -> Choice {
    guard let asked = choice.format, let first = group.first else { return .source }
    let possible = exporter.offers.filter { offer in
      group.allSatisfy { exporter.objection(to: .format(offer), for: $0) == nil }
    }
    let best = possible.enumerated().min { a, b in
      let first = (distance(asked, a.element, first), a.offset)
      return first < (distance(asked, b.element, group[0]), b.offset)
    }
    return best.map { .format($0.element) } ?? .source
  }

  /// How unlike two formats are: bits first, a loss of bits more than a gain; then kind, scheme and granularity.
  private func distance(_ asked: Format, _ offer: Format, _ tensor: ExportedTensor) -> Double {
    let bits =
      offer.bitsPerWeight(rows: tensor.rows, rowLength: tensor.rowLength)
      - asked.bitsPerWeight(rows: tensor.rows, rowLength: tensor.rowLength)
    var distance = bits < 0 ? -4 * bits : bits
    if case .integer(let a) = asked {
      if case .mlx(let b) = offer { return distance + (a.bits == b.bits ? 0 : 0.5) }
      guard case .integer(let b) = offer else { return distance + 1 }
      if a.bits != b.bits { distance += 0.5 }
      if a.scheme != b.scheme { distance += 0.1 }
      if a.granularity != b.granularity { distance += 0.2 }
    }
    return distance
  }
}
