import Foundation
import Quantization

/// How many weights a second each block type of ggml decodes and encodes, on one core, and ggml itself beside it.
enum GGMLBenchmark {
  static let rowLength = 4096

  static func run(_ options: BenchmarkOptions) {
    let count = options.quick ? 1 << 16 : 1 << 18
    let runs = options.quick ? 3 : 9
    let weights = sampleWeights(count)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bitladder-ggml-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    write(weights, to: folder, "weights")

    var speeds: [GGMLType: (decode: Double, encode: Double?)] = [:]
    for type in GGMLType.allCases {
      var blocks = randomBytes(count / type.blockLength * type.bytesPerBlock)
      var encode: Double?
      if true {
        let codec = Format.ggml(type).codec()
        let seconds = medianSeconds(runs: runs) {
          blocks = codec.encode(weights.span, rowLength: rowLength).bytes
        }
        encode = Double(count) / seconds
      }
      var decoded = [Float](repeating: 0, count: count)
      let seconds = medianSeconds(runs: runs) {
        var room = decoded.mutableSpan
        type.decode(blocks.span.bytes, into: &room)
      }
      speeds[type] = (Double(count) / seconds, encode)
      write(blocks, to: folder, type.rawValue + ".blocks")
      write(decoded, to: folder, type.rawValue + ".weights")
    }
    let peer = peer(folder, runs: options.quick ? 3 : 5)
    if peer == nil {
      print("No comparison with ggml: python3 has no numpy or xllamacpp, or failed.")
    }

    print("ggml's types, one core, M weights/s (\(count >> 10) Ki weights, rows of \(rowLength))")
    var rows = [
      ["type", "decode", "ggml", "ratio", "same", "encode", "ggml", "ratio", "same bytes"]
    ]
    for type in GGMLType.allCases {
      guard let speed = speeds[type] else { continue }
      rows.append(
        [type.rawValue] + cells(speed.decode, peer?["decode " + type.rawValue])
          + cells(speed.encode, peer?["encode " + type.rawValue]))
    }
    print(table(rows))
    print("")
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
    let types = GGMLType.allCases.map { $0.rawValue + "+" }
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

  /// Prints "decode|encode TYPE weights-per-second same" for each type, from the shared library in the PyPI
  /// package xllamacpp, which exports ggml's functions. NaN is the same as NaN.
  private static let script = """
    import ctypes, sys, time
    import numpy as np, xllamacpp

    folder, runs, row = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    library = ctypes.CDLL(xllamacpp.__path__[0] + "/xllamacpp.abi3.so")
    numbers = dict(q4_0=2, q4_1=3, q5_0=6, q5_1=7, q8_0=8, iq4_nl=20, tq1_0=34, tq2_0=35, mxfp4=39, nvfp4=40,
                   q1_0=41, q2_0=42)
    weights = np.fromfile(folder + "/weights", np.float32)
    pointer = lambda a: a.ctypes.data_as(ctypes.c_void_p)
    number = ctypes.c_int64

    def median(body):
        times = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            body()
            times.append(time.perf_counter() - start)
        return len(weights) / sorted(times[1:])[runs // 2]

    for name in sys.argv[4:]:
        encodes, name = name.endswith("+"), name.rstrip("+")
        blocks = np.fromfile(f"{folder}/{name}.blocks", np.uint8)
        ours = np.fromfile(f"{folder}/{name}.weights", np.float32)
        out = np.empty_like(ours)
        decode = getattr(library, "dequantize_row_" + name)
        speed = median(lambda: decode(pointer(blocks), pointer(out), number(len(out))))
        same = (out.view(np.uint32) == ours.view(np.uint32)) | (np.isnan(out) & np.isnan(ours))
        print("decode", name, speed, bool(same.all()))
        if not encodes: continue
        made = np.empty_like(blocks)
        speed = median(lambda: library.ggml_quantize_chunk(
            numbers[name], pointer(weights), pointer(made), number(0), number(len(weights) // row), number(row), None))
        print("encode", name, speed, bool((made == blocks).all()))
    """
}
