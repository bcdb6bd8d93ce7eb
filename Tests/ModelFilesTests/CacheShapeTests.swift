import Foundation
import Testing

@testable import ModelFiles

/// What configurations say of caches. Figures in bytes: PlanningTests.
struct CacheShapeTests {
  /// A configuration and what layers it means: counts by keys, values and window.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let json: String
    let runs: [String]

    init(_ name: String, _ json: String, _ runs: [String]) {
      self.name = name
      self.json = json
      self.runs = runs
    }

    var testDescription: String { name }
  }

  private static func text(_ shape: CacheShape) -> [String] {
    shape.runs.map { run in
      "\(run.count) x \(run.layer.keys)+\(run.layer.values)"
        + (run.layer.window.map { " window \($0)" } ?? "")
    }
  }

  private static func shape(_ json: String) throws -> CacheShape {
    try CacheShape(configuration: try JSONParser.parse(Array(json.utf8), maximumDepth: 16))
  }

  static let cases: [Case] = [
    Case(
      "Llama 3.1 8B",
      #"{"model_type": "llama", "num_hidden_layers": 32, "num_attention_heads": 32,"#
        + #""num_key_value_heads": 8, "hidden_size": 4096}"#, ["32 x 1024+1024"]),
    Case(
      "Llama 1: no shared heads",
      #"{"model_type": "llama", "num_hidden_layers": 32, "num_attention_heads": 32,"#
        + #""hidden_size": 4096}"#, ["32 x 4096+4096"]),
    Case(
      "GPT-2", #"{"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768}"#,
      ["12 x 768+768"]),
    Case(
      "Falcon 7B: one head of keys",
      #"{"model_type": "falcon", "num_hidden_layers": 32, "num_attention_heads": 71,"#
        + #""hidden_size": 4544, "multi_query": true, "new_decoder_architecture": false}"#,
      ["32 x 64+64"]),
    Case(
      "Mistral 7B 0.1",
      #"{"model_type": "mistral", "num_hidden_layers": 32, "num_attention_heads": 32,"#
        + #""num_key_value_heads": 8, "hidden_size": 4096, "sliding_window": 4096}"#,
      ["32 x 1024+1024 window 4096"]),
    Case(
      "Mistral 7B 0.3: no window",
      #"{"model_type": "mistral", "num_hidden_layers": 32, "num_attention_heads": 32,"#
        + #""num_key_value_heads": 8, "head_dim": 128, "sliding_window": null}"#,
      ["32 x 1024+1024"]),
    Case(
      "Gemma 2 9B",
      #"{"model_type": "gemma2", "num_hidden_layers": 42, "num_attention_heads": 16,"#
        + #""num_key_value_heads": 8, "head_dim": 256, "sliding_window": 4096}"#,
      ["21 x 2048+2048 window 4096", "21 x 2048+2048"]),
    Case(
      "Gemma 3 27B, within another",
      #"{"model_type": "gemma3", "text_config": {"model_type": "gemma3_text","#
        + #""num_hidden_layers": 62, "num_attention_heads": 32, "num_key_value_heads": 16,"#
        + #""head_dim": 128, "sliding_window": 1024}, "vision_config": {"num_hidden_layers": 27}}"#,
      ["52 x 2048+2048 window 1024", "10 x 2048+2048"]),
    Case(
      "Qwen 2.5: a window that isn't used",
      #"{"model_type": "qwen2", "num_hidden_layers": 36, "num_attention_heads": 16,"#
        + #""num_key_value_heads": 2, "hidden_size": 2048, "use_sliding_window": false,"#
        + #""sliding_window": 32768, "max_window_layers": 70}"#, ["36 x 256+256"]),
    Case(
      "Qwen 2: a window in the upper layers",
      #"{"model_type": "qwen2", "num_hidden_layers": 28, "num_attention_heads": 28,"#
        + #""num_key_value_heads": 4, "hidden_size": 3584, "use_sliding_window": true,"#
        + #""sliding_window": 4096, "max_window_layers": 21}"#,
      ["21 x 512+512", "7 x 512+512 window 4096"]),
    Case(
      "layer types",
      #"{"model_type": "gpt_oss", "num_hidden_layers": 4, "num_attention_heads": 64,"#
        + #""num_key_value_heads": 8, "head_dim": 64, "sliding_window": 128, "layer_types":"#
        + #"["sliding_attention", "full_attention", "sliding_attention", "full_attention"]}"#,
      ["2 x 512+512 window 128", "2 x 512+512"]),
    Case(
      "DeepSeek V2: latent attention",
      #"{"model_type": "deepseek_v2", "num_hidden_layers": 60, "num_attention_heads": 128,"#
        + #""num_key_value_heads": 128, "kv_lora_rank": 512, "qk_rope_head_dim": 64,"#
        + #""v_head_dim": 128}"#, ["60 x 576+0"]),
    Case(
      "Llama 4: chunks",
      #"{"model_type": "llama4", "text_config": {"model_type": "llama4_text","#
        + #""num_hidden_layers": 48, "num_attention_heads": 40, "num_key_value_heads": 8,"#
        + #""head_dim": 128, "attention_chunk_size": 8192, "no_rope_layers": []}}"#,
      ["36 x 1024+1024 window 8192", "12 x 1024+1024"]),
    Case(
      "Qwen 3 Next: attention in one of four",
      #"{"model_type": "qwen3_next", "num_hidden_layers": 48, "num_attention_heads": 16,"#
        + #""num_key_value_heads": 2, "head_dim": 256, "full_attention_interval": 4}"#,
      ["12 x 512+512"]),
    Case(
      "Jamba",
      #"{"model_type": "jamba", "num_hidden_layers": 32, "num_attention_heads": 32,"#
        + #""num_key_value_heads": 8, "hidden_size": 4096, "attn_layer_period": 8,"#
        + #""attn_layer_offset": 4}"#, ["4 x 1024+1024"]),
    Case("Mamba", #"{"model_type": "mamba", "num_hidden_layers": 48}"#, []),
    Case(
      "Gemma 3n: the last layers share",
      #"{"model_type": "gemma3n_text", "num_hidden_layers": 35, "num_attention_heads": 8,"#
        + #""num_key_value_heads": 2, "head_dim": 256, "sliding_window": 512}"#,
      ["16 x 512+512 window 512", "4 x 512+512"]),
    Case(
      "a window in a family that isn't known",
      #"{"model_type": "what", "num_hidden_layers": 2, "num_attention_heads": 2,"#
        + #""hidden_size": 64, "sliding_window": 16}"#, ["2 x 64+64"]),
  ]

  @Test(arguments: cases) func configurations(_ test: Case) throws {
    let shape = try Self.shape(test.json)
    #expect(Self.text(shape) == test.runs)
  }

  @Test func whatIsLeftOutIsSaid() throws {
    let told = try Self.shape(
      #"{"model_type": "what", "num_hidden_layers": 2, "num_attention_heads": 2,"#
        + #""hidden_size": 64, "sliding_window": 16}"#)
    #expect(told.notes.first?.contains("doesn't say in which layers") == true)
    let state = try Self.shape(#"{"model_type": "mamba", "num_hidden_layers": 48}"#)
    #expect(state.notes.first?.contains("isn't counted") == true)
  }

  /// Not known is said, never guessed; hostile values neither trap nor take memory.
  @Test(arguments: [
    ("{}", "doesn't say num_hidden_layers"),
    (#"{"num_hidden_layers": 2}"#, "doesn't say num_attention_heads"),
    (#"{"num_hidden_layers": 2, "num_attention_heads": 3, "hidden_size": 64}"#, "head_dim"),
    (#"{"num_hidden_layers": 2, "num_attention_heads": 0, "hidden_size": 64}"#, "head_dim"),
    (#"{"num_hidden_layers": -1}"#, "says \"-1\""),
    (#"{"num_hidden_layers": 99999999999999999999}"#, "says \"9999"),
    (#"{"num_hidden_layers": 1000000000}"#, "says \"1000000000\""),
    (#"{"num_hidden_layers": "many"}"#, "many"),
    (
      #"{"num_hidden_layers": 2, "num_attention_heads": 2147483648, "head_dim": 2147483648}"#,
      "head_dim"
    ),
    (
      #"{"num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 4, "layer_types": ["x"]}"#,
      "a list of 1"
    ),
    (
      #"{"num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 4, "layer_types": ["\u001b"]}"#,
      "layer_types"
    ),
    (
      #"{"num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 4, "#
        + #""layer_types": ["sliding_attention"]}"#, "sliding_window"
    ),
    (#"{"model_type": "bert", "num_hidden_layers": 12}"#, "an encoder"),
    (#"{"model_type": "t5", "is_encoder_decoder": true}"#, "an encoder and decoder"),
    (#"{"text_config": {"num_hidden_layers": 2, "num_attention_heads": 8}}"#, "num_key_value"),
  ])
  func whatIsNotKnown(_ json: String, _ words: String) throws {
    let error = #expect(throws: CacheUnknown.self) { try Self.shape(json) }
    let text = error.map(\.description) ?? ""
    #expect(text.contains(words), "\(text)")
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
  }

  // MARK: - GGUF

  private func open(_ make: (inout GGUFBuilder) -> Void) throws -> Model {
    let folder = try ScratchFolder()
    var builder = GGUFBuilder()
    make(&builder)
    return try Model.open(folder.write("model.gguf", builder.file))
  }

  private func list(_ numbers: [Int32]) -> [UInt8] {
    bytes(UInt32(5)) + bytes(UInt64(numbers.count)) + numbers.flatMap { bytes($0) }
  }

  @Test func ggufWithWindowsByArchitecture() throws {
    for (name, layers, expected) in [
      ("llama", 32, ["32 x 512+512"]), ("phi3", 32, ["32 x 512+512"]),
      ("gpt-oss", 24, ["12 x 512+512 window 128", "12 x 512+512"]),
      ("gemma3", 12, ["10 x 512+512 window 128", "2 x 512+512"]),
      ("smallthinker", 8, ["2 x 512+512", "6 x 512+512 window 128"]),
      ("exaone4", 30, ["30 x 512+512"]),
    ] {
      let model = try open { file in
        file.set("general.architecture", name)
        file.set("\(name).block_count", UInt32(layers))
        file.set("\(name).attention.head_count", UInt32(64))
        file.set("\(name).attention.head_count_kv", UInt32(8))
        file.set("\(name).attention.key_length", UInt32(64))
        file.set("\(name).attention.value_length", UInt32(64))
        file.set("\(name).attention.sliding_window", UInt32(128))
      }
      #expect(Self.text(try CacheShape(model)) == expected, "\(name)")
    }
  }

  /// As in llama.cpp's log of Gemma 4 12B: 8 layers x 1 head of 512, 40 layers x 8 heads of 256.
  @Test func ggufWithListsForLayers() throws {
    let model = try open { file in
      file.set("general.architecture", "gemma4")
      file.set("gemma4.block_count", UInt32(48))
      file.set("gemma4.attention.head_count", UInt32(16))
      let wide = (0..<48).map { $0 % 6 == 5 }
      file.set("gemma4.attention.head_count_kv", type: 9, list(wide.map { $0 ? 1 : 8 }))
      file.set("gemma4.attention.key_length", UInt32(512))
      file.set("gemma4.attention.value_length", UInt32(512))
      file.set("gemma4.attention.key_length_swa", UInt32(256))
      file.set("gemma4.attention.value_length_swa", UInt32(256))
      file.set("gemma4.attention.sliding_window", UInt32(1024))
      file.set(
        "gemma4.attention.sliding_window_pattern", type: 9,
        bytes(UInt32(7)) + bytes(UInt64(48)) + wide.map { $0 ? 0 : 1 })
    }
    #expect(
      Self.text(try CacheShape(model)) == ["40 x 2048+2048 window 1024", "8 x 512+512"])
  }

  @Test func ggufWithLatentAttention() throws {
    func model(latent: Bool) throws -> Model {
      try open { file in
        file.set("general.architecture", "deepseek2")
        file.set("deepseek2.block_count", UInt32(62))
        file.set("deepseek2.nextn_predict_layers", UInt32(1))
        file.set("deepseek2.attention.head_count", UInt32(128))
        file.set("deepseek2.attention.head_count_kv", UInt32(latent ? 1 : 128))
        file.set("deepseek2.attention.key_length", UInt32(latent ? 576 : 192))
        file.set("deepseek2.attention.value_length", UInt32(latent ? 512 : 128))
        file.set("deepseek2.attention.kv_lora_rank", UInt32(512))
        if latent {
          file.set("deepseek2.attention.key_length_mla", UInt32(192))
          file.set("deepseek2.attention.value_length_mla", UInt32(128))
        }
      }
    }
    #expect(Self.text(try CacheShape(try model(latent: true))) == ["61 x 576+0"])
    // As an early llama.cpp logs it: n_embd_k_gqa = 24576, n_embd_v_gqa = 16384.
    let old = try CacheShape(try model(latent: false))
    #expect(Self.text(old) == ["61 x 24576+16384"] && !old.notes.isEmpty)
  }

  @Test func ggufWithLayersWithoutAttention() throws {
    let model = try open { file in
      file.set("general.architecture", "lfm2")
      file.set("lfm2.block_count", UInt32(4))
      file.set("lfm2.embedding_length", UInt32(1024))
      file.set("lfm2.attention.head_count", UInt32(16))
      file.set("lfm2.attention.head_count_kv", type: 9, list([0, 0, 8, 0]))
    }
    let shape = try CacheShape(model)
    #expect(Self.text(shape) == ["1 x 512+512"] && !shape.notes.isEmpty)
  }

  @Test func hostileGGUF() throws {
    let keys = [
      "block_count", "attention.head_count_kv", "attention.key_length", "attention.sliding_window",
      "embedding_length", "nextn_predict_layers", "context_length", "full_attention_interval",
      "attention.shared_kv_layers", "attention.kv_lora_rank", "attention.sliding_window_pattern",
    ]
    for key in keys {
      for value in [Int32.min, -1, 0, 3, Int32.max] {
        let model = try open { file in
          file.set("general.architecture", "gemma3")
          for (name, number) in [
            ("block_count", 6), ("attention.head_count", 8), ("attention.head_count_kv", 4),
            ("embedding_length", 512), ("attention.sliding_window", 16),
          ] where name != key {
            file.set("gemma3.\(name)", UInt32(number))
          }
          file.set("gemma3.\(key)", value)
        }
        _ = try? CacheShape(model)
      }
    }
    for heads in [[Int32](), [1], [-1, -1, -1, -1, -1, -1], [Int32.max, 0, 0, 0, 0, 0]] {
      let model = try open { file in
        file.set("general.architecture", "llama")
        file.set("llama.block_count", UInt32(6))
        file.set("llama.attention.head_count", UInt32(8))
        file.set("llama.embedding_length", UInt32.max)
        file.set("llama.attention.head_count_kv", type: 9, list(heads))
      }
      #expect(throws: CacheUnknown.self) { try CacheShape(model) }
    }
  }

  /// Where a configuration is silent, as those within others are, the matrices tell.
  @Test func tensorsTellTheWidths() throws {
    let folder = try ScratchFolder()
    let names = ["model.layers.0.self_attn.", "model.layers.1.self_attn."]
    try folder.write(
      "model.safetensors",
      safetensors(
        names.flatMap {
          [($0 + "k_proj.weight", [32, 64]), ($0 + "v_proj.weight", [48, 64])]
        } + [("vision_tower.layers.0.self_attn.k_proj.weight", [64, 64])]))
    let alone = #expect(throws: CacheUnknown.self) {
      try CacheShape(try Model.open(folder["model.safetensors"]))
    }
    #expect(alone?.description.contains("config.json") == true)
    try folder.write("config.json", #"{"model_type": "llava", "text_config": {}}"#)
    #expect(Self.text(try CacheShape(try Model.open(folder.path))) == ["2 x 32+48"])
  }
}
