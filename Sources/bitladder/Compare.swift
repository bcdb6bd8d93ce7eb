import ArgumentParser
import Explorer
import ModelFiles
import Planning

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print two plans side by side: totals, the tensors that differ, what that costs.")

  @Argument(help: "A plan file.")
  var first: String

  @Argument(help: "Another one.")
  var second: String

  @Option(
    help:
      "Their model: says too how near each is to the best plan of its size (measures the ladder).")
  var model: String?

  @OptionGroup var imatrix: ImatrixOption

  @OptionGroup var store: StoreOptions

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if imatrix.path != nil, model == nil { throw ValidationError("--imatrix needs --model") }
  }

  func run() throws {
    guard let first = try readPlan(first, mayBeAbsent: false)?.plan,
      let second = try readPlan(second, mayBeAbsent: false)?.plan
    else { return }
    let comparison = PlanComparison(first, second)
    if !comparison.isSameModel {
      tell(
        "bitladder: note: the plans were made for different models: "
          + "\(first.model.name.sanitised) and \(second.model.name.sanitised)")
    }
    let best = try model.map { try bestOfTheirSizes($0, comparison) }
    if json {
      var object = object(comparison)
      if let best, case .object(var members) = object {
        members["frontier"] = [
          "a": best.a.map { JSONValue($0) } ?? .null, "b": best.b.map { JSONValue($0) } ?? .null,
        ]
        object = .object(members)
      }
      try emit(JSONWriter(.pretty).string(object))
    } else {
      try emit(text(comparison) + (best.map { text(comparison, best: $0) } ?? ""))
    }
  }

  /// The NMSE of the best plan that takes no more than each of them, in the formats of the model's ladder; nil
  /// where all take more.
  private func bestOfTheirSizes(
    _ path: String, _ comparison: PlanComparison
  ) throws -> (a: Double?, b: Double?) {
    let model: Model
    do {
      model = try Model.open(path)
    } catch {
      throw Failure(error.description)
    }
    let store = store.openTelling()
    defer { store?.close() }
    let candidates = try PlanCandidates(
      model: model, formats: defaultFormats(for: model), importance: try imatrix.read(for: model),
      constraints: Constraints())
    let measured = try candidates.measure(store: store)
    do throws(PlanningError) {
      let problem = try PlanningProblem(tensors: measured.options, kept: measured.kept)
      let frontier = problem.frontier()
      func error(_ sums: Plan.Sums) -> Double? {
        frontier.index(within: sums.bytes).map { frontier.vertices[$0].error }
      }
      return (error(comparison.a), error(comparison.b))
    } catch {
      throw Failure(error.description)
    }
  }

  private func text(_ comparison: PlanComparison, best: (a: Double?, b: Double?)) -> String {
    let lines = [("A", comparison.a, best.a), ("B", comparison.b, best.b)].map { name, sums, best in
      guard let best else { return "\(name): smaller than every plan in these formats\n" }
      let own = sums.nmse.map(Figures.percent) ?? "?"
      return "\(name): NMSE \(own); the best plan of its size has \(Figures.percent(best))\n"
    }
    return "\n" + lines.joined()
  }

  private func text(_ comparison: PlanComparison) -> String {
    var totals = Table(["", "size", "bpw", "NMSE", "SQNR"])
    totals.rightAligned = [1, 2, 3, 4]
    for (name, sums) in [("A", comparison.a), ("B", comparison.b)] {
      totals.add([
        name, Figures.bytes(sums.bytes), Figures.bits(sums.bitsPerWeight),
        sums.nmse.map(Figures.percent) ?? "?", sums.sqnr.map(Figures.decibels) ?? "",
      ])
    }
    let (a, b) = (comparison.a, comparison.b)
    let errors = a.nmse.flatMap { before in b.nmse.map { signed($0 - before) } }
    let decibels = a.sqnr.flatMap { before in
      b.sqnr.map { ($0 < before ? "" : "+") + Figures.decibels($0 - before) }
    }
    totals.add([
      "B - A", signed(b.bytes - a.bytes),
      (b.bitsPerWeight < a.bitsPerWeight ? "" : "+")
        + Figures.bits(b.bitsPerWeight - a.bitsPerWeight), errors ?? "?", decibels ?? "",
    ])
    let same = Figures.counted(comparison.equal, "tensor") + " the same"
    guard !comparison.differences.isEmpty else { return totals.text + same + "\n" }
    var table = Table(["tensor", "A", "B", "size", "NMSE"])
    table.rightAligned = [3, 4]
    for difference in comparison.differences {
      table.add([
        difference.name.sanitised, difference.a?.description ?? "-",
        difference.b?.description ?? "-", signed(difference.bytes),
        difference.nmse.map(signed) ?? "?",
      ])
    }
    return totals.text + "\n" + table.text
      + "\(Figures.counted(comparison.differences.count, "tensor")) different, \(same)\n"
  }

  private func signed(_ bytes: Int) -> String { (bytes > 0 ? "+" : "") + Figures.bytes(bytes) }

  private func signed(_ error: Double) -> String { (error > 0 ? "+" : "") + Figures.percent(error) }

  private func object(_ comparison: PlanComparison) -> JSONValue {
    [
      "a": object(comparison.a), "b": object(comparison.b),
      "differences": .array(
        comparison.differences.map { difference in
          [
            "name": .string(difference.name),
            "a": difference.a.map { .string($0.description) } ?? .null,
            "b": difference.b.map { .string($0.description) } ?? .null,
            "bytes": JSONValue(difference.bytes),
            "nmse": difference.nmse.map { JSONValue($0) } ?? .null,
          ]
        }),
    ]
  }

  private func object(_ sums: Plan.Sums) -> JSONValue {
    [
      "bytes": JSONValue(sums.bytes), "bitsPerWeight": JSONValue(sums.bitsPerWeight),
      "nmse": sums.nmse.map { JSONValue($0) } ?? .null,
      "sqnr": sums.sqnr.map { JSONValue($0) } ?? .null,
    ]
  }
}
