import Foundation
import ModelFiles
import Quantization
import Testing

@testable import Consumers

private typealias Rules = LlamaQuantizeRules

/// A table of LlamaQuantize/, made by llama_quantize.py from what the program did.
private func lines(_ file: String) throws -> [[String]] {
  let url = Bundle.module.resourceURL?.appendingPathComponent("LlamaQuantize/\(file)")
  let text = try String(contentsOf: #require(url), encoding: .utf8)
  return text.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
}

private func format(_ name: String) throws -> Format {
  if let type = GGMLType(name: name) { return .ggml(type) }
  return .float(try #require(FloatFormat(rawValue: name)))
}

/// An outcome in the words of the tables.
private func text(_ outcome: Rules.Outcome?, asked: String) -> String {
  switch outcome {
  case .asked: asked
  case .kept: "f32"
  case .fallback(let to, _): to.description
  case .refused, .needsImportance: "stops"
  case nil: "nothing"
  }
}

@Suite("llama-quantize's rules")
struct LlamaQuantizeTests {
  @Test func rowsThatFillNoBlocksGetAnotherType() throws {
    let lines = try lines("fits.txt")
    #expect(lines.count == 28 * 19)
    for line in lines {
      let length = try #require(Int(line[1]))
      let subject = Rules.Subject(name: "blk.0.attn_q.weight", shape: [4, length])
      let outcome = Rules.outcome(subject, asked: try format(line[0]), importance: .fits)
      let expected = line[2].hasPrefix("stops") ? "stops" : line[2]
      #expect(text(outcome, asked: line[0]) == expected, "\(line)")
    }
  }

  @Test func someTensorsAreNeverTouched() throws {
    let lines = try lines("names.txt")
    #expect(lines.count > 70)
    for line in lines {
      let shape = line[1].split(separator: "x").compactMap { Int($0) }
      let subject = Rules.Subject(name: line[0], shape: shape)
      let outcome = Rules.outcome(subject, asked: .ggml(.q40), importance: .noFile)
      let expected = line[2].hasPrefix("stops") ? "stops" : line[2]
      #expect(text(outcome, asked: "q4_0") == expected, "\(line)")
      #expect((Rules.keptReason(subject) != nil) == (line[2] == "f32"), "\(line)")
    }
  }

  @Test func someTypesNeedImportance() throws {
    let lines = try lines("needs.txt")
    #expect(lines.count == 28 * 5 * 4)
    let states: [String: Rules.Importance] = [
      "none": .noFile, "other": .noEntry, "own": .fits, "short": .wrongSize,
    ]
    for line in lines {
      // What is F32 already is copied, and its importance not looked at.
      if line[0] == "f32" { continue }
      let subject = Rules.Subject(name: line[1], shape: [4, 256])
      let outcome = Rules.outcome(
        subject, asked: try format(line[0]), importance: try #require(states[line[2]]))
      let expected = line[3].hasPrefix("stops") ? "stops" : line[3]
      #expect(text(outcome, asked: line[0]) == expected, "\(line)")
      switch outcome {
      case .needsImportance:
        #expect(
          line[3].contains("needs") || line[1] == "output.weight" && line[3].contains("crash"))
      case .refused: #expect(line[3].contains("size") || line[3].contains("crash"))
      default: break
      }
    }
  }

  @Test func otherFormatsAreNoneOfItsBusiness() throws {
    let subject = Rules.Subject(name: "blk.0.attn_q.weight", shape: [4, 256])
    for name in ["f8_e4m3", "int4", "int8:channel"] {
      let format = try Format(parsing: name)
      #expect(Rules.outcome(subject, asked: format, importance: .fits) == nil)
    }
  }

  @Test func everyTypeHasARuleOrNone() {
    for type in GGMLType.allCases {
      for length in [1, 32, 64, 96, 100, 128, 256, 288, 1024] {
        guard let written = Rules.written(.ggml(type), rowLength: length) else {
          #expect(type == .nvfp4 || type == .q10)
          continue
        }
        #expect(written.objection(rowLength: length) == nil, "\(type) \(length)")
      }
    }
  }

  @Test func keepsOthersThanSuitability() throws {
    // Where our own choice of what is worth quantizing differs; rows made wide, so that none is tiny.
    var onlyWe: [String] = []
    var onlyThey: [String] = []
    for line in try lines("names.txt") {
      var shape = line[1].split(separator: "x").compactMap { Int($0) }
      shape[shape.count - 1] *= 64
      let tensor = Tensor(id: 0, name: line[0], shape: shape, source: .f32)
      let kept = Rules.keptReason(.init(name: line[0], shape: shape)) != nil
      if !tensor.suitability.isQuantizable, !kept { onlyWe.append(line[0] + " " + line[1]) }
      if tensor.suitability.isQuantizable, kept { onlyThey.append(line[0]) }
    }
    #expect(onlyWe == ["blk.0.norm.weight 8x64", "blk.0.ffn_gate_inp_shexp.weight 4x64"])
    #expect(onlyThey.contains("blk.0.ssm_conv1d.weight") && onlyThey.contains("altup_proj.weight"))
  }

  @Test func glm5NextKeepsMore() {
    let subject = Rules.Subject(
      name: "blk.0.attn_k_b.weight", shape: [4, 256], architecture: "glm5-next")
    #expect(Rules.keptReason(subject) != nil)
    #expect(Rules.keptReason(.init(name: subject.name, shape: subject.shape)) == nil)
  }
}

@Suite("llama-quantize's rules over a model")
struct LlamaQuantizeReportTests {
  private func model() -> Model {
    func tensor(_ id: Int, _ name: String, _ shape: [Int]) -> Tensor {
      Tensor(id: id, name: name, shape: shape, source: .bf16)
    }
    return Model(
      name: "m", architecture: "mixtral",
      tensors: [
        tensor(0, "model.embed_tokens.weight", [64, 288]),
        tensor(1, "model.layers.0.self_attn.q_proj.weight", [32, 256]),
        tensor(2, "model.layers.0.block_sparse_moe.gate.weight", [8, 256]),
        tensor(3, "model.layers.0.block_sparse_moe.experts.0.w1.weight", [16, 256]),
        tensor(4, "model.layers.0.block_sparse_moe.experts.1.w1.weight", [16, 256]),
        tensor(5, "strange.weight", [16, 256]),
      ])
  }

  @Test func listsFallbacksWithTheirBytes() throws {
    let report = LlamaQuantizeReport(model: model(), importance: nil) { tensor in
      tensor.id == 0 ? .ggml(.q4K) : .ggml(.q80)
    }
    #expect(report.findings.map(\.name) == ["token_embd.weight", "blk.0.ffn_gate_inp.weight"])
    let fallback = try #require(report.findings.first)
    guard case .fallback(let to, _) = fallback.outcome else {
      Issue.record("\(fallback.outcome)")
      return
    }
    #expect(to == .ggml(.q50))
    #expect(fallback.bytesWritten == 64 * 9 * 22)
    #expect(report.findings[1].bytesWritten == 2 * 8 * 256)
    let change = report.findings.reduce(0) { $0 + $1.bytesWritten - $1.bytesAsked }
    #expect(report.bytesWritten == report.bytesAsked + change)
    #expect(report.bitsPerWeightWritten > report.bitsPerWeightAsked)
    #expect(!report.stops)
    #expect(report.unnamed == [5])
    #expect(report.mixedExperts.isEmpty)
  }

  @Test func expertsAreOneTensor() {
    let report = LlamaQuantizeReport(model: model(), importance: nil) { tensor in
      tensor.id == 3 ? .ggml(.iq2XS) : tensor.id == 4 ? .ggml(.q4K) : nil
    }
    #expect(report.mixedExperts == ["blk.0.ffn_gate_exps.weight"])
    #expect(report.findings.map(\.tensors) == [[3, 4]])
    #expect(report.stops)
  }

  @Test func theFileOfImportanceDecidesWhatCanBeMade() throws {
    let model = model()
    let folder = FileManager.default.temporaryDirectory.path
    let path = "\(folder)/bitladder-\(UUID().uuidString).dat"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(Self.legacy("blk.0.attn_q.weight", 256)).write(to: URL(fileURLWithPath: path))
    let importance = ModelImportance(try Imatrix.open(path), model: model)
    func stops(_ importance: ModelImportance?, _ id: Int) -> Bool {
      LlamaQuantizeReport(model: model, importance: importance) { tensor in
        tensor.id == id ? .ggml(.iq2XS) : nil
      }.stops
    }
    #expect(stops(nil, 1))
    #expect(!stops(importance, 1))
    #expect(stops(importance, 3))
    // 288 channels fill no blocks of iq2_xs: they become iq4_nl, which needs none.
    #expect(!stops(importance, 0))
  }

  /// An importance file of the older form with one entry of ones.
  private static func legacy(_ name: String, _ count: Int) -> [UInt8] {
    func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(number >> (8 * $0) & 255) } }
    let values = (0..<count).flatMap { _ in bytes(Float(1).bitPattern) }
    return bytes(1) + bytes(UInt32(name.utf8.count)) + Array(name.utf8) + bytes(1)
      + bytes(UInt32(count)) + values
  }

  @Test func whatStaysAsItIsStoredIsNoFinding() {
    let report = LlamaQuantizeReport(model: model(), importance: nil) { _ in nil }
    #expect(report.findings.isEmpty)
    #expect(report.bytesAsked == report.bytesWritten)
    #expect(report.bitsPerWeightAsked == 16)
  }
}

@Suite("llama-quantize's rules over the sample model")
struct LlamaQuantizeSampleTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SampleModels/austen").path

  @Test(arguments: ["austen-bf16.gguf", "model.safetensors"])
  func sayWhatTheProgramWrote(_ file: String) throws {
    let model = try Model.open("\(Self.folder)/\(file)")
    let names = GGUFNames(model)
    var written: [String: [String: (type: String, bytes: Int)]] = [:]
    for line in try lines("sample.txt") {
      written[line[0], default: [:]][line[1]] = (line[2], try #require(Int(line[3])))
    }
    #expect(written.count == 6)
    for (kind, tensors) in written {
      #expect(tensors.count == model.tensors.count)
      let asked = try format(kind)
      let report = LlamaQuantizeReport(model: model, importance: nil) { _ in asked }
      let findings = Dictionary(uniqueKeysWithValues: report.findings.map { ($0.name, $0) })
      var total = 0
      for tensor in model.tensors {
        let name = try #require(names.name(of: tensor.name)?.name)
        let told = try #require(tensors[name])
        if tensor.shape.count == 1 {
          // Kept; F32 in the GGUF, whatever they are in the checkpoint.
          #expect(findings[name]?.outcome == .kept("a vector"))
          total += tensor.byteCount
          continue
        }
        total += told.bytes
        #expect(text(findings[name]?.outcome ?? .asked, asked: kind) == told.type, "\(name)")
        #expect(
          findings[name]?.bytesWritten
            ?? asked.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength) == told.bytes)
      }
      #expect(report.bytesWritten == total, "\(kind)")
    }
  }
}
