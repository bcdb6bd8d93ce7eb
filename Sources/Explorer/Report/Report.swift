import Consumers
import ModelFiles
import Planning
import Quantization

/// All that a report says, as values: `html` and `markdown` make pages of it.
///
/// The same report always gives the same text.
public struct Report: Sendable {
  /// What the tensors are shown in.
  public enum Subject: Sendable, Equatable {
    /// A plan, by the name of its file.
    case plan(String)
    /// No plan: what one format for all tensors that can have it would do.
    case uniform(Format)
  }

  /// A tensor with what it gets and what that takes and costs.
  public struct Entry: Sendable {
    /// The tensor.
    public let tensor: Tensor
    /// What it gets.
    public let choice: Choice
    /// Its part in the totals.
    public let contribution: Contribution
    /// Whether the plan pins it.
    public let isPinned: Bool

    /// An entry from its parts.
    public init(
      tensor: Tensor, choice: Choice, contribution: Contribution, isPinned: Bool = false
    ) {
      self.tensor = tensor
      self.choice = choice
      self.contribution = contribution
      self.isPinned = isPinned
    }
  }

  /// The weights of a tensor, and those that come back.
  public struct Distribution: Sendable {
    /// The entry's place.
    public let entry: Int
    /// The weights.
    public let source: Histogram
    /// What comes back of them.
    public let reconstructed: Histogram?

    /// A distribution from its parts.
    public init(entry: Int, source: Histogram, reconstructed: Histogram?) {
      self.entry = entry
      self.source = source
      self.reconstructed = reconstructed
    }
  }

  /// Where the model fits as it is stored, and as it would be.
  public struct Devices: Sendable {
    /// How it is used.
    public let use: Use
    /// As it is stored, a device each.
    public let source: [Fit]
    /// In what the tensors are shown in, the same devices.
    public let subject: [Fit]

    /// Devices from their parts.
    public init(use: Use, source: [Fit], subject: [Fit]) {
      self.use = use
      self.source = source
      self.subject = subject
    }
  }

  /// The model.
  public var model: Plan.ModelIdentity
  /// The format of its files.
  public var container: Container
  /// What the tensors are shown in.
  public var subject: Subject
  /// What the plan must not exceed, if it says so.
  public var budget: Budget?
  /// The tensors, in the model's order.
  public var entries: [Entry]
  /// The best plans by size and others among them; nil where there is nothing to plan.
  public var frontier: PlanCurve?
  /// The weights of the tensors that lose the most.
  public var distributions: [Distribution] = []
  /// Where it fits; nil where that isn't known.
  public var devices: Devices?
  /// What the reader should be told.
  public var notes: [String] = []
  /// The command that made the report.
  public var command: String
  /// The program's version.
  public var version: String
  /// A date to be printed, if one is.
  public var date: String?

  /// A report without curve, distributions and devices.
  public init(
    model: Plan.ModelIdentity, container: Container, subject: Subject, entries: [Entry],
    command: String, version: String
  ) {
    self.model = model
    self.container = container
    self.subject = subject
    self.entries = entries
    self.command = command
    self.version = version
  }

  /// The sums over all tensors.
  public var totals: Totals { Totals(entries.lazy.map(\.contribution)) }

  /// The tensors whose weights are worth a look: those that lose the most, each of another role or block.
  public static func worst(_ entries: [Entry], count: Int) -> [Int] {
    struct Kind: Hashable {
      let stack: String?
      let block: Int?
      let role: Role
    }
    let losing = entries.indices.filter {
      (entries[$0].contribution.nmse ?? 0) > 0 && entries[$0].choice != .source
    }
    let ordered = losing.sorted { a, b in
      let (x, y) = (entries[a].contribution.nmse ?? 0, entries[b].contribution.nmse ?? 0)
      return x == y ? a < b : x > y
    }
    var seen = Set<Kind>()
    var result: [Int] = []
    for index in ordered where result.count < count {
      let tensor = entries[index].tensor
      if seen.insert(Kind(stack: tensor.stack, block: tensor.block, role: tensor.role)).inserted {
        result.append(index)
      }
    }
    return result
  }
}

extension Report {
  /// One format for all tensors of a model that can have it; the others stay as they are, or get what
  /// llama-quantize would write instead.
  /// - Parameter candidates: the tensors that are planned, with what they may get.
  public static func choices(
    giving format: Format, to candidates: [(tensor: Tensor, formats: [Format])], of model: Model,
    _ rules: FormatRules
  ) -> [Choice] {
    var choices = [Choice](repeating: .source, count: model.tensors.count)
    let planned = Curve.uniform(format, candidates, pins: [:], rules).choices
    for (candidate, choice) in zip(candidates, planned) { choices[candidate.tensor.id] = choice }
    return choices
  }
}

/// The best plans by size, and others among them, as points.
public struct PlanCurve: Sendable {
  /// A plan that isn't on the curve of itself.
  public struct Mark: Sendable, Equatable {
    /// Where it comes from.
    public enum Kind: Int, Sendable { case subject, preset, uniform }

    /// Its name.
    public let name: String
    /// Where it comes from.
    public let kind: Kind
    /// The bytes of all tensors.
    public let bytes: Int
    /// The objective's figure, as a relative error.
    public let error: Double
    /// The least there is in the formats of the curve for no more bytes; nil where all plans take more.
    public let best: Double?

    /// A mark from its parts.
    public init(name: String, kind: Kind, bytes: Int, error: Double, best: Double? = nil) {
      self.best = best
      self.name = name
      self.kind = kind
      self.bytes = bytes
      self.error = error
    }
  }

  /// What was made small.
  public let objective: Objective
  /// The plans on the curve, by bytes.
  public let points: [Frontier.Vertex]
  /// The others: the subject of the report first, then presets, then plans of one format.
  public let marks: [Mark]

  /// A curve from its parts.
  public init(objective: Objective, points: [Frontier.Vertex], marks: [Mark]) {
    self.objective = objective
    self.points = points
    self.marks = marks
  }

  /// The curve of a problem with the plans of one format, the presets, and the subject of a report among it.
  /// - Parameters:
  ///   - candidates: the problem's tensors with what they may get.
  ///   - option: what a tensor takes and costs in some choice; nil if that isn't known.
  public init(
    _ problem: PlanningProblem, candidates: [(tensor: Tensor, formats: [Format])],
    rules: FormatRules, presets: [NamedPlan], subject: NamedPlan,
    option: (TensorOptions, Choice) -> TensorOptions.Option?
  ) {
    func mark(_ name: String, _ kind: Mark.Kind, _ choices: [Choice]) -> Mark? {
      Curve.Mark(name, .uniform, choices, problem, option: option).map {
        Mark(
          name: name, kind: kind, bytes: $0.bytes, error: $0.error,
          best: (try? problem.solve(budget: $0.bytes))?.error)
      }
    }
    func choices(of plan: NamedPlan) -> [Choice] {
      problem.tensors.map { plan.choices[$0.tensor.id] }
    }
    let uniform = Curve.uniform(candidates, pins: [:], rules)
    var marks = [mark(subject.name, .subject, choices(of: subject))]
    marks += presets.map { mark($0.name, .preset, choices(of: $0)) }
    marks += uniform.filter { subject.name != $0.name }.map { mark($0.name, .uniform, $0.choices) }
    self.init(
      objective: problem.objective, points: problem.frontier().vertices,
      marks: marks.compactMap { $0 })
  }
}
