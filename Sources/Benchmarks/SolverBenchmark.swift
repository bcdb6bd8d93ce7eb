import Foundation
import ModelFiles
import Planning
import Quantization

/// How long the solver takes for plans of real sizes, and HiGHS, scipy's integer-programming solver, beside it.
enum SolverBenchmark {
  private struct Case {
    let tensors: Int
    let formats: Int
    var isReverse = false
    var name: String { "\(tensors) x \(formats)" + (isReverse ? ", reverse" : "") }
  }

  static func run(_ options: BenchmarkOptions) {
    var cases = [
      Case(tensors: 300, formats: 10), Case(tensors: 1_000, formats: 30),
      Case(tensors: 1_000, formats: 30, isReverse: true),
    ]
    if !options.quick { cases.append(Case(tensors: 2_000, formats: 30)) }
    print("The solver, one core, ms (tensors x formats; the whole problem, from measurements on)")
    var rows = [["problem", "solver", "p90", "frontier", "HiGHS", "ratio", "error against HiGHS"]]
    for one in cases { rows.append(row(one, runs: options.quick ? 5 : 25, options)) }
    print(table(rows))
    let tensors = sampleTensors(1_000, formats: 30)
    let budget = tensors.reduce(0) { $0 + $1.tensor.weightCount } / 2
    for limit in [2, 4] {
      var constraints = Constraints()
      constraints.formatLimit = limit
      var solution: Solution?
      let seconds = medianSeconds(runs: 1) {
        let problem = try? PlanningProblem(tensors: tensors, constraints: constraints)
        solution = try? problem?.solve(budget: budget)
      }
      let gap = solution.map { String(format: "%.3g %%", $0.gap * 100) } ?? "no plan"
      print("1000 x 30, at most \(limit) formats: \(text(seconds)) ms, gap \(gap)")
    }
    print("")
  }

  private static func row(_ one: Case, runs: Int, _ options: BenchmarkOptions) -> [String] {
    let tensors = sampleTensors(one.tensors, formats: one.formats)
    let sizes = tensors.map { $0.options.map(\.bytes) }
    let least = sizes.reduce(0) { $0 + ($1.min() ?? 0) }
    let most = sizes.reduce(0) { $0 + ($1.max() ?? 0) }
    var times: [Double] = []
    var last: (solution: Solution, limit: Double)?
    // Other budgets each time: some are harder than others.
    for run in 0..<runs {
      let budget = least + (most - least) / 100 * (5 + run * 40 / runs)
      var solution: Solution?
      let error = 0.001 + 0.02 * Double(run) / Double(runs)
      let seconds = medianSeconds(runs: 3) {
        guard let problem = try? PlanningProblem(tensors: tensors) else { return }
        solution =
          one.isReverse
          ? try? problem.solve(maximumError: error) : try? problem.solve(budget: budget)
      }
      times.append(seconds)
      if let solution, run == runs / 2 {
        last = (solution, one.isReverse ? error : Double(budget))
      }
    }
    let frontier = medianSeconds(runs: 5) { _ = try? PlanningProblem(tensors: tensors).frontier() }
    times.sort()
    let median = times[runs / 2]
    var cells = [one.name, text(median), text(times[runs * 9 / 10]), text(frontier)]
    guard let last else { return cells + ["no plan"] }
    cells[1] += last.solution.isOptimal ? "" : " (gap \(last.solution.gap))"
    guard let peer = peer(tensors, one, limit: last.limit) else {
      return cells + ["scipy is missing or failed"]
    }
    let ours = one.isReverse ? Double(last.solution.bytes) : last.solution.error
    let difference = ours / peer.objective - 1
    let sign = difference > 0 ? "+" : ""
    return cells + [
      text(peer.seconds), "\(Int(peer.seconds / median))x",
      sign + String(format: "%.2g %%", difference * 100),
    ]
  }

  private static func text(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1e3) }

  // MARK: - The same problem each time

  private static let names = [
    "q8_0", "q6_K", "q5_1", "q5_K", "q5_0", "q4_1", "q4_K", "q4_0", "iq4_nl", "iq4_xs", "q3_K",
    "iq3_s", "iq3_xxs", "q2_K", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s", "tq1_0", "tq2_0",
    "mxfp4", "nvfp4", "int8", "int7", "int6", "int5", "int4", "int3",
  ]

  /// Tensors of the shapes of a model of 8 B weights; errors fall fourfold with each bit, more or less.
  private static func sampleTensors(_ count: Int, formats: Int) -> [TensorOptions] {
    let parts: [(name: String, rows: Int, length: Int)] = [
      ("self_attn.q_proj", 4096, 4096), ("self_attn.k_proj", 1024, 4096),
      ("self_attn.v_proj", 1024, 4096), ("self_attn.o_proj", 4096, 4096),
      ("mlp.gate_proj", 14336, 4096), ("mlp.up_proj", 14336, 4096),
      ("mlp.down_proj", 4096, 14336),
    ]
    let choices =
      [Choice.source] + names.compactMap { try? Format(parsing: $0) }.map { .format($0) }
    var state: UInt64 = 1
    func unit() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX
      return Double(state >> 11) / 0x1p53
    }
    return (0..<count).map { index in
      let part = parts[index % parts.count]
      let tensor = Tensor(
        id: index, name: "model.layers.\(index / 7).\(part.name).weight",
        shape: [part.rows, part.length], source: .bf16)
      let squares = Double(tensor.weightCount) * 4e-4 * (0.5 + unit())
      let scale = squares * exp(2 * unit() - 1)
      let options = choices.prefix(formats).map { choice in
        TensorOptions.Option(
          choice: choice, bytes: choice.byteCount(of: tensor),
          squaredError: choice == .source
            ? 0 : scale * pow(4, -choice.bitsPerWeight(of: tensor)) * (0.75 + unit() / 2))
      }
      return TensorOptions(tensor: tensor, squares: squares, options: options)
    }
  }

  // MARK: - HiGHS

  private static func peer(
    _ tensors: [TensorOptions], _ one: Case, limit: Double
  ) -> (seconds: Double, objective: Double)? {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bitladder-solver-\(ProcessInfo.processInfo.processIdentifier)")
    defer { try? FileManager.default.removeItem(at: file) }
    let squares = tensors.reduce(0) { $0 + $1.squares }
    var values: [Double] = []
    for (index, tensor) in tensors.enumerated() {
      for option in tensor.options {
        let error = option.squaredError / squares
        values +=
          [Double(index)]
          + (one.isReverse ? [error, Double(option.bytes)] : [Double(option.bytes), error])
      }
    }
    guard (try? values.withUnsafeBytes { Data($0) }.write(to: file)) != nil,
      let text = python(script, [file.path, "\(limit)"])
    else { return nil }
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
  }

  /// Prints the seconds that HiGHS takes to prove the optimum (60 at most), and what it found.
  private static let script = """
    import sys, time
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    classes, weights, costs = np.fromfile(sys.argv[1]).reshape(-1, 3).T
    limit = float(sys.argv[2])
    count = len(classes)
    start = time.perf_counter()
    rows = csr_array((np.ones(count), (classes.astype(int), np.arange(count))))
    found = milp(
        costs * (1e6 / costs.sum()), integrality=np.ones(count), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(rows, 1, 1), LinearConstraint(weights[None] * (1e4 / limit), -np.inf, 1e4)],
        options={"mip_rel_gap": 0, "time_limit": 60})
    seconds = time.perf_counter() - start
    print(seconds, costs[found.x > 0.5].sum(), file=sys.__stdout__)
    """
}
