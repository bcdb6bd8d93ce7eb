import Dispatch
import Explorer
import Foundation
import Measurement
import ModelFiles
import Quantization
import Synchronization
import Terminal

/// How large models feel: what a user waits for while everything else is measured in the background, with the
/// model in memory and on the disk alone, and how fast everything is measured.
///
/// On the models that are given; without any, on ones that `bitladder make-model` writes into a temporary folder:
/// 1 B and 8 B weights at random, 70 B and 405 B sparse (`--quick`: 1 B sparse alone).
enum LiveBenchmark {
  static func run(_ options: BenchmarkOptions) {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("bitladder-live-\(ProcessInfo.processInfo.processIdentifier)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let made = options.models.isEmpty
    let paths = made ? make(in: folder, quick: options.quick) : options.models
    let seconds = options.quick ? 3.0 : 20
    var waits = [
      [
        "model", "weights", "first screen ms", "cold", "estimate ms", "cold", "key p50 ms",
        "p99 ms",
        "order p99 ms", "MiB beyond pages",
      ]
    ]
    var paces = [
      [
        "model", "exact ms", "one core M/s", "of encoder", "all M/s", "scaling", "a CPU s",
        "whole ladder", "cold",
      ]
    ]
    for path in paths {
      guard let row = waitingRow(path, seconds: seconds) else {
        print("live: no model at \(path)")
        continue
      }
      waits.append(row)
      if let row = paceRow(path, seconds: seconds) { paces.append(row) }
    }
    print("Live: keys while the ladders of all tensors are measured in the background")
    print(table(waits))
    print(
      """
      first screen: opened and drawn. estimate: from a key to the first estimate of q4_K, of tensors that
      weren't looked at before, the longest of eight. cold: nothing of the model in memory before. key: from the
      key to the frame. order: what it takes to hand the measurer its new order. MiB beyond pages: most
      anonymous memory (RssAnon) at any time.

      """)
    print(table(paces))
    print(
      """
      exact: int4 of the largest block tensor, all processors, while the background works. M/s: weights x
      formats; of encoder: the share of what one core makes of weights that lie in its cache. scaling: all
      processors against one; a CPU s: the same for each second of processor time, which other programs don't
      disturb (1 is ideal). whole ladder: all tensors in eight formats; ~: extrapolated from \(Int(seconds)) s.

      """)
  }

  /// Models of known shapes, as far as they fit.
  private static func make(in folder: URL, quick: Bool) -> [String] {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("bitladder")
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      print(
        "live: \(program.path) isn't built, which makes the models; give paths of models instead")
      return []
    }
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let shapes =
      quick
      ? [("llama-1b", true)]
      : [("llama-1b", false), ("llama-8b", false), ("llama-70b", true), ("llama-405b", true)]
    return shapes.compactMap { shape, isSparse in
      let path = folder.appendingPathComponent(shape + (isSparse ? "-sparse" : "")).path
      let process = Process()
      process.executableURL = program
      process.arguments =
        ["make-model", "--like", shape, "-o", path] + (isSparse ? ["--sparse"] : [])
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return nil }
      process.waitUntilExit()
      guard process.terminationStatus == 0 else {
        print("live: \(shape) can't be made (is there room on the disk?)")
        return nil
      }
      return path
    }
  }

  // MARK: - One model

  private static func waitingRow(_ path: String, seconds: Double) -> [String]? {
    let first = medianSeconds(runs: 5) { firstScreen(path) }
    guard let keys = Keys(path, seconds: seconds) else { return nil }
    // Once for the pages.
    _ = estimateSeconds(path)
    return [
      URL(fileURLWithPath: path).lastPathComponent, Figures.count(keys.weights),
      milliseconds(first),
      cold(path) { secondsOnce { firstScreen(path) } },
      estimateSeconds(path).map(milliseconds) ?? "", cold(path) { estimateSeconds(path) },
      milliseconds(keys.p50), milliseconds(keys.p99), milliseconds(keys.orderP99),
      String(format: "%.0f", Double(keys.peak) / 1_048_576),
    ]
  }

  private static func paceRow(_ path: String, seconds: Double) -> [String]? {
    func pace(workers: Int, seconds: Double) -> MeasuringPace? {
      (try? Model.open(path)).map { MeasuringPace($0, workers: workers, seconds: seconds) }
    }
    let processors = ProcessInfo.processInfo.activeProcessorCount
    let exact = exactSeconds(path)
    guard let one = pace(workers: 1, seconds: seconds / 2),
      let all = pace(workers: processors, seconds: seconds)
    else { return nil }
    let cold = DiskCache.evict(path) ? pace(workers: processors, seconds: seconds) : nil
    return [
      URL(fileURLWithPath: path).lastPathComponent, exact.map(milliseconds) ?? "",
      millions(one.perSecond),
      String(format: "%.0f %%", 100 * one.perSecond / MeasuringPace.encoderPerSecond),
      millions(all.perSecond), String(format: "%.2f", all.perSecond / one.perSecond),
      String(format: "%.2f", all.perProcessorSecond / one.perProcessorSecond),
      all.wholeLadder, cold?.wholeLadder ?? "",
    ]
  }

  private static func firstScreen(_ path: String) {
    guard let model = try? Model.open(path) else { return }
    _ = start(model).state.draw()
  }

  /// A time with nothing of the model in memory before; none of it may be mapped.
  private static func cold(_ path: String, _ seconds: () -> Double?) -> String {
    DiskCache.evict(path) ? seconds().map(milliseconds) ?? "" : ""
  }

  private static func start(_ model: Model) -> (state: State, effects: [Effect]) {
    var state = State(model: model)
    state.resize(to: Size(columns: 120, rows: 36))
    let effects = state.settle()
    return (state, effects)
  }

  private static func perform(_ effects: [Effect], _ measurer: Measurer) {
    for effect in effects {
      switch effect {
      case .measureFirst(let works): measurer.want(urgent: works)
      case .measureInBackground(let added, let dropped):
        measurer.want(background: added, dropping: dropped)
      case .measureLadders(let wishes, let changed):
        measurer.want(ladders: wishes, changed: changed)
      default: break
      }
    }
  }

  /// Keys as a user presses them, on a thread of its own priority, while the workers work.
  private struct Keys {
    let weights: Int
    var p50 = 0.0
    var p99 = 0.0
    var orderP99 = 0.0
    var peak = 0

    init?(_ path: String, seconds: Double) {
      guard let model = try? Model.open(path) else { return nil }
      weights = model.weightCount
      let found = Mutex<[ExplorerEvent]>([])
      let measurer = Measurer(model: model) { work, finding in
        found.withLock { $0.append(.found(work, finding)) }
      }
      var (state, effects) = start(model)
      perform(effects, measurer)
      var times: [Double] = []
      var orders: [Double] = []
      let clock = ContinuousClock()
      let end = clock.now + .seconds(seconds)
      let script = Array("jjj4-+jjk3kkjj5jjjju")
      while clock.now < end {
        for key in script {
          usleep(20_000)
          let events = found.withLock { found in
            defer { found = [] }
            return found
          }
          perform(state.update(events), measurer)
          let start = clock.now
          let effects = state.update([.input(.key(.character(key)))])
          let ordered = clock.now
          perform(effects, measurer)
          orders.append((clock.now - ordered) / .seconds(1))
          _ = state.draw()
          times.append((clock.now - start) / .seconds(1))
          peak = max(peak, ProcessFigures.anonymousBytes)
        }
      }
      measurer.stop()
      p50 = quantile(times, 0.5)
      p99 = quantile(times, 0.99)
      orderP99 = quantile(orders, 0.99)
    }
  }

  /// From the wish to the first estimate of tensors that nothing was read of, while the background works: the
  /// longest of some.
  private static func estimateSeconds(_ path: String) -> Double? {
    guard let model = try? Model.open(path), let format = try? Format(parsing: "q4_K") else {
      return nil
    }
    let works = model.tensors.filter { $0.block != nil && $0.suitability.isQuantizable }
      .sorted { ($0.weightCount, $0.id) > ($1.weightCount, $1.id) }
      .prefix(8)
      .compactMap { tensor in
        SamplingSchedule.rounds(of: tensor, format: format).first.map {
          Work.estimate(tensor: tensor.id, format: format, weights: $0)
        }
      }
    guard !works.isEmpty else { return nil }
    let done = DispatchSemaphore(value: 0)
    let measurer = Measurer(model: model) { found, _ in
      if case .estimate = found { done.signal() }
    }
    perform(
      start(model).effects.filter { if case .measureFirst = $0 { false } else { true } }, measurer)
    usleep(300_000)
    var longest = 0.0
    for work in works {
      let start = ContinuousClock.now
      measurer.want(urgent: [work])
      done.wait()
      longest = max(longest, (ContinuousClock.now - start) / .seconds(1))
      usleep(20_000)
    }
    measurer.stop()
    return longest
  }

  /// One measurement of the largest tensor in a block, asked for while the background works.
  private static func exactSeconds(_ path: String) -> Double? {
    guard let model = try? Model.open(path) else { return nil }
    let tensor = model.tensors.filter { $0.block != nil && $0.suitability.isQuantizable }
      .max { $0.weightCount < $1.weightCount }
    guard let tensor, let format = try? Format(parsing: "int4") else { return nil }
    let work = Work.measurement(tensor: tensor.id, format: format)
    let done = DispatchSemaphore(value: 0)
    let measurer = Measurer(model: model) { found, _ in if found == work { done.signal() } }
    perform(start(model).effects, measurer)
    usleep(300_000)
    let start = ContinuousClock.now
    measurer.want(urgent: [work])
    done.wait()
    defer { measurer.stop() }
    return (ContinuousClock.now - start) / .seconds(1)
  }

  // MARK: - Figures

  private static func secondsOnce(_ body: () -> Void) -> Double {
    ContinuousClock().measure(body) / .seconds(1)
  }

  private static func quantile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
  }

  private static func milliseconds(_ seconds: Double) -> String {
    String(format: "%.2f", seconds * 1000)
  }
}
