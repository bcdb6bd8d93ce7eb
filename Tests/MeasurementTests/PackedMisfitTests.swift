import Foundation
import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Measurement

/// A checkpoint taken apart into the tensors of its file and its configuration, to be put together otherwise.
struct Checkpoint {
  var tensors: [SampleTensor] = []
  var configuration: String

  init(_ tensors: [SampleTensor], configuration: String = "{}") {
    self.tensors = tensors
    self.configuration = configuration
  }

  /// One of the golden ones.
  init(_ name: String) throws {
    let folder = try PackedModelTests.folder(name)
    configuration = try String(
      contentsOf: folder.appendingPathComponent("config.json"), encoding: .utf8)
    let model = try Model.open(folder.path)
    for tensor in model.tensors {
      for part in tensor.packing?.parts ?? [] {
        let data = model.withBytes(of: part) { $0.withUnsafeBytes { Array($0) } }
        tensors.append(
          SampleTensor(part.name, part.shape, type: part.source.rawValue, data: data))
      }
      guard tensor.packing == nil else { continue }
      let data = model.withBytes(of: tensor, elements: 0..<tensor.weightCount) {
        $0.withUnsafeBytes { Array($0) }
      }
      tensors.append(
        SampleTensor(tensor.name, tensor.shape, type: tensor.source.rawValue, data: data))
    }
  }

  /// Opens it; its files are gone when this returns.
  func open() throws -> Model {
    let folder = try ScratchFolder()
    try folder.write("model.safetensors", SampleModel(tensors).bytes)
    try folder.write("config.json", configuration)
    return try Model.open(folder.path)
  }

  /// Gives a tensor another type and shape, with zeros where it grows.
  mutating func reshape(_ index: Int, _ shape: [Int], type: String? = nil) {
    let type = type ?? tensors[index].type
    let source = SourceType(safetensorsName: type) ?? .u8
    let size = source.byteCount(elements: shape.reduce(1, *)) ?? 0
    let data = tensors[index].data.prefix(size)
    tensors[index] = SampleTensor(
      tensors[index].name, shape, type: type,
      data: data + [UInt8](repeating: 0, count: size - data.count))
  }
}

/// What doesn't fit, or isn't decoded, stays as it is, and says why.
@Suite struct PackedMisfitTests {
  private func zeros(_ name: String, _ type: String, _ shape: [Int]) -> SampleTensor {
    let source = SourceType(safetensorsName: type) ?? .u8
    let size = source.byteCount(elements: shape.reduce(1, *)) ?? 0
    return SampleTensor(name, shape, type: type, data: [UInt8](repeating: 0, count: size))
  }

  private func reasons(_ checkpoint: Checkpoint) throws -> [String: String] {
    let model = try checkpoint.open()
    #expect(model.tensors.allSatisfy { $0.packing == nil })
    return Dictionary(
      uniqueKeysWithValues: model.tensors.map { ($0.name, $0.suitability.reason ?? "") })
  }

  @Test func partsThatDontFitStayAsTheyAre() throws {
    func gptq(
      _ qweight: [Int] = [8, 32], _ qzeros: [Int] = [2, 4], _ scales: [Int] = [2, 32],
      order: [Int] = [64], type: String = "I32", configuration: String = ""
    ) -> Checkpoint {
      Checkpoint(
        [
          zeros("a.qweight", type, qweight), zeros("a.qzeros", "I32", qzeros),
          zeros("a.scales", "F16", scales), zeros("a.g_idx", "I32", order),
        ], configuration: "{\"quantization_config\":{\"quant_method\":\"gptq\"\(configuration)}}")
    }
    #expect(try gptq().open().tensors.map(\.sourceName) == ["GPTQ int4 g32"])
    let misfits: [(Checkpoint, String)] = [
      (
        gptq([8, 31]),
        "AWQ, not decoded: qweight [8, 31] I32, qzeros [2, 4] I32, scales [2, 32] F16"
      ),
      (
        gptq([7, 32]),
        "GPTQ, not decoded: qweight [7, 32] I32, qzeros [2, 4] I32, scales [2, 32] F16"
      ),
      (
        gptq([8, 32], [3, 4]),
        "GPTQ, not decoded: qweight [8, 32] I32, qzeros [3, 4] I32, scales [2, 32] F16"
      ),
      (
        gptq([8, 32], [2, 5]),
        "GPTQ, not decoded: qweight [8, 32] I32, qzeros [2, 5] I32, scales [2, 32] F16"
      ),
      (gptq(order: [0]), "GPTQ, not decoded: g_idx [0] I32"),
      (gptq(order: [8, 8]), "GPTQ, not decoded: g_idx [8, 8] I32"),
      (gptq([8, 0], [2, 0], [2, 0]), "GPTQ, not decoded: qweight [8, 0] I32"),
      (gptq([8, 32], [0, 4], [0, 32]), "GPTQ, not decoded: scales [0, 32] F16"),
      (gptq([8, 64], type: "I16"), "AWQ, not decoded: qweight [8, 64] I16"),
      (
        gptq(configuration: ",\"checkpoint_format\":\"mar\\u001blin\""),
        "GPTQ, not decoded: the format mar\\x1blin"
      ),
    ]
    for (checkpoint, reason) in misfits {
      let found = try reasons(checkpoint)
      #expect(Set(found.values).isSubset(of: [reason, "empty"]) && found.values.contains(reason))
    }
  }

  @Test func missingPartsAreNamed() throws {
    let missing: [(String, String, String)] = [
      ("gptq_int4", "qzeros", "GPTQ, not decoded: no qzeros"),
      ("gptq_int4", "scales", "GPTQ, not decoded: no scales"),
      ("awq", "qzeros", "AWQ, not decoded: no qzeros"),
      ("packed_int4", "weight_scale", "compressed-tensors, not decoded: no weight_scale"),
      ("nvfp4", "weight_scale", "compressed-tensors, not decoded: no scales"),
    ]
    for (name, part, reason) in missing {
      var checkpoint = try Checkpoint(name)
      checkpoint.tensors.removeAll { $0.name.hasSuffix(".down_proj.\(part)") }
      let model = try checkpoint.open()
      let left = model.tensors.filter { $0.name.contains("down_proj") }
      #expect(left.count >= 1)
      #expect(left.allSatisfy { $0.suitability.reason == reason }, "\(name)")
      #expect(model.tensors.contains { $0.packing != nil })
    }
  }

  @Test func shapesThatLieAreFound() throws {
    var checkpoint = try Checkpoint("packed_int4")
    for (index, tensor) in checkpoint.tensors.enumerated()
    where tensor.name.hasSuffix("weight_shape") {
      var data = tensor.data
      data[14] = 0x7F
      checkpoint.tensors[index].data = data
    }
    let found = try reasons(checkpoint)
    #expect(
      found["model.layers.0.mlp.up_proj.weight_packed"]?.hasPrefix(
        "compressed-tensors, not decoded: weight_shape says [40, ") == true)
  }

  @Test func namesAreNotGivenTwice() throws {
    var checkpoint = try Checkpoint("gptq_int4")
    checkpoint.tensors.append(zeros("model.layers.0.mlp.down_proj.weight", "F16", [4, 4]))
    var model = try checkpoint.open()
    #expect(model.tensors.count { $0.packing != nil } == 1)
    #expect(Set(model.tensors.map(\.name)).count == model.tensors.count)
    // Two forms under one name: the first one has it.
    checkpoint = try Checkpoint("gptq_int4")
    checkpoint.tensors += [
      zeros("model.layers.0.mlp.down_proj.weight_packed", "I32", [8, 8]),
      zeros("model.layers.0.mlp.down_proj.weight_scale", "F16", [8, 1]),
    ]
    checkpoint.configuration = "{}"
    model = try checkpoint.open()
    #expect(Set(model.tensors.map(\.name)).count == model.tensors.count)
    #expect(model.tensors.contains { $0.name.hasSuffix("down_proj.weight_packed") })
  }

  /// What the configuration leaves out, shapes tell.
  @Test func formsAreRecognisedByTheirShapes() throws {
    func source(_ tensors: [SampleTensor], _ configuration: String = "{}") throws -> String {
      let model = try Checkpoint(tensors, configuration: configuration).open()
      let tensor = try #require(model.tensors.first)
      #expect(model.tensors.count == 1 && WeightReader.canRead(tensor))
      return "\(tensor.sourceName) \(tensor.shape)"
    }
    func gptq(_ bits: Int) -> [SampleTensor] {
      [
        zeros("a.qweight", "I32", [2 * bits, 32]), zeros("a.qzeros", "I32", [1, bits]),
        zeros("a.scales", "F16", [1, 32]),
      ]
    }
    for bits in [2, 3, 4, 8] {
      #expect(try source(gptq(bits)) == "GPTQ int\(bits) channel [32, 64]")
    }
    let sixteen =
      "{\"text_config\":{\"quantization_config\":{\"weight_block_size\":[16,16]}}}"
    let codes = zeros("a.weight", "F8_E4M3", [130, 260])
    #expect(
      try source([codes, zeros("a.weight_scale_inv", "F32", [2, 3])])
        == "F8_E4M3 128x128 [130, 260]")
    #expect(
      try source([codes, zeros("a.weight_scale_inv", "F8_E8M0", [9, 17])], sixteen)
        == "F8_E4M3 16x16 [130, 260]")
    #expect(
      try source([codes, zeros("a.weight_scale_inv", "F32", [])]) == "F8_E4M3 tensor [130, 260]")
    let experts = zeros("mlp.experts.down_proj", "F8_E4M3", [4, 8, 16])
    #expect(
      try source([experts, zeros("mlp.experts.down_proj_scale", "BF16", [4, 8, 1])])
        == "F8_E4M3 channel [4, 8, 16]")
    #expect(
      try source([experts, zeros("mlp.experts.down_proj_scale", "BF16", [4])])
        == "F8_E4M3 tensor [4, 8, 16]")
    #expect(
      try source(
        [
          zeros("a.weight_packed", "I32", [8, 16]), zeros("a.weight_scale", "BF16", [8, 4]),
          zeros("a.weight_g_idx", "I32", [128]),
        ],
        "{\"quantization_config\":{\"config_groups\":{\"x\":{\"weights\":{\"num_bits\":4}}}}}")
        == "int4 g32 [8, 128]")
  }

  /// Older GPTQ models have a file of their own for what they were made with.
  @Test func aSeparateConfigurationIsRead() throws {
    var checkpoint = try Checkpoint("gptq_v2_int4")
    let folder = try ScratchFolder()
    try folder.write("model.safetensors", SampleModel(checkpoint.tensors).bytes)
    try folder.write(
      "quantize_config.json",
      "{\"bits\":4,\"group_size\":32,\"checkpoint_format\":\"gptq_v2\"}")
    try folder.write("config.json", "{}")
    checkpoint.configuration = "{}"
    let (separate, first) = (try Model.open(folder.path), try checkpoint.open())
    let golden = try PackedModelTests.open("gptq_v2_int4")
    func values(_ model: Model) throws -> [Float] {
      let name = "model.layers.0.mlp.up_proj.weight"
      return weights(of: try #require(model.tensors.first { $0.name == name }), in: model)
    }
    #expect(try values(separate) == values(golden))
    #expect(try values(first) != values(golden))
  }

  @Test func otherFormsAreNamed() throws {
    let quantState = "a.weight.quant_state.bitsandbytes__nf4"
    let checkpoint = Checkpoint([
      zeros("a.weight", "U8", [512, 1]), zeros("a.weight.absmax", "U8", [16]),
      zeros("a.weight.quant_map", "F32", [16]), zeros("a.weight.nested_absmax", "F32", [1]),
      zeros("a.weight.nested_quant_map", "F32", [256]), zeros(quantState, "U8", [90]),
      zeros("b.weight", "I8", [32, 32]), zeros("b.SCB", "F32", [32]),
      zeros("c.W_q", "U8", [512, 64]), zeros("c.scale", "F16", [512, 1]),
      zeros("d.q_weight", "I32", [16, 32]), zeros("d.q_groups", "I16", [8]),
      zeros("e.trellis", "I16", [4, 4, 64]), zeros("e.suh", "F16", [64]),
      zeros("f._weight_qdata", "I8", [32, 32]), zeros("f._weight_scale", "F32", [32]),
      zeros("g.codes", "I16", [32, 32, 1]), zeros("g.codebooks", "F16", [1, 256, 1, 8]),
      zeros("h.weight", "F16", [64, 64]), zeros("h.scales", "F16", [64]),
      zeros("i.weight", "U32", [64, 8]), zeros("i.scales", "F16", [64, 2]),
      zeros("logit_scale", "F32", []), zeros("position_ids", "I64", [16]),
    ])
    let found = try reasons(checkpoint)
    for (name, reason) in found {
      let expected =
        switch name.first {
        case "a": "bitsandbytes nf4, not decoded"
        case "b": "bitsandbytes int8, not decoded"
        case "c": "HQQ, not decoded"
        case "d": "EXL2, not decoded"
        case "e": "EXL3, not decoded"
        case "f": "torchao, not decoded"
        case "g": "AQLM, not decoded"
        case "i": "MLX, not decoded: config.json says nothing of its bits"
        case "p": "not floating point: I64"
        default: name == "h.weight" ? "" : reason
        }
      #expect(reason == expected, "\(name)")
    }
  }

  /// Codes in one shard, scales in another.
  @Test func partsMayLieInSeveralFiles() throws {
    let whole = try Checkpoint("gptq_int4")
    let folder = try ScratchFolder()
    let parts = [
      whole.tensors.filter { !$0.name.hasSuffix("scales") },
      whole.tensors.filter { $0.name.hasSuffix("scales") },
    ]
    var map: [String] = []
    for (index, tensors) in parts.enumerated() {
      let name = "model-0000\(index + 1)-of-00002.safetensors"
      try folder.write(name, SampleModel(tensors).bytes)
      map += tensors.map { "\"\($0.name)\":\"\(name)\"" }
    }
    try folder.write(
      "model.safetensors.index.json", "{\"weight_map\":{\(map.joined(separator: ","))}}")
    try folder.write("config.json", whole.configuration)
    let model = try Model.open(folder.path)
    let expected = try PackedModelTests.open("gptq_int4")
    #expect(model.files.count == 2)
    let name = "model.layers.0.mlp.up_proj.weight"
    let (tensor, other) = (
      try #require(model.tensors.first { $0.name == name }),
      try #require(expected.tensors.first { $0.name == name })
    )
    #expect(weights(of: tensor, in: model) == weights(of: other, in: expected))
    #expect(tensor.byteCount == other.byteCount)
    // The file with the scales is cut short: what is read then is not to be trusted.
    let scales = try #require(tensor.packing?.part(.scales))
    #expect(scales.file == 1)
    try FileHandle(forWritingTo: URL(fileURLWithPath: model.files[1].path)).truncate(atOffset: 100)
    #expect(!model.isIntact(tensor))
    #expect(weights(of: tensor, in: model).allSatisfy { $0 == 0 })
  }

  @Test func groupsBeyondTheScalesAreFound() throws {
    let cases: [([UInt8], Int32)] = [([0, 0, 0, 0x80], .min), ([2, 0, 0, 0], 2)]
    for (bytes, group) in cases {
      var checkpoint = try Checkpoint("gptq_int4")
      checkpoint.tensors.removeAll { $0.name.contains("down_proj") }
      for (index, tensor) in checkpoint.tensors.enumerated() where tensor.name.hasSuffix("g_idx") {
        checkpoint.tensors[index].data.replaceSubrange(4..<8, with: bytes)
      }
      let found = try reasons(checkpoint)
      #expect(
        found["model.layers.0.mlp.up_proj.qweight"] == "GPTQ, not decoded: group \(group) of 2")
    }
  }

  /// The file may change after it was opened.
  @Test func aGroupBeyondTheScalesGivesNoNumber() {
    var form = PackedForm(
      code: .signed8, rows: 2, columns: 4, groupColumns: 2, scaleColumns: 2, scaleType: .f8E8M0)
    form.hasGroupIndex = true
    let (codes, scales): ([UInt8], [UInt8]) = (Array(1...8), [127, 128, 129, 130])
    let groups: [UInt8] = [0, 0, 0, 0x80, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]
    var out = [Float](repeating: 0, count: 8)
    var room = out.mutableSpan
    form.decode(
      rows: 0..<2, columns: 0..<4, codes: codes.span.bytes, scales: scales.span.bytes,
      zeroPoints: RawSpan(), groupIndex: groups.span.bytes, into: &room)
    #expect(out.map(\.isNaN) == [true, false, true, false, true, false, true, false])
    #expect(out[1] == 4 && out[3] == 4 && out[5] == 48 && out[7] == 32)
  }

  /// Any change of shapes, types and configuration gives either weights or a reason.
  @Test(arguments: PackedModelTests.folders)
  func mutationsNeverTrap(name: String) throws {
    let original = try Checkpoint(name)
    var generator = SeededGenerator(seed: 11)
    let types = [
      "I32", "U8", "F16", "BF16", "F32", "F8_E4M3", "F8_E8M0", "I8", "I64", "U32", "F8_E5M2",
    ]
    let odd = [0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 64, 128, 1000]
    var joined = 0
    for round in 0..<60 {
      var checkpoint = original
      for _ in 0...round % 3 {
        let index = Int.random(in: 0..<checkpoint.tensors.count, using: &generator)
        var shape = checkpoint.tensors[index].shape
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: checkpoint.tensors.remove(at: index)
        case 1:
          checkpoint.reshape(index, shape, type: types.randomElement(using: &generator))
        case 2 where !shape.isEmpty: checkpoint.reshape(index, Array(shape.dropLast()))
        case 3:
          checkpoint.reshape(index, shape + [[1, 2, 0].randomElement(using: &generator) ?? 1])
        default:
          guard let place = shape.indices.randomElement(using: &generator) else { continue }
          shape[place] = odd.randomElement(using: &generator) ?? 1
          if shape.reduce(1, *) < 1 << 20 { checkpoint.reshape(index, shape) }
        }
      }
      if round % 4 == 3 {
        let digits = [
          "0", "-1", "1", "3", "64", "9223372036854775807", "4.5", "\"x\"", "[]", "null",
        ]
        let digit = digits.randomElement(using: &generator) ?? "0"
        for key in ["bits", "group_size", "num_bits", "32, 48"] where Bool.random(using: &generator)
        {
          checkpoint.configuration = checkpoint.configuration
            .replacing("\"\(key)\": 32", with: "\"\(key)\": \(digit)")
            .replacing("\"\(key)\": 4", with: "\"\(key)\": \(digit)")
            .replacing("[\(key)]", with: "[\(digit), 1]")
        }
      }
      let model = try checkpoint.open()
      #expect(Set(model.tensors.map(\.name)).count == model.tensors.count)
      let size = checkpoint.tensors.reduce(0) { $0 + $1.data.count }
      #expect(model.byteCount == size)
      for tensor in model.tensors where tensor.packing != nil {
        joined += 1
        #expect(WeightReader.canRead(tensor), "\(tensor.name) \(tensor.sourceName)")
        #expect(tensor.rows * tensor.rowLength == tensor.weightCount)
        #expect(weights(of: tensor, in: model).count == tensor.weightCount)
      }
    }
    #expect(joined > 20)
  }

  /// A form that makes no sense has no sizes, and decoding with it gives zeros.
  @Test func formsThatMakeNoSenseDecodeToZeros() {
    var forms: [PackedForm] = []
    let sound = PackedForm(
      code: .unsigned(bits: 4), rows: 8, columns: 32, groupColumns: 32, scaleColumns: 1,
      scaleType: .f16)
    #expect(sound.sizes?.codes == 128 && sound.sizes?.scales == 16)
    #expect(sound.sizes?.zeroPoints == 0 && sound.sizes?.groupIndex == 0)
    for keyPath in [
      \PackedForm.rows, \.columns, \.groupColumns, \.groupRows, \.matrixRows, \.scaleRows,
      \.scaleColumns, \.rowByteCount,
    ] {
      for value in [0, -1, .max, .min] {
        var form = sound
        form[keyPath: keyPath] = value
        // Groups may be longer than all there is.
        if form.sizes == nil { forms.append(form) }
      }
    }
    #expect(forms.count == 32)
    var crossed = sound
    crossed.order = .interleaved
    crossed.code = .signed8
    forms.append(crossed)
    let bytes = [UInt8](repeating: 0x11, count: 128)
    let scales = Array(bytes.prefix(16))
    for form in forms {
      #expect(form.sizes == nil)
      var out = [Float](repeating: 5, count: 256)
      var room = out.mutableSpan
      form.decode(
        rows: 0..<8, columns: 0..<32, codes: bytes.span.bytes, scales: bytes.span.bytes,
        zeroPoints: bytes.span.bytes, groupIndex: bytes.span.bytes, into: &room)
      #expect(out.allSatisfy { $0 == 0 })
    }
    // Sound, but what is asked for isn't.
    let asked = [
      (0..<9, 0..<32), (0..<8, 0..<33), (-1..<1, 0..<32), (0..<8, -1..<8), (7..<8, 0..<32),
    ]
    for (rows, columns) in asked {
      var out = [Float](repeating: 5, count: 40)
      var room = out.mutableSpan
      sound.decode(
        rows: rows, columns: columns, codes: bytes.span.bytes, scales: scales.span.bytes,
        zeroPoints: RawSpan(), groupIndex: RawSpan(), into: &room)
      #expect(out.contains(0) == (rows.count != 1 || rows.lowerBound < 0))
    }
  }
}
