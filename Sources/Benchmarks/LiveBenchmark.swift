import Dispatch
import Explorer
import Foundation
import Measurement
import ModelFiles
import Quantization
import Synchronization
import Terminal

/// How large models feel: what a user waits for while everything else is measured in the background.
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
    var rows = [
      [
        "model", "weights", "first screen ms", "key p50 ms", "p99 ms", "order p99 ms", "exact ms",
        "M/s", "scaling", "a CPU s", "whole ladder", "MiB beyond pages",
      ]
    ]
    for path in paths {
      guard let row = row(path, seconds: options.quick ? 3 : 15) else {
        print("live: no model at \(path)")
        continue
      }
      rows.append(row)
    }
    print("Live: keys while the ladders of all tensors are measured in the background")
    print(table(rows))
    print(
      """
      first screen: opened and drawn. key: from the key to the frame. order: what it takes to hand the
      measurer its new order. exact: int4 of the largest block tensor, all processors, while the
      background works. M/s: weights x formats, all processors; scaling: against one worker; a CPU s:
      the same for each second of processor time, which other programs don't disturb (1 is ideal).
      whole ladder: all tensors in eight formats; ~: extrapolated from \(options.quick ? 3 : 15) s.
      MiB beyond pages: most anonymous memory (RssAnon) at any time.

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

  private static func row(_ path: String, seconds: Double) -> [String]? {
    guard let model = try? Model.open(path) else { return nil }
    let first = medianSeconds(runs: 5) {
      guard let model = try? Model.open(path) else { return }
      _ = start(model).state.draw()
    }
    let keys = Keys(model, seconds: seconds)
    let exact = exactSeconds(model)
    let one = pace(model, workers: 1, seconds: seconds / 2)
    let all = pace(model, workers: ProcessInfo.processInfo.activeProcessorCount, seconds: seconds)
    let whole = all.isWhole ? all.seconds : ladderWeights(model) / all.perSecond
    return [
      URL(fileURLWithPath: path).lastPathComponent, Figures.count(model.weightCount),
      milliseconds(first), milliseconds(keys.p50), milliseconds(keys.p99),
      milliseconds(keys.orderP99), exact.map(milliseconds) ?? "", millions(all.perSecond),
      String(format: "%.2f", all.perSecond / one.perSecond),
      String(format: "%.2f", all.perProcessorSecond / one.perProcessorSecond),
      (all.isWhole ? "" : "~") + Figures.duration(whole),
      String(format: "%.0f", Double(max(keys.peak, all.peak)) / 1_048_576),
    ]
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
    var p50 = 0.0
    var p99 = 0.0
    var orderP99 = 0.0
    var peak = 0

    init(_ model: Model, seconds: Double) {
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
          peak = max(peak, anonymousBytes())
        }
      }
      measurer.stop()
      p50 = quantile(times, 0.5)
      p99 = quantile(times, 0.99)
      orderP99 = quantile(orders, 0.99)
    }
  }

  /// One measurement of the largest tensor in a block, asked for while the background works.
  private static func exactSeconds(_ model: Model) -> Double? {
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

  private struct Speed {
    var perSecond = 0.0
    var perProcessorSecond = 0.0
    var seconds = 0.0
    var isWhole = false
    var peak = 0
  }

  /// How fast the ladders of all tensors are measured, for some seconds or until all is done.
  private static func pace(_ model: Model, workers: Int, seconds: Double) -> Speed {
    let lastFound = Mutex(ContinuousClock.now)
    let left = Mutex(model.tensors.reduce(0) { $0 + ladder(model, $1.id).count })
    let measurer = Measurer(model: model, workers: workers) { _, _ in
      left.withLock { $0 -= 1 }
      lastFound.withLock { $0 = .now }
    }
    let start = ContinuousClock.now
    let before = processorSeconds()
    measurer.want(ladders: LadderWishes { ladder(model, $0) })
    var speed = Speed()
    while ContinuousClock.now - start < .seconds(seconds), !speed.isWhole {
      usleep(10_000)
      speed.peak = max(speed.peak, anonymousBytes())
      speed.isWhole = left.withLock { $0 == 0 }
    }
    let end = speed.isWhole ? lastFound.withLock { $0 } : .now
    speed.seconds = (end - start) / .seconds(1)
    speed.perSecond = Double(measurer.weightsMeasured) / speed.seconds
    speed.perProcessorSecond =
      Double(measurer.weightsMeasured) / max(1e-9, processorSeconds() - before)
    measurer.stop()
    return speed
  }

  private static let formats = [
    "int8", "int6", "int5", "int4", "int3", "int2", "f8_e4m3", "f8_e5m2",
  ]
  .compactMap { try? Format(parsing: $0) }

  /// The explorer's usual ladder of a tensor.
  private static func ladder(_ model: Model, _ tensor: Int) -> [Work] {
    guard model.tensors[tensor].suitability.isQuantizable else { return [] }
    return formats.map { .measurement(tensor: tensor, format: $0) }
  }

  private static func ladderWeights(_ model: Model) -> Double {
    model.tensors.reduce(0) {
      $0 + Double($1.weightCount) * Double(ladder(model, $1.id).count)
    }
  }

  // MARK: - Figures

  /// Memory that isn't the pages of a file; 0 where the system doesn't say.
  private static func anonymousBytes() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
      let number = line.split(separator: " ").dropLast().last
    else { return 0 }
    return (Int(number.filter(\.isNumber)) ?? 0) * 1024
  }

  /// The processor time of this process.
  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func quantile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
  }

  private static func milliseconds(_ seconds: Double) -> String {
    String(format: "%.2f", seconds * 1000)
  }
}
