import Foundation
import Testing

@testable import ModelFiles

/// What llama.cpp is told of a checkpoint's tokenizer and sizes.
struct ConversionTests {
  private let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func vocabulary(
    tokenizer: String, settings: String = "{}", configuration: String = "{}",
    architecture: String = "llama"
  ) throws -> [String: GGUFPair] {
    try folder.write("tokenizer.json", tokenizer)
    try folder.write("tokenizer_config.json", settings)
    let conversion = try VocabularyConversion(
      folder: folder.path, configuration: try JSONParser.parse(configuration),
      architecture: architecture)
    return Dictionary(uniqueKeysWithValues: conversion.pairs.map { ($0.key, $0) })
  }

  private static let gpt2 = #"{"type": "ByteLevel", "add_prefix_space": false}"#

  private func split(_ pattern: String) throws -> String {
    let text = JSONWriter(.compact).string(.string(pattern))
    return #"{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "# + text
      + #"}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "#
      + #""use_regex": false}]}"#
  }

  @Test func byteLevel() throws {
    let pairs = try vocabulary(
      tokenizer: """
        {"pre_tokenizer": \(Self.gpt2), "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 3},
         "merges": [["a", "b"], ["a b", "c"]]},
         "added_tokens": [{"id": 2, "content": "<end>", "special": true},
                          {"id": 4, "content": "<tool>", "special": false},
                          {"id": 5, "content": "<|x|>", "special": false}],
         "post_processor": {"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<end>"}}, {"Sequence": {"id": "A"}}]}}
        """,
      settings: """
        {"bos_token": {"content": "<end>"}, "add_eos_token": false, "chat_template": "{{m}}",
         "add_prefix_space": false}
        """,
      configuration: #"{"vocab_size": 8, "bos_token_id": 7, "eos_token_id": 5, "pad_token_id": 99}"#
    )
    let key = "tokenizer.ggml."
    let expected = [
      GGUFPair(key + "model", "gpt2"), GGUFPair(key + "pre", "gpt-2"),
      GGUFPair(
        key + "tokens", ["a", "b", "<end>", "ab", "<tool>", "<|x|>", "[PAD6]", "[PAD7]"]),
      GGUFPair(key + "token_type", [Int32(1), 1, 3, 1, 4, 3, 5, 5]),
      GGUFPair(key + "merges", ["a b", "a\u{120}b c"]),
      GGUFPair(key + "bos_token_id", UInt32(2)), GGUFPair(key + "eos_token_id", UInt32(5)),
      GGUFPair(key + "add_bos_token", true), GGUFPair(key + "add_eos_token", false),
      GGUFPair(key + "add_space_prefix", false), GGUFPair("tokenizer.chat_template", "{{m}}"),
    ]
    for pair in expected { #expect(pairs[pair.key] == pair, "\(pair.key)") }
    #expect(pairs.count == expected.count)
  }

  /// llama.cpp merges what has the greatest score first: the order of the merges is that of the scores.
  @Test func bytesToFallBackOn() throws {
    let pairs = try vocabulary(
      tokenizer: """
        {"model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
         "vocab": {"<unk>": 0, "<0x41>": 1, "a": 2, "b": 3, "ab": 4, "aab": 5},
         "merges": ["a b", "a ab"]}, "added_tokens": [{"id": 0, "content": "<unk>", "special": true}]}
        """)
    let key = "tokenizer.ggml."
    #expect(pairs[key + "model"] == GGUFPair(key + "model", "llama"))
    #expect(pairs[key + "scores"] == GGUFPair(key + "scores", [Float(0), 0, -2, -2, 0, -1]))
    #expect(
      pairs[key + "token_type"] == GGUFPair(key + "token_type", [Int32(2), 6, 1, 1, 1, 1]))
  }

  @Test func sentencePieces() throws {
    func piece(_ text: String, _ score: Float, _ kind: UInt8) -> [UInt8] {
      let body =
        [0x0A, UInt8(text.utf8.count)] + Array(text.utf8) + [0x15] + bytes(score.bitPattern)
        + (kind == 1 ? [] : [0x18, kind])
      return [0x0A, UInt8(body.count)] + body
    }
    let trainer: [UInt8] = [0x12, 3, 1, 2, 3]
    try folder.write(
      "tokenizer.model",
      piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("ab", -1.5, 1) + trainer)
    let pairs = try vocabulary(
      tokenizer: #"{"added_tokens": [{"id": 3, "content": "<x>", "special": true}]}"#,
      configuration: #"{"vocab_size": 5}"#)
    let key = "tokenizer.ggml."
    #expect(
      pairs[key + "tokens"] == GGUFPair(key + "tokens", ["<unk>", "<s>", "ab", "<x>", "[PAD4]"]))
    #expect(
      pairs[key + "scores"] == GGUFPair(key + "scores", [Float(0), 0, -1.5, -1000, -10_000]))
    #expect(pairs[key + "token_type"] == GGUFPair(key + "token_type", [Int32(2), 3, 1, 3, 5]))
    for flaw in [[0x0A], [0x0A, 0xFF, 0xFF], [0x0A, 5, 0x0A], [0xFF], []] as [[UInt8]] {
      let path = try folder.write("flawed", flaw)
      #expect(throws: ModelFileError.self) { try SentencePieceModel(path) }
    }
  }

  @Test func rulesAreToldByTheirPatterns() throws {
    let llama3 =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"#
      + #"\s*[\r\n]+|\s+(?!\S)|\s+"#
    let rules = [
      (Self.gpt2, "gpt-2"), (try split(llama3), "llama-bpe"),
      (try split(llama3.replacingOccurrences(of: "{1,3}", with: "")), "qwen2"),
      (try split(#"\s+"#), nil),
      (
        #"{"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, "#
          + Self.gpt2 + "]}", "smollm"
      ),
      (#"{"type": "ByteLevel", "add_prefix_space": true}"#, nil), (#"{"type": "Whitespace"}"#, nil),
    ]
    for (rule, name) in rules {
      let tokenizer = try JSONParser.parse(#"{"pre_tokenizer": \#(rule)}"#)
      #expect(PreTokenizer.name(of: tokenizer) == name, "\(rule)")
    }
  }

  @Test func whatCannotBeConvertedIsNamed() throws {
    func failure(_ tokenizer: String, _ configuration: String = "{}") throws -> String {
      do {
        _ = try vocabulary(tokenizer: tokenizer, configuration: configuration)
        return ""
      } catch let error as ModelFileError {
        return error.description
      }
    }
    let model = #""model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}"#
    #expect(try failure("{}").contains("model.type"))
    #expect(try failure(#"{"model": {"type": "Unigram"}}"#).contains("found Unigram"))
    #expect(try failure("{\(model)}").contains("known here"))
    let known = #""pre_tokenizer": \#(Self.gpt2)"#
    #expect(try failure("{\(known), \(model)}") == "")
    #expect(try failure("{\(known), \(model)}", #"{"vocab_size": 1}"#).contains("2 tokens"))
    let huge = #"{"type": "BPE", "vocab": {"a": 999999999999}, "merges": ["a b"]}"#
    #expect(try failure(#"{\#(known), "model": \#(huge)}"#).contains("at most 65,537"))
    // Numbers that can't be counted beyond, and a vocabulary that the configuration only claims.
    for id in ["9223372036854775807", "-9223372036854775808", "9223372036854775806"] {
      let edge = #"{"type": "BPE", "vocab": {"a": \#(id)}, "merges": ["a b"]}"#
      #expect(try failure(#"{\#(known), "model": \#(edge)}"#) != "")
    }
    #expect(
      try failure("{\(known), \(model)}", #"{"vocab_size": 16777216}"#).contains("at most 65,538"))
    #expect(try failure("[").contains("byte"))
  }

  // MARK: - Sizes

  private func parameters(
    _ more: String, type: String = "llama"
  ) throws -> (pairs: [String: GGUFPair], tensors: [GGUFConversion.ExtraTensor]) {
    let configuration = try JSONParser.parse(
      """
      {"model_type": "\(type)", "num_hidden_layers": 2, "max_position_embeddings": 512, "hidden_size": 256,
       "intermediate_size": 512, "num_attention_heads": 4, "vocab_size": 600\(more)}
      """)
    let model = Model(
      name: "m", architecture: type, configuration: configuration,
      tensors: [Tensor(id: 0, name: "x.weight", shape: [1500, 1000], source: .bf16)])
    var parameters = GGUFParameters(
      model: model, architecture: type, configuration: configuration, file: "config.json")
    let pairs = try parameters.pairs()
    return (
      Dictionary(uniqueKeysWithValues: pairs.map { ($0.key, $0) }), parameters.tensors
    )
  }

  @Test func sizesAndWhatIsTakenWhereNothingIsSaid() throws {
    let (pairs, tensors) = try parameters("")
    for pair in [
      GGUFPair("general.size_label", "1.5M"), GGUFPair("llama.attention.head_count_kv", UInt32(4)),
      GGUFPair("llama.attention.key_length", UInt32(64)),
      GGUFPair("llama.rope.dimension_count", UInt32(64)),
      GGUFPair("llama.rope.freq_base", Float(10_000)),
      GGUFPair("llama.attention.layer_norm_rms_epsilon", Float(1e-6)),
    ] { #expect(pairs[pair.key] == pair, "\(pair.key)") }
    #expect(tensors.isEmpty)
    #expect(try parameters("", type: "qwen2").pairs["qwen2.attention.key_length"] == nil)
  }

  @Test func rotationThatIsScaled() throws {
    let yarn = try parameters(
      #", "rope_scaling": {"type": "yarn", "factor": 4, "original_max_position_embeddings": 128}"#)
    let key = "llama.rope.scaling."
    #expect(yarn.pairs[key + "type"] == GGUFPair(key + "type", "yarn"))
    #expect(yarn.pairs[key + "factor"] == GGUFPair(key + "factor", Float(4)))
    #expect(
      yarn.pairs[key + "original_context_length"]
        == GGUFPair(key + "original_context_length", UInt32(128)))
    let llama3 = try parameters(
      """
      , "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
      "high_freq_factor": 4.0, "original_max_position_embeddings": 128}
      """)
    let factors = try #require(llama3.tensors.first)
    #expect(factors.name == "rope_freqs.weight" && factors.values.count == 32)
    // What llama.cpp's conversion writes.
    let expected: [Float] = [1, 1, 1, 1, 1.014_630_4, 1.672_335_9, 2.934_750_3, 5.880_553_7, 8]
    for (value, number) in zip(factors.values, expected) { #expect(abs(value - number) < 1e-5) }
    #expect(throws: ModelFileError.self) {
      try parameters(#", "rope_scaling": {"type": "longrope"}"#)
    }
    // As many factors as half a head is wide: not as many as a number claims.
    #expect(throws: ModelFileError.self) {
      try parameters(#", "head_dim": 4611686018427387904, "rope_scaling": {"rope_type": "llama3"}"#)
    }
    #expect(throws: ModelFileError.self) {
      try parameters(#", "rope_scaling": {"type": "linear"}"#)
    }
  }
}
