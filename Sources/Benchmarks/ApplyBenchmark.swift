import Consumers
import Foundation
import ModelFiles
import Planning
import Quantization

/// How fast a plan is applied to a GGUF, file to file, beside llama-quantize with the same plan, threads and file.
///
/// LLAMA_QUANTIZE names the program; without it only our own figures are printed. On the GGUF that is given, or on
/// one of random BF16 weights in the shape of a 1 B model's blocks.
enum ApplyBenchmark {
  static func run(_ options: BenchmarkOptions) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "bitladder-apply-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let given = options.models.first { $0.hasSuffix(".gguf") }
    guard let path = given ?? made(in: folder, blocks: options.quick ? 1 : 2),
      let model = try? Model.open(path)
    else {
      print("apply: no GGUF to work on")
      return
    }
    let peer = ProcessInfo.processInfo.environment["LLAMA_QUANTIZE"]
    if peer == nil { print("No comparison: LLAMA_QUANTIZE names no program.") }
    let threads = ProcessInfo.processInfo.activeProcessorCount
    var rows = [["plan", "ours s", "M/s", "llama-quantize s", "M/s", "ratio", "same tensors"]]
    for (name, formats) in plans {
      guard let choices = try? choices(formats, model) else { continue }
      let runs = options.quick ? 1 : 3
      let ours = folder.appendingPathComponent("ours.gguf").path
      let seconds = medianSeconds(runs: runs) {
        apply(choices, model, to: ours, threads: threads)
      }
      var row = [name, seconds.short, millions(Double(model.weightCount) / seconds)]
      if let peer {
        let theirs = folder.appendingPathComponent("theirs.gguf").path
        let plan = folder.appendingPathComponent("plan.txt").path
        try? text(choices, model).write(toFile: plan, atomically: false, encoding: .utf8)
        var isDone = true
        let peerSeconds = medianSeconds(runs: runs) {
          isDone =
            run(peer, ["--tensor-type-file", plan, path, theirs, "Q8_0", "\(threads)"]) && isDone
        }
        row += [
          peerSeconds.short, millions(Double(model.weightCount) / peerSeconds),
          String(format: "%.1fx", peerSeconds / seconds),
          isDone ? same(ours, theirs) ? "yes" : "no" : "failed",
        ]
      }
      rows.append(row)
    }
    print(
      "Applying a plan to \(millions(Double(model.weightCount))) M weights, \(threads) threads, "
        + "file to file (ours with fsync)")
    print(table(rows))
    print("")
  }

  private static let plans: [(name: String, formats: [String])] = [
    ("q8_0", ["q8_0"]), ("q4_K", ["q4_K"]), ("q6_K", ["q6_K"]), ("iq4_xs", ["iq4_xs"]),
    ("mixed", ["q4_K", "q6_K", "iq4_xs", "q5_K", "q3_K", "q8_0", "iq3_s"]),
  ]

  private static func choices(_ formats: [String], _ model: Model) throws -> [Int: Choice] {
    var choices: [Int: Choice] = [:]
    for tensor in model.tensors where tensor.suitability.isQuantizable {
      choices[tensor.id] = .format(
        try Format(parsing: formats[choices.count % formats.count]))
    }
    return choices
  }

  private static func text(_ choices: [Int: Choice], _ model: Model) -> String {
    model.tensors.compactMap { tensor in
      choices[tensor.id].map {
        "^\(tensor.name.replacing(".", with: "\\."))$=\($0.description.lowercased())\n"
      }
    }.joined()
  }

  private static func apply(
    _ choices: [Int: Choice], _ model: Model, to path: String, threads: Int
  ) {
    do throws(ApplyFailure) {
      let layout = try GGUFOutput.layout(model: model, choices: choices, importance: nil)
      let applier = Applier(
        model: model, identities: model.files.map(\.identity), threads: threads)
      let file = try applier.begin(path, layout, overwriting: true)
      try applier.write(layout, to: file) { _ in }
      try Applier.saving { () throws(SaveFailure) in _ = try file.commit() }
    } catch {
      print("apply: \(error)")
    }
  }

  private static func run(_ program: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// Whether two files have the same tensors, byte for byte.
  private static func same(_ first: String, _ second: String) -> Bool {
    guard let a = try? Model.open(first), let b = try? Model.open(second),
      a.tensors.map(\.name) == b.tensors.map(\.name)
    else { return false }
    return zip(a.tensors, b.tensors).allSatisfy { x, y in
      a.withBytes(of: x, elements: 0..<x.weightCount) { mine in
        b.withBytes(of: y, elements: 0..<y.weightCount) { theirs in
          x.source == y.source && mine.byteCount == theirs.byteCount
            && mine.withUnsafeBytes { left in
              theirs.withUnsafeBytes { right in left.elementsEqual(right) }
            }
        }
      }
    }
  }

  /// A GGUF of some blocks of a llama with random weights.
  private static func made(in folder: URL, blocks: Int) -> String? {
    let (width, inner, keys) = (2048, 5632, 512)
    let pairs = [
      GGUFPair("general.architecture", "llama"),
      GGUFPair("llama.block_count", UInt32(blocks)), GGUFPair("llama.context_length", UInt32(2048)),
      GGUFPair("llama.embedding_length", UInt32(width)),
      GGUFPair("llama.feed_forward_length", UInt32(inner)),
      GGUFPair("llama.attention.head_count", UInt32(32)),
      GGUFPair("llama.attention.head_count_kv", UInt32(8)),
      GGUFPair("llama.attention.layer_norm_rms_epsilon", Float(1e-5)),
      GGUFPair("llama.rope.dimension_count", UInt32(64)),
      GGUFPair("llama.vocab_size", UInt32(4096)),
    ]
    var shapes: [(String, [Int])] = [("token_embd", [4096, width])]
    for block in 0..<blocks {
      shapes += [
        ("attn_q", [width, width]), ("attn_k", [keys, width]), ("attn_v", [keys, width]),
        ("attn_output", [width, width]), ("ffn_gate", [inner, width]), ("ffn_up", [inner, width]),
        ("ffn_down", [width, inner]),
      ].map { ("blk.\(block).\($0.0)", $0.1) }
    }
    let tensors = shapes.compactMap {
      GGUFHeader.Tensor(name: $0.0 + ".weight", shape: $0.1, type: .bf16)
    }
    let header = GGUFHeader(pairs: pairs, tensors: tensors)
    let path = folder.appendingPathComponent("random.gguf").path
    let bytes = bfloatBytes(sampleWeights(1 << 20))
    do throws(SaveFailure) {
      let file = try PendingFile(path, expecting: .anything)
      try file.write(header.bytes.span.bytes, at: 0)
      var offset = header.bytes.count
      while offset < header.byteCount {
        let count = min(bytes.count, header.byteCount - offset)
        try file.write(bytes.span.bytes.extracting(0..<count), at: offset)
        offset += count
      }
      _ = try file.commit()
    } catch {
      print("apply: \(error)")
      return nil
    }
    return path
  }
}

extension Double {
  fileprivate var short: String { String(format: "%.2f", self) }
}
