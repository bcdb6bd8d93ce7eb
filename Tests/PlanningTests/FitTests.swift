import ModelFiles
import Quantization
import SampleSupport
import Testing

@testable import Planning

/// What fits, and how fast it can be.
struct FitTests {
  private let llama3 = CacheShape(
    layers: Array(repeating: CacheShape.Layer(keys: 1024, values: 1024), count: 32),
    contextLength: 131_072)
  private let card = Device(
    name: "card", kind: .card, memory: 24 << 30, bandwidth: 1e12, source: "test")

  private func demand(weights: Int, read: Double? = nil) -> Demand {
    Demand(
      weights: weights, readPerToken: read, cache: llama3, vocabulary: 128_256, width: 4096)
  }

  @Test func partsAddUp() {
    let fit = Fit(demand(weights: 16 << 30, read: 1.5e10), on: card, Use(context: 32_768))
    #expect(fit.cacheBytes == 4 << 30)
    #expect(fit.totalBytes == 20 << 30 + fit.overheadBytes)
    #expect(fit.freeBytes == 4 << 30 - fit.overheadBytes && fit.fits)
    #expect(fit.weightBudget == 20 << 30 - fit.overheadBytes)
    let tokens = fit.tokensPerSecond ?? 0
    #expect(abs(tokens - 1e12 / (1.5e10 + 0x1p32)) < 1e-6)
    #expect(fit.summary() == "card: 20.6 of 24 GiB at 32k \u{B7} \u{2264} 52 tok/s")
    let plain = fit.summary(separator: " - ", atMost: "<= ")
    #expect(plain == "card: 20.6 of 24 GiB at 32k - <= 52 tok/s")
  }

  /// Compute buffers as llama.cpp logs them, on the device and beside it.
  @Test(arguments: [
    // Llama 3 8B, gpt-oss 20B (build 8164), Gemma 2 2B (build 7445).
    (vocabulary: 128_256, width: 4096, context: 512, mebibytes: 258.50 + 9.01, within: 0.01),
    (vocabulary: 201_088, width: 2880, context: 131_072, mebibytes: 420.08 + 268.77, within: 0.05),
    (vocabulary: 256_000, width: 2304, context: 8192, mebibytes: 509.00, within: 0.05),
  ])
  func overhead(
    _ log: (vocabulary: Int, width: Int, context: Int, mebibytes: Double, within: Double)
  ) {
    let demand = Demand(weights: 0, cache: nil, vocabulary: log.vocabulary, width: log.width)
    let bytes = Fit.overheadBytes(demand, context: log.context) - Fit.runtimeBytes
    #expect(abs(Double(bytes) / 0x1p20 / log.mebibytes - 1) < log.within)
  }

  @Test func theGreatestContextFits() {
    for gibibytes in 1...24 {
      let demand = demand(weights: gibibytes << 30)
      let fit = Fit(demand, on: card, Use(context: 1))
      let context = fit.greatestContext ?? -1
      func fits(_ context: Int) -> Bool { Fit(demand, on: card, Use(context: context)).fits }
      guard context > 0 else {
        #expect(context == 0 && !fits(1), "\(gibibytes) GiB")
        continue
      }
      #expect(fits(context), "\(gibibytes) GiB")
      #expect(context == 131_072 || context % 1024 == 0 && !fits(context + 1024))
    }
    #expect(Fit(demand(weights: 1 << 30), on: card, Use(context: 1)).greatestContext == 131_072)
    let unknown = Demand(weights: 1, cache: nil)
    #expect(Fit(unknown, on: card, Use(context: 1)).greatestContext == nil)
    #expect(Fit(unknown, on: card, Use(context: 1)).tokensPerSecond == nil)
  }

  @Test func sequencesAndTypesMultiply() throws {
    let mixed = try CacheType(parsing: "q8_0:q4_0")
    #expect(mixed.description == "q8_0:q4_0")
    let one = Fit.cacheBytes(llama3, Use(context: 1024, cache: mixed))
    #expect(one == 1024 * 32 * (1024 / 32 * 34 + 1024 / 32 * 18))
    #expect(Fit.cacheBytes(llama3, Use(context: 1024, sequences: 3, cache: mixed)) == 3 * one)
    for name in ["", "q4_K", "f16:", "f16:f16:f16", "int4"] {
      #expect(throws: CacheTypeError.self) { try CacheType(parsing: name) }
    }
    for name in CacheType.knownNames { #expect(try CacheType(parsing: name).description == name) }
    let odd = CacheShape(layers: [CacheShape.Layer(keys: 80, values: 80)])
    #expect(Fit.objection(to: mixed, for: odd)?.description.contains("q8_0") == true)
    #expect(Fit.objection(to: .standard, for: odd) == nil)
  }

  /// Sizes that no number holds are the greatest there is, and fit nothing.
  @Test func hugeSizesDoNotTrap() {
    let wide = CacheShape(
      layers: Array(
        repeating: CacheShape.Layer(keys: 1 << 31, values: 1 << 31, window: 1 << 31), count: 9999))
    let use = Use(context: Fit.mostTokens, sequences: 1_000_000)
    let demand = Demand(
      weights: .max, readPerToken: 1, cache: wide, vocabulary: .max, width: .max)
    let fit = Fit(demand, on: card, use)
    #expect(fit.totalBytes == .max && !fit.fits && fit.weightBudget < 0)
    #expect(fit.greatestContext == 0 && fit.tokensPerSecond != nil)
    #expect(!fit.summary().isEmpty)
  }

  // MARK: - What is read

  private func read(_ tensors: [Tensor], _ configuration: JSONValue? = nil) -> TokenReads {
    TokenReads(Model(name: "m", configuration: configuration, tensors: tensors))
  }

  private func tensor(_ id: Int, _ name: String, _ shape: [Int]) -> Tensor {
    Tensor(id: id, name: name, shape: shape, source: .bf16)
  }

  @Test func anEmbeddingIsReadByRows() {
    let embedding = tensor(0, "model.embed_tokens.weight", [1000, 64])
    let matrix = tensor(1, "model.layers.0.mlp.up_proj.weight", [128, 64])
    let output = tensor(2, "lm_head.weight", [1000, 64])
    #expect(read([embedding, matrix]).shares == [1, 1], "it is the output matrix too")
    #expect(read([embedding, matrix, output]).shares == [0.001, 1, 1])
    let reads = read([embedding, matrix, output])
    #expect(reads.bytes { [100_000, 10, 20][$0] } == 130)
    let vision = tensor(1, "vision_tower.layers.0.mlp.up_proj.weight", [128, 64])
    #expect(read([embedding, vision, output]).shares[1] == 0)
  }

  @Test func expertsAreReadAsFarAsTheyAreUsed() {
    let configuration: JSONValue = [
      "num_local_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 1,
      "num_nextn_predict_layers": 1,
    ]
    let names = [
      "model.layers.0.mlp.experts.3.up_proj.weight", "model.layers.0.mlp.experts.7.up_proj.weight",
      "model.layers.0.mlp.shared_experts.up_proj.weight", "model.layers.0.mlp.gate.weight",
      "model.layers.1.mlp.up_proj.weight",
    ]
    var tensors = names.enumerated().map { tensor($0, $1, [64, 64]) }
    #expect(read(tensors, configuration).shares == [0.25, 0.25, 1, 1, 0])
    tensors = [
      tensor(0, "blk.0.ffn_up_exps.weight", [8, 64, 64]),
      tensor(1, "blk.0.ffn_up_shexp.weight", [64, 64]),
    ]
    #expect(read(tensors, configuration).shares == [0.25, 1])
    let silent = read(tensors, ["num_hidden_layers": 1])
    #expect(silent.unknown?.contains("experts") == true)
    #expect(
      Demand(Model(name: "m", tensors: tensors), cache: nil, reads: silent) { _ in 5 }
        .readPerToken == nil)
  }

  // MARK: - Amounts

  @Test func amounts() {
    #expect(Quantity.bytes("24GiB") == 24 << 30 && Quantity.bytes("1.5 kb") == 1500)
    #expect(Quantity.bytesPerSecond("1008GB/s") == 1.008e12)
    #expect(Quantity.tokens("32k") == 32_768 && Quantity.tokens("4000") == 4000)
    #expect(Quantity.tokens("1M") == 1 << 20 && Quantity.tokens("1.5k") == 1536)
    for text in [
      "", "k", "-1k", "0", "1e3", "nan", "inf", "0x10", "99999999999", "1.2", "32K tokens",
    ] {
      #expect(Quantity.tokens(text) == nil, "\(text)")
    }
    for text in ["", "GiB", "-1GiB", "1", "infGiB", "1e30TiB", "99999999999TiB"] {
      #expect(Quantity.bytes(text) == nil, "\(text)")
    }
    #expect(Quantity.bytesPerSecond("1GB") == nil)
    for tokens in [1, 256, 1000, 1024, 40_960, 131_072, 1 << 20] {
      #expect(Quantity.tokens(Quantity.text(tokens: tokens)) == tokens)
    }
  }
}
