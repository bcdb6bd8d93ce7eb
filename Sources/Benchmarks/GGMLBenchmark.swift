import Foundation
import Quantization

/// How many weights a second each block type of ggml encodes, without and with importance, and decodes, on one
/// core, and ggml itself beside it.
enum GGMLBenchmark {
  static let rowLength = 4096

  /// What is timed, and the word for it in the peer's answers.
  private enum Task: String, CaseIterable {
    case encode, weighted, decode

    /// Whether a type does this.
    func isPossible(_ type: GGMLType) -> Bool {
      switch self {
      case .encode: !Format.ggml(type).needsImportance
      case .weighted: Format.ggml(type).usesImportance
      case .decode: true
      }
    }
  }

  static func run(_ options: BenchmarkOptions) {
    let count = options.quick ? 1 << 16 : 1 << 18
    let runs = options.quick ? 3 : 9
    let weights = sampleWeights(count)
    let importance = sampleImportance(rowLength)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bitladder-ggml-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    write(weights, to: folder, "weights")
    write(importance, to: folder, "importance")

    var speeds: [GGMLType: [Task: Double]] = [:]
    for type in GGMLType.allCases {
      let codec = Format.ggml(type).codec()
      func encodingSpeed(_ task: Task) -> Double {
        let used = task == .weighted ? importance : []
        var blocks: [UInt8] = []
        let seconds = medianSeconds(runs: runs) {
          blocks =
            codec.encode(weights.span, rowLength: rowLength, importance: used.span).bytes
        }
        write(blocks, to: folder, "\(type).\(task)")
        return Double(count) / seconds
      }
      for task in [Task.encode, .weighted] where task.isPossible(type) {
        speeds[type, default: [:]][task] = encodingSpeed(task)
      }
      let blocks = randomBytes(count / type.blockLength * type.bytesPerBlock)
      var decoded = [Float](repeating: 0, count: count)
      let seconds = medianSeconds(runs: runs) {
        var room = decoded.mutableSpan
        type.decode(blocks.span.bytes, into: &room)
      }
      speeds[type, default: [:]][.decode] = Double(count) / seconds
      write(blocks, to: folder, "\(type).blocks")
      write(decoded, to: folder, "\(type).decode")
    }
    let peer = peer(folder, runs: options.quick ? 3 : 5)
    if peer == nil {
      print("No comparison with ggml: python3 has no numpy or xllamacpp, or failed.")
    }
    print("ggml's types, one core, M weights/s (\(count >> 10) Ki weights, rows of \(rowLength))")
    var rows = [
      ["type"]
        + Task.allCases.flatMap {
          ["\($0)", "ggml", "ratio", $0 == .decode ? "same" : "same bytes"]
        }
    ]
    for type in GGMLType.allCases {
      rows.append(
        [type.rawValue]
          + Task.allCases.flatMap { cells(speeds[type]?[$0], peer?["\($0) \(type)"]) })
    }
    print(table(rows))
    print("")
  }

  /// Importance as activations have it: most channels alike, some far above.
  private static func sampleImportance(_ count: Int) -> [Float] {
    sampleWeights(count).map { $0 * $0 * 1000 + 0.01 }
  }

  private typealias Result = (speed: Double, isSame: Bool)

  private static func cells(_ speed: Double?, _ peer: Result?) -> [String] {
    guard let speed else { return ["-", "", "", ""] }
    guard let peer else { return [millions(speed), "", "", ""] }
    let ratio = (speed / peer.speed * 10).rounded() / 10
    return [millions(speed), millions(peer.speed), "\(ratio)x", peer.isSame ? "yes" : "no"]
  }

  private static func write<Value: BitwiseCopyable>(
    _ values: [Value], to folder: URL, _ name: String
  ) {
    let data = values.withUnsafeBytes { Data($0) }
    try? data.write(to: folder.appendingPathComponent(name))
  }

  /// Bytes that can be any, the same in every run.
  private static func randomBytes(_ count: Int) -> [UInt8] {
    var state: UInt64 = 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407  // Knuth's MMIX
      return UInt8(truncatingIfNeeded: state >> 56)
    }
  }

  private static func peer(_ folder: URL, runs: Int) -> [String: Result]? {
    let types = GGMLType.allCases.map { type in
      let tasks = Task.allCases.filter { $0.isPossible(type) }.map(\.rawValue)
      return "\(type):\(tasks.joined(separator: ","))"
    }
    guard
      let text = python(script, [folder.path, String(runs), String(rowLength)] + types)
    else { return nil }
    var results: [String: Result] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ").map(String.init)
      guard fields.count == 4, let speed = Double(fields[2]) else { continue }
      results[fields[0] + " " + fields[1]] = (speed, fields[3] == "True")
    }
    return results
  }

  /// Prints "TASK TYPE weights-per-second same" for each task of each type, from the shared library in the PyPI
  /// package xllamacpp, which exports ggml's functions. NaN is the same as NaN.
  private static let script = """
    import ctypes, sys, time
    import numpy as np, xllamacpp

    folder, runs, row = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    library = ctypes.CDLL(xllamacpp.__path__[0] + "/xllamacpp.abi3.so")
    numbers = dict(q4_0=2, q4_1=3, q5_0=6, q5_1=7, q8_0=8, q2_K=10, q3_K=11, q4_K=12, q5_K=13, q6_K=14,
                   iq2_xxs=16, iq2_xs=17, iq3_xxs=18, iq1_s=19, iq4_nl=20, iq3_s=21, iq2_s=22, iq4_xs=23,
                   iq1_m=29, tq1_0=34, tq2_0=35, mxfp4=39, nvfp4=40, q1_0=41, q2_0=42)
    weights = np.fromfile(folder + "/weights", np.float32)
    importance = np.fromfile(folder + "/importance", np.float32)
    pointer = lambda a: a.ctypes.data_as(ctypes.c_void_p)
    number = ctypes.c_int64

    def median(body):
        times = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            body()
            times.append(time.perf_counter() - start)
        return len(weights) / sorted(times[1:])[runs // 2]

    def encode(task, name):
        ours = np.fromfile(f"{folder}/{name}.{task}", np.uint8)
        made = np.empty_like(ours)
        speed = median(lambda: library.ggml_quantize_chunk(
            numbers[name], pointer(weights), pointer(made), number(0), number(len(weights) // row), number(row),
            pointer(importance) if task == "weighted" else None))
        print(task, name, speed, bool((made == ours).all()), flush=True)

    def decode(task, name):
        blocks = np.fromfile(f"{folder}/{name}.blocks", np.uint8)
        ours = np.fromfile(f"{folder}/{name}.{task}", np.float32)
        out = np.empty_like(ours)
        function = getattr(library, "dequantize_row_" + name)
        speed = median(lambda: function(pointer(blocks), pointer(out), number(len(out))))
        same = (out.view(np.uint32) == ours.view(np.uint32)) | (np.isnan(out) & np.isnan(ours))
        print(task, name, speed, bool(same.all()), flush=True)

    for argument in sys.argv[4:]:
        name, tasks = argument.split(":")
        for task in tasks.split(","):
            (decode if task == "decode" else encode)(task, name)
    """
}
