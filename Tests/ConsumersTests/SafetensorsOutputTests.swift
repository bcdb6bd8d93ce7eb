import Consumers
import Foundation
import Measurement
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Testing

/// Weights as they come back, and packed integers, as safetensors.
@Suite("Safetensors by a plan")
struct SafetensorsOutputTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private static let formats = [
    "int2:affine:channel", "int3:affine:g64", "int4", "int4:affine:g32", "int4:bf16",
    "int4:g64:mse", "int5:channel", "int6:g256:f32", "int7:affine:percentile", "int8:channel",
    "int8:tensor",
  ]

  /// The sample model with all matrices but the embedding in one format or another.
  private func choices(_ formats: [String], _ model: Model) throws -> [Int: Choice] {
    var choices: [Int: Choice] = [:]
    for tensor in model.tensors where tensor.shape.count == 2 && tensor.block != nil {
      choices[tensor.id] = .format(
        try Format(parsing: formats[choices.count % formats.count]))
    }
    return choices
  }

  private func weights(_ tensor: Tensor, of model: Model) throws -> [Float] {
    let reader = try #require(WeightReader(model: model, tensor: tensor))
    var weights: [Float] = []
    var piece: [Float] = []
    for number in 0..<reader.pieceCount {
      reader.read(piece: number, into: &piece)
      weights += piece
    }
    return weights
  }

  /// What the formats say comes back, over the whole tensor at once.
  private func reconstructed(
    _ tensor: Tensor, _ format: Format, of model: Model
  ) throws -> [Float] {
    let weights = try weights(tensor, of: model)
    let codec = Self.scanned(format.scan(), weights) ?? format.codec()
    var out = [Float](repeating: 0, count: weights.count)
    var room = out.mutableSpan
    codec.reconstruct(weights.span, rowLength: tensor.rowLength, into: &room)
    return out
  }

  private static func scanned(_ scan: (any TensorScan)?, _ weights: [Float]) -> (any Codec)? {
    guard var scan else { return nil }
    for _ in 0..<100 {
      scan.observe(weights.span)
      if let codec = scan.endPass() { return codec }
    }
    return nil
  }

  @Test func packedIntegersReadBackAsTheyAre() throws {
    let model = try Model.open(austen)
    let choices = try choices(Self.formats, model)
    let layout = try SafetensorsOutput.packed(model: model, choices: choices)
    let made = try Model.open(
      try folder.apply(layout.file, of: model, as: "out.safetensors"))
    #expect(made.tensors.count == model.tensors.count)
    for tensor in model.tensors {
      let other = try #require(made.tensors.first { $0.name == tensor.name })
      #expect(other.shape == tensor.shape)
      guard let format = choices[tensor.id]?.format else {
        #expect(storedBytes(other, of: made) == storedBytes(tensor, of: model))
        continue
      }
      #expect(other.packing != nil)
      #expect(
        try weights(other, of: made) == reconstructed(tensor, format, of: model),
        "\(tensor.name) \(format)")
      // The plan's bytes, but for rows that end within a word and the 16 bytes of the shape.
      let bytes = format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
      #expect((bytes..<bytes + 4 * tensor.rows + 64).contains(other.byteCount))
    }
  }

  @Test func groupsNameEachModuleOnce() throws {
    let model = try Model.open(austen)
    let layout = try SafetensorsOutput.packed(
      model: model, choices: try choices(Self.formats, model))
    let configuration = try #require(layout.configuration)
    #expect(configuration["quant_method"] == "compressed-tensors")
    var named: [String] = configuration["ignore"]?.array?.compactMap(\.string) ?? []
    #expect(named == ["model.embed_tokens"])
    for group in configuration["config_groups"]?.object?.members ?? [] {
      named += group.value["targets"]?.array?.compactMap(\.string) ?? []
    }
    let matrices = model.tensors.filter { $0.shape.count == 2 }
    #expect(named.sorted() == matrices.map { String($0.name.dropLast(7)) }.sorted())
  }

  @Test(arguments: [
    "int4", "int4:affine:hqq", "int8:tensor", "nf4", "pal3", "mxfp4:ocp", "nvfp4:tensor", "q4_K",
    "f8_e4m3",
  ])
  func weightsComeBackInTheirOwnType(name: String) throws {
    let model = try Model.open(austen)
    let format = try Format(parsing: name)
    let choices = try choices([name], model)
    let layout = try SafetensorsOutput.dequantized(
      model: model, choices: choices, importance: nil)
    #expect(layout.configuration == nil)
    let made = try Model.open(
      try folder.apply(layout.file, of: model, as: "out.safetensors"))
    for tensor in model.tensors.prefix(12) {
      let other = try #require(made.tensors.first { $0.name == tensor.name })
      #expect(other.source == tensor.source && other.shape == tensor.shape)
      guard choices[tensor.id] != nil else {
        #expect(storedBytes(other, of: made) == storedBytes(tensor, of: model))
        continue
      }
      let weights = try reconstructed(tensor, format, of: model)
      let expected = Format.float(.bf16).codec().encode(
        weights.span, rowLength: tensor.rowLength)
      #expect(storedBytes(other, of: made) == expected.bytes, "\(tensor.name)")
    }
  }

  /// What is packed can be packed once more, or comes back as plain weights.
  @Test func packedSourcesAreReadToo() throws {
    let model = try Model.open(austen)
    let first = try SafetensorsOutput.packed(
      model: model, choices: try choices(["int8:g32"], model))
    let packed = try Model.open(try folder.apply(first.file, of: model, as: "1.safetensors"))
    let second = try SafetensorsOutput.packed(
      model: packed, choices: try choices(["int4:g32"], packed))
    #expect(throws: Never.self) {
      try folder.apply(second.file, of: packed, as: "2.safetensors")
    }
    #expect(throws: ApplyFailure.self) {
      _ = try SafetensorsOutput.packed(model: packed, choices: [:])
    }
    let plain = try SafetensorsOutput.dequantized(model: packed, choices: [:], importance: nil)
    let made = try Model.open(try folder.apply(plain.file, of: packed, as: "3.safetensors"))
    #expect(made.tensors.allSatisfy { $0.source == .bf16 && $0.packing == nil })
  }

  // MARK: - What can't be made

  private func refusal(_ format: String, _ name: String? = nil) throws -> String {
    let model = try Model.open(austen)
    let tensor = try #require(
      model.tensors.first { $0.name == name ?? "model.layers.0.mlp.up_proj.weight" })
    let choices = [tensor.id: Choice.format(try Format(parsing: format))]
    let refused = #expect(throws: ApplyFailure.self) {
      _ = try SafetensorsOutput.packed(model: model, choices: choices)
    }
    return refused?.description ?? ""
  }

  @Test func otherFormatsAreRefused() throws {
    #expect(try refusal("nf4").contains("--dequantized takes all formats"))
    #expect(try refusal("int4:affine:hqq").contains("zero points aren't whole"))
    #expect(try refusal("int4", "model.embed_tokens.weight").contains("ties the output"))
  }

  @Test func aGGUFIsNoCheckpoint() throws {
    let model = try Model.open(austen + "/austen-bf16.gguf")
    #expect(throws: ApplyFailure.self) {
      _ = try SafetensorsOutput.dequantized(model: model, choices: [:], importance: nil)
    }
  }
}
