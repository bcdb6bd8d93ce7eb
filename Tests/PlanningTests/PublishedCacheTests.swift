import ModelFiles
import Quantization
import Testing

@testable import Planning

/// The bytes of caches against figures that others published, the source beside each.
struct PublishedCacheTests {
  struct Figure: Sendable, CustomTestStringConvertible {
    let model: String
    /// What of config.json counts.
    let configuration: String
    let context: Int
    var sequences = 1
    var cache = "f16"
    /// The figure in bytes, and how far from it rounding may take us.
    let bytes: Double
    var tolerance = 0.0
    let source: String

    var testDescription: String { "\(model), \(context) tokens, \(cache)" }
  }

  private static let mebibyte = 0x1p20
  private static let gibibyte = 0x1p30

  private static func llama(_ layers: Int, _ heads: Int, keyHeads: Int = 8, width: Int) -> String {
    #"{"model_type": "llama", "num_hidden_layers": \#(layers), "num_attention_heads": \#(heads), "#
      + #""num_key_value_heads": \#(keyHeads), "hidden_size": \#(width)}"#
  }

  private static func latent(_ layers: Int) -> String {
    #"{"model_type": "deepseek_v3", "num_hidden_layers": \#(layers), "num_attention_heads": 128, "#
      + #""num_key_value_heads": 128, "kv_lora_rank": 512, "qk_rope_head_dim": 64}"#
  }

  private static let gptOSS =
    #"{"model_type": "gpt_oss", "num_hidden_layers": 24, "num_attention_heads": 64, "#
    + #""num_key_value_heads": 8, "head_dim": 64, "sliding_window": 128}"#

  private static let gemma2 =
    #"{"model_type": "gemma2", "num_hidden_layers": 26, "num_attention_heads": 8, "#
    + #""num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096}"#

  private static let gemma4 =
    #"{"model_type": "gemma4", "text_config": {"model_type": "gemma4_text", "#
    + #""num_hidden_layers": 48, "num_attention_heads": 16, "num_key_value_heads": 8, "#
    + #""head_dim": 256, "global_head_dim": 512, "num_global_key_value_heads": 1, "#
    + #""attention_k_eq_v": true, "sliding_window": 1024}}"#

  static let figures: [Figure] = {
    // Rounded to two decimals of a GiB; 1k is 1,024 tokens there, 16k and 128k are 16,000 and 128,000.
    let blog = "huggingface.co/blog/llama31, inference memory requirements"
    var figures: [Figure] = []
    for (model, configuration, row) in [
      ("Llama 3.1 8B", llama(32, 32, width: 4096), [0.125, 1.95, 15.62]),
      ("Llama 3.1 70B", llama(80, 64, width: 8192), [0.313, 4.88, 39.06]),
    ] {
      for (context, size) in zip([1024, 16_000, 128_000], row) {
        figures.append(
          Figure(
            model: model, configuration: configuration, context: context, bytes: size * gibibyte,
            tolerance: 0.0051 * gibibyte, source: blog))
      }
    }
    let insights = "arXiv 2505.09343 (DeepSeek, ISCA 2025), table 1: KB of 1,000 bytes a token"
    for (model, configuration, bytes) in [
      ("DeepSeek V3", latent(61), 70_272.0), ("Qwen 2.5 72B", llama(80, 64, width: 8192), 327_680),
      ("Llama 3.1 405B", llama(126, 128, width: 16_384), 516_096),
    ] {
      figures.append(
        Figure(
          model: model, configuration: configuration, context: 1, cache: "bf16", bytes: bytes,
          source: insights))
    }
    let deepseekV2 = "arXiv 2405.04434 (DeepSeek-V2), appendix D: thousands of elements a token"
    figures += [
      Figure(
        model: "DeepSeek V2 (34.6 K elements)", configuration: latent(60), context: 1,
        bytes: 2 * 34_600, tolerance: 100, source: deepseekV2),
      Figure(
        model: "DeepSeek V2 Lite (15.6 K elements)", configuration: latent(27), context: 1,
        bytes: 2 * 15_600, tolerance: 100, source: deepseekV2),
    ]
    return figures + logs
  }()

  /// What llama.cpp says that it has allocated.
  private static let logs: [Figure] = [
    Figure(
      model: "Llama 3 8B", configuration: llama(32, 32, width: 4096), context: 512,
      bytes: 64 * mebibyte, source: "llama.cpp's log: KV self size = 64.00 MiB"),
    Figure(
      model: "Mistral 7B 0.2", configuration: llama(32, 32, width: 4096), context: 32_768,
      bytes: 4096 * mebibyte,
      source: "github.com/fedora-copr/logdetective/pull/106: KV self size = 4096.00 MiB"),
    Figure(
      model: "Qwen 2.5 3B", configuration: llama(36, 16, keyHeads: 2, width: 2048), context: 4096,
      bytes: 144 * mebibyte,
      source: "github.com/SciSharp/LLamaSharp/issues/1099: KV self size = 144.00 MiB"),
    Figure(
      model: "DeepSeek V3", configuration: latent(61), context: 32_768, bytes: 2196 * mebibyte,
      source: "github.com/ikawrakow/ik_llama.cpp/pull/235: KV self size = 2196.00 MiB"),
    Figure(
      model: "GLM 4.7 Flash", configuration: latent(47), context: 32_768, bytes: 1692 * mebibyte,
      source: "llama.cpp's log: 1692.00 MiB (32768 cells, 47 layers)"),
    Figure(
      model: "gpt-oss 20B", configuration: gptOSS, context: 131_072,
      bytes: (3072 + 18) * mebibyte,
      source: "llama.cpp's log, build 8164: 3072.00 MiB and 18.00 MiB (768 cells, 12 layers)"),
    Figure(
      model: "Gemma 2 2B", configuration: gemma2, context: 4096, bytes: 2 * 208 * mebibyte,
      source: "llama.cpp's log, build 7445: 416.00 MiB for 8192 cells of 13 layers"),
    Figure(
      model: "Gemma 4 12B", configuration: gemma4, context: 4096, sequences: 2,
      bytes: (128 + 960) * mebibyte,
      source: "llama.cpp's log: 128.00 MiB (8 layers, 2 seqs) and 960.00 MiB (40 layers)"),
    Figure(
      model: "Gemma 4 12B", configuration: gemma4, context: 16_384, cache: "q8_0",
      bytes: (136 + 255) * mebibyte,
      source: "llama.cpp's log: 136.00 MiB (16384 cells) and 255.00 MiB (1536 cells)"),
    Figure(
      model: "gpt-oss 20B", configuration: gptOSS, context: 8192, cache: "q8_0",
      bytes: (102 + 9.5625) * mebibyte,
      source: "llama.cpp's log: 102.00 MiB (8192 cells, 12 layers); its window at n_ubatch 512"),
  ]

  @Test(arguments: figures) func figure(_ figure: Figure) throws {
    let json = try JSONParser.parse(Array(figure.configuration.utf8), maximumDepth: 8)
    let shape = try CacheShape(configuration: json)
    let use = Use(
      context: figure.context, sequences: figure.sequences,
      cache: try CacheType(parsing: figure.cache))
    let bytes = Double(Fit.cacheBytes(shape, use))
    #expect(abs(bytes - figure.bytes) <= figure.tolerance, "\(bytes): \(figure.source)")
  }

  /// "Rolling buffer cache ... on a sequence length of 32k tokens, this reduces the cache memory usage by 8x"
  /// (arXiv 2310.06825, Mistral 7B); llama.cpp keeps 512 tokens more than the window.
  @Test func mistralsWindow() throws {
    let json = try JSONParser.parse(
      Array(
        (#"{"model_type": "mistral", "num_hidden_layers": 32, "num_attention_heads": 32, "#
          + #""num_key_value_heads": 8, "hidden_size": 4096, "sliding_window": 4096}"#).utf8),
      maximumDepth: 8)
    let use = Use(context: 32_768)
    let shape = try CacheShape(configuration: json)
    let whole = 4096 * Self.mebibyte
    #expect(Double(Fit.cacheRead(shape, use)) == whole / 8)
    #expect(Double(Fit.cacheBytes(shape, use)) == whole / 8 * 4608 / 4096)
  }
}
