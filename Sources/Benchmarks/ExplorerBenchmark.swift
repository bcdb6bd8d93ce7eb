import Explorer
import Foundation
import Measurement
import ModelFiles
import Quantization
import Terminal

/// What a user of the explorer waits for, on a model given by its path (a sample model without one):
/// opening, the first frame, a key, and the new error after a step.
///
/// The peer for opening is the `safetensors` package in Python, listing names and shapes.
enum ExplorerBenchmark {
  static func run(_ options: BenchmarkOptions) {
    let path = options.model ?? "SampleModels/digits"
    guard let model = try? Model.open(path) else {
      print("explorer: no model at \(path)")
      return
    }
    let runs = options.quick ? 3 : 9
    let opening = medianSeconds(runs: runs) { _ = try? Model.open(path) }
    let first = medianSeconds(runs: runs) {
      guard let model = try? Model.open(path) else { return }
      var state = State(model: model)
      state.resize(to: Size(columns: 120, rows: 36))
      _ = state.settle()
      _ = state.draw()
    }
    print("Explorer on \(model.name): \(model.tensors.count) tensors, \(model.weightCount) weights")
    var rows = [["what", "ms (p50)", "ms (p99)"]]
    rows.append(["open", milliseconds(opening), ""])
    if let peer = peerSecondsToOpen(model, runs: runs) {
      rows.append(["open, safetensors package", milliseconds(peer), ""])
    } else {
      print("No comparison with the safetensors package: python3 doesn't have it.")
    }
    rows.append(["open and draw the first frame", milliseconds(first), ""])
    for (name, keys) in [
      ("move", "jjjjkkkk"), ("step", "4-+-+3-+"), ("mark a role and step", "*4u*"),
    ] {
      let times = keyTimes(model, keys: keys, rounds: options.quick ? 5 : 50)
      rows.append(["key to frame: \(name)", milliseconds(times.p50), milliseconds(times.p99)])
    }
    let errors = errorTimes(model, limit: options.quick ? 20 : 200)
    rows.append(["step to its new error", milliseconds(errors.p50), milliseconds(errors.p99)])
    print(table(rows))
    print("")
  }

  /// How long the `safetensors` package takes to open the same files and list names and shapes.
  private static func peerSecondsToOpen(_ model: Model, runs: Int) -> Double? {
    guard model.container == .safetensors else { return nil }
    let script = """
      import sys, time
      from safetensors import safe_open
      def once():
          start = time.perf_counter()
          for path in sys.argv[2:]:
              with safe_open(path, "np") as file:
                  shapes = [file.get_slice(name).get_shape() for name in file.keys()]
          return time.perf_counter() - start
      once()
      print(sorted(once() for _ in range(int(sys.argv[1])))[int(sys.argv[1]) // 2])
      """
    let output = python(script, [String(runs)] + model.files.map(\.path))
    return output.flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// From a key to the finished frame, nothing else running.
  private static func keyTimes(
    _ model: Model, keys: String, rounds: Int
  ) -> (p50: Double, p99: Double) {
    var state = State(model: model)
    state.resize(to: Size(columns: 120, rows: 36))
    _ = state.settle()
    var times: [Double] = []
    for _ in 0..<rounds {
      for key in keys {
        times.append(
          seconds {
            _ = state.update([.input(.key(.character(key)))])
            _ = state.draw()
          })
      }
    }
    return percentiles(times)
  }

  /// From asking for int4 of a tensor to its exact error, for the largest tensors, while everything
  /// else that the totals need is measured in the background.
  private static func errorTimes(_ model: Model, limit: Int) -> (p50: Double, p99: Double) {
    let tensors = model.tensors.filter(\.suitability.isQuantizable)
      .sorted { $0.weightCount > $1.weightCount }.prefix(limit)
    let format = (try? Format(parsing: "int4")) ?? .float(.f16)
    let done = DispatchSemaphore(value: 0)
    let measurer = Measurer(model: model) { work, _ in
      if case .measurement = work { done.signal() }
    }
    measurer.want(
      background: model.tensors.filter { WeightReader.canRead($0) }
        .map { .statistics(tensor: $0.id) })
    var times: [Double] = []
    for tensor in tensors {
      times.append(
        seconds {
          measurer.want(urgent: [.measurement(tensor: tensor.id, format: format)])
          done.wait()
        })
    }
    measurer.stop()
    return percentiles(times)
  }

  private static func percentiles(_ times: [Double]) -> (p50: Double, p99: Double) {
    let sorted = times.sorted()
    guard let last = sorted.last else { return (0, 0) }
    return (sorted[sorted.count / 2], sorted.count < 100 ? last : sorted[sorted.count * 99 / 100])
  }

  private static func seconds(_ body: () -> Void) -> Double {
    let time = ContinuousClock().measure(body).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
  }

  private static func milliseconds(_ seconds: Double) -> String {
    String(format: "%.2f", seconds * 1000)
  }
}
