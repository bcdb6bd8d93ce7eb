import Foundation

// swift run -c release Benchmarks [--quick] [NAME...] [MODEL...]
//
// Runs the benchmarks named, or all of them. A benchmark is a file of its own and a line here.
let benchmarks: [(name: String, run: (BenchmarkOptions) -> Void)] = [
  ("quantization", QuantizationBenchmark.run),
  ("distribution", DistributionBenchmark.run),
  ("ggml", GGMLBenchmark.run),
  ("explorer", ExplorerBenchmark.run),
  ("solver", SolverBenchmark.run),
  ("store", StoreBenchmark.run),
  ("live", LiveBenchmark.run),
  ("plans", PlansBenchmark.run),
  ("apply", ApplyBenchmark.run),
  ("parsers", ParsersBenchmark.run),
  ("evaluate", EvaluationBenchmark.run),
  ("terminal", TerminalBenchmark.run),
]

var options = BenchmarkOptions()
var names: [String] = []
for argument in CommandLine.arguments.dropFirst() {
  if argument == "--quick" {
    options.quick = true
  } else if benchmarks.contains(where: { $0.name == argument }) {
    names.append(argument)
  } else if FileManager.default.fileExists(atPath: argument) {
    options.models.append(argument)
  } else {
    let known = benchmarks.map(\.name).joined(separator: ", ")
    FileHandle.standardError.write(
      Data("error: no benchmark \(argument.debugDescription) (there are: \(known); --quick)\n".utf8)
    )
    exit(2)
  }
}
for benchmark in benchmarks where names.isEmpty || names.contains(benchmark.name) {
  benchmark.run(options)
}
