import Foundation
import Planning
import Testing

/// Real-sized instances, held against HiGHS (`solver_golden.py`).
struct SolverGoldenTests {
  @Test func agreesWithHiGHS() throws {
    let url = try #require(
      Bundle.module.url(forResource: "solver", withExtension: "txt", subdirectory: "Golden"))
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
    #expect(lines.count >= 45)
    var equal = 0
    for line in lines {
      let fields = line.split(separator: " ").map(String.init)
      let numbers = fields.compactMap(Double.init)
      let kind = try #require(GoldenInstance.Kind(rawValue: fields[1]))
      try #require(numbers.count == 6)
      let instance = try GoldenInstance(
        seed: UInt64(numbers[0]), kind: kind, blocks: Int(numbers[1]), formats: Int(numbers[2]))
      let problem = try PlanningProblem(
        tensors: instance.tensors, constraints: instance.constraints)
      let (limit, theirs, theirBound) = (numbers[3], numbers[4], numbers[5])
      // Squares are 1 for each tensor here, so a relative error is the sum over their number.
      let count = Double(instance.tensors.count)
      let solution =
        kind == .reverse
        ? try problem.solve(maximumError: limit / count)
        : try problem.solve(budget: Int(limit))
      let ours = kind == .reverse ? Double(solution.bytes) : (solution.error * count).rounded()
      #expect(kind == .reverse || solution.bytes <= Int(limit), "\(line)")
      #expect(ours <= theirs * (1 + solution.gap), "\(line)")
      // HiGHS works within a relative tolerance of 1e-6.
      #expect(ours >= theirBound * (1 - 1e-6), "\(line)")
      #expect(solution.gap < 1e-4, "\(line)")
      if ours == theirs { equal += 1 }
    }
    print("solver: \(equal) of \(lines.count) equal to HiGHS's, none greater")
  }
}
