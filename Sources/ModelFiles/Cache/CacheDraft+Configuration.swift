// What config.json says of the cache, in the words of Hugging Face's transformers (models/*/configuration_*.py).

extension CacheDraft {
  /// What a config.json says.
  init(configuration: JSONValue) throws(CacheUnknown) {
    let reader = ConfigurationReader(configuration)
    let family = reader.string("model_type") ?? ""
    try Self.refuseOtherKinds(family, reader)
    contextLength = try reader.number(
      "max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length",
      "seq_length")
    if Self.recurrentFamilies.contains(family) {
      kinds = []
      notes.append(Self.stateNote)
      return
    }
    let layers = try reader.number("num_hidden_layers", "n_layer", "n_layers", "num_layers")
    if let layers, !(1...Self.mostLayers).contains(layers) {
      throw .unusable(key: "num_hidden_layers", found: "\(layers)")
    }
    if layers == nil { missing.append("num_hidden_layers") }
    if let layers { kinds = try LayerKinds(family, layers, reader).read(&notes) }
    try readWidths(family, reader)
    if kinds?.contains(.nothing) == true, (try reader.number("num_kv_shared_layers") ?? 0) == 0,
      !family.hasPrefix("gemma"), reader.value("cross_attention_layers") == nil
    {
      notes.append(Self.stateNote)
    }
  }

  static let stateNote =
    "the state of layers without attention is of fixed size and small; it isn't counted"

  private static let recurrentFamilies: Set<String> = [
    "mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv6", "rwkv7", "xlstm",
  ]

  private static let encoderFamilies: Set<String> = [
    "bert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert", "electra", "mpnet",
    "deberta", "deberta-v2", "modernbert", "eurobert", "nomic_bert", "new", "esm", "vit", "deit",
    "dinov2", "clip", "siglip", "wav2vec2", "hubert",
  ]

  /// Families that keep something that isn't known here.
  private static let unknownFamilies: Set<String> = ["longcat_flash", "deepseek_v4"]

  private static func refuseOtherKinds(
    _ family: String, _ reader: ConfigurationReader
  ) throws(CacheUnknown) {
    if reader.value("is_encoder_decoder")?.bool == true {
      throw .otherKind("an encoder and decoder: what it keeps of its input isn't known here")
    }
    if encoderFamilies.contains(family) {
      throw .otherKind("an encoder: it keeps no cache, and decodes no tokens")
    }
    if unknownFamilies.contains(family) {
      throw .otherKind("what \(family) keeps of its context isn't known here")
    }
  }

  private mutating func readWidths(
    _ family: String, _ reader: ConfigurationReader
  ) throws(CacheUnknown) {
    if let rank = try reader.number("kv_lora_rank"), rank > 0 {
      guard let rotary = try reader.number("qk_rope_head_dim") else {
        throw .missing(["qk_rope_head_dim"])
      }
      // Sparse attention keeps a short key of its own to choose tokens by.
      let index = try reader.number("index_head_dim") ?? 0
      isLatent = true
      widths = { _, _ in (rank + rotary + index, 0) }
      return
    }
    let heads = try reader.number("num_attention_heads", "n_head", "n_heads", "num_heads")
    guard let keyHeads = try reader.keyValueHeads(of: heads) else {
      missing.append(heads == nil ? "num_attention_heads" : "num_key_value_heads")
      return
    }
    guard let size = try reader.headSize(heads) else {
      missing.append("head_dim")
      return
    }
    let valueSize = try reader.number("v_head_dim") ?? size
    var wide = (keys: try product(keyHeads, size), values: try product(keyHeads, valueSize))
    let narrow = wide
    if family.hasPrefix("gemma4") {
      // Layers that see everything have larger heads.
      let size = try reader.number("global_head_dim") ?? 512
      let isShared = reader.value("attention_k_eq_v")?.bool == true
      let heads = isShared ? try reader.number("num_global_key_value_heads") : nil
      let width = try product(heads ?? keyHeads, size)
      wide = (width, width)
    }
    widths = { [wide] _, kind in kind == .full ? wide : narrow }
  }

  private func product(_ heads: Int, _ size: Int) throws(CacheUnknown) -> Int {
    let width = heads.multipliedReportingOverflow(by: size)
    guard !width.overflow, width.partialValue < Self.greatest else {
      throw .unusable(key: "head_dim", found: "\(size) for \(heads) heads")
    }
    return width.partialValue
  }
}

/// The members of a config.json, those of its text model before those around it.
struct ConfigurationReader {
  private let levels: [JSONValue]

  init(_ configuration: JSONValue) {
    let inner = ["text_config", "llm_config", "language_config"].compactMap { configuration[$0] }
    let thinker = configuration["thinker_config"]?["text_config"]
    levels = inner + [thinker].compactMap { $0 } + [configuration]
  }

  /// The first of these that is there and not null.
  func value(_ names: String...) -> JSONValue? { value(names) }

  private func value(_ names: [String]) -> JSONValue? {
    for level in levels {
      for name in names {
        if let value = level[name], value != .null { return value }
      }
    }
    return nil
  }

  func string(_ name: String) -> String? { value([name])?.string }

  /// The first of these that is there: a whole number from 0 on that can be meant.
  func number(_ names: String...) throws(CacheUnknown) -> Int? {
    guard let value = value(names) else { return nil }
    guard let number = value.int, (0...CacheDraft.greatest).contains(number) else {
      throw .unusable(key: names[0], found: JSONWriter(.compact).string(value))
    }
    return number
  }

  /// A list of whole numbers.
  func numbers(_ name: String) throws(CacheUnknown) -> [Int]? {
    guard let value = value([name]) else { return nil }
    guard let array = value.array else { throw .unusable(key: name, found: value.kind) }
    return array.compactMap(\.int)
  }

  /// The heads of keys and values; nil where it isn't said.
  func keyValueHeads(of heads: Int?) throws(CacheUnknown) -> Int? {
    let isShared = value("multi_query")?.bool == true || value("multi_query_attention") != nil
    if let told = try number(
      "num_key_value_heads", "n_head_kv", "num_kv_heads", "n_kv_heads", "multi_query_group_num")
    {
      let isOld = value("multi_query")?.bool == true
      return isOld && value("new_decoder_architecture")?.bool == false ? 1 : told
    }
    if let nested = value("attn_config")?["kv_n_heads"]?.int, nested > 0 { return nested }
    if isShared, value("multi_query")?.bool == true { return 1 }
    // A text model within another leaves out what its family has by default.
    return levels.count == 1 ? heads : nil
  }

  /// The width of a head; nil where it isn't said.
  func headSize(_ heads: Int?) throws(CacheUnknown) -> Int? {
    if let told = try number("head_dim", "attention_head_dim", "kv_channels", "d_kv") {
      return told
    }
    guard let heads, heads > 0,
      let width = try number("hidden_size", "n_embd", "d_model", "dim"), width % heads == 0
    else { return nil }
    return width / heads
  }
}

/// Which layers see the whole context, which a window of it, and which nothing.
private struct LayerKinds {
  let family: String
  let count: Int
  let reader: ConfigurationReader

  init(_ family: String, _ count: Int, _ reader: ConfigurationReader) {
    self.family = family
    self.count = count
    self.reader = reader
  }

  /// Families with one wide layer among so many, by `model_type`.
  private static let patterns = [
    "gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gemma3n": 5, "gemma3n_text": 5, "gemma4": 6,
    "gemma4_text": 6, "cohere2": 4, "gpt_oss": 2, "exaone4": 4, "olmo3": 4,
  ]

  /// Families whose window holds for all layers.
  private static let windowed: Set<String> = [
    "mistral", "mixtral", "ministral", "phi3", "phimoe", "phi4_multimodal", "starcoder2",
  ]

  func read(_ notes: inout [String]) throws(CacheUnknown) -> [CacheDraft.Kind] {
    var kinds: [CacheDraft.Kind]
    if let found = try listed() {
      kinds = found
    } else if let found = try hybrid() {
      kinds = found
    } else {
      kinds = try windows(&notes)
    }
    // The last layers use the cache of those before them.
    let shared =
      try reader.number("num_kv_shared_layers") ?? (family.hasPrefix("gemma3n") ? 15 : 0)
    for index in kinds.indices.suffix(min(shared, count)) { kinds[index] = .nothing }
    if let crossing = try reader.numbers("cross_attention_layers"), !crossing.isEmpty {
      for index in crossing where kinds.indices.contains(index) { kinds[index] = .nothing }
      notes.append("the keys and values of pictures aren't counted")
    }
    return kinds
  }

  private func window() throws(CacheUnknown) -> Int? {
    guard reader.value("use_sliding_window")?.bool != false else { return nil }
    let window = try reader.number("sliding_window", "sliding_window_size", "attention_window_size")
    return window == 0 ? nil : window
  }

  /// What a list with a word for each layer says.
  private func listed() throws(CacheUnknown) -> [CacheDraft.Kind]? {
    for key in ["layer_types", "layers_block_type", "layer_block_types"] {
      guard let value = reader.value(key) else { continue }
      guard let words = value.array, words.count >= count else {
        throw .unusable(
          key: key, found: value.array.map { "a list of \($0.count)" } ?? value.kind)
      }
      var kinds: [CacheDraft.Kind] = []
      for word in words.prefix(count) { kinds.append(try kind(word.string ?? "", key)) }
      return kinds
    }
    if let words = (reader.value("block_types") ?? reader.value("_block_types"))?.array,
      !words.isEmpty
    {
      var kinds: [CacheDraft.Kind] = []
      for index in 0..<count {
        let kind = try kind(words[index % words.count].string ?? "", "block_types")
        // Its attention always has a window.
        kinds.append(kind == .full ? try window().map { .window($0) } ?? .full : kind)
      }
      return kinds
    }
    if let pattern = reader.string("hybrid_override_pattern") {
      let marks = Array(pattern.utf8.prefix(count))
      guard marks.count == count else {
        throw .unusable(key: "hybrid_override_pattern", found: pattern)
      }
      return marks.map { $0 == UInt8(ascii: "*") ? .full : .nothing }
    }
    if let marks = try reader.numbers("attn_type_list"), marks.count >= count {
      return marks.prefix(count).map { $0 == 1 ? .full : .nothing }
    }
    return nil
  }

  private func kind(_ word: String, _ key: String) throws(CacheUnknown) -> CacheDraft.Kind {
    switch word {
    case "full_attention", "attention", "global_attention", "global", "full",
      "deepseek_sparse_attention":
      return .full
    case "sliding_attention", "local_attention", "local", "sliding_window_attention":
      guard let window = try window() else { throw .missing(["sliding_window"]) }
      return .window(window)
    case "chunked_attention":
      guard let chunk = try reader.number("attention_chunk_size"), chunk > 0 else {
        throw .missing(["attention_chunk_size"])
      }
      return .window(chunk)
    case "linear_attention", "mamba", "mamba2", "conv", "recurrent", "moe", "mlp":
      return .nothing
    case "hybrid":
      return .full
    default: throw .unusable(key: key, found: word)
    }
  }

  /// Models in which only some layers have attention.
  private func hybrid() throws(CacheUnknown) -> [CacheDraft.Kind]? {
    func only(_ chosen: (Int) -> Bool) -> [CacheDraft.Kind] {
      (0..<count).map { chosen($0) ? .full : .nothing }
    }
    if let period = try reader.number("attn_layer_period"), period > 0 {
      let offset = try reader.number("attn_layer_offset") ?? 0
      return only { $0 % period == offset }
    }
    for key in ["attn_layer_indices", "full_attn_idxs"] {
      if let chosen = try reader.numbers(key).map(Set.init) { return only(chosen.contains) }
    }
    if let chosen = reader.value("linear_attn_config")?["full_attn_layers"]?.array {
      let numbers = Set(chosen.compactMap(\.int))
      return only { numbers.contains($0 + 1) }
    }
    if let interval = try reader.number("full_attention_interval")
      ?? (family == "qwen3_next" ? 4 : nil), interval > 0
    {
      return only { ($0 + 1) % interval == 0 }
    }
    return nil
  }

  /// Models all of whose layers have attention.
  private func windows(_ notes: inout [String]) throws(CacheUnknown) -> [CacheDraft.Kind] {
    let all = [CacheDraft.Kind](repeating: .full, count: count)
    if family.hasPrefix("llama4") { return try chunks() }
    guard let window = try window() else { return all }
    func wideEvery(_ length: Int) -> [CacheDraft.Kind] {
      (0..<count).map { length > 0 && ($0 + 1) % length == 0 ? .full : .window(window) }
    }
    if let letters = reader.string("sliding_window_pattern"), !letters.isEmpty {
      let letters = Array(letters.utf8)
      return (0..<count).map {
        letters[$0 % letters.count] == UInt8(ascii: "G") ? .full : .window(window)
      }
    }
    if let length = try reader.number("sliding_window_pattern", "_sliding_window_pattern") {
      return wideEvery(length)
    }
    if let length = Self.patterns[family] { return wideEvery(length) }
    if reader.value("use_sliding_window")?.bool == true,
      let first = try reader.number("max_window_layers")
    {
      return (0..<count).map { $0 >= first ? .window(window) : .full }
    }
    if Self.windowed.contains(family) {
      notes.append("llama.cpp keeps all of this family's context, not only its window")
      return all.map { _ in .window(window) }
    }
    notes.append(
      "it has a window of \(grouped(window)) tokens, but doesn't say in which layers: "
        + "all are taken for wide")
    return all
  }

  /// Llama 4: chunks where there are rotary positions.
  private func chunks() throws(CacheUnknown) -> [CacheDraft.Kind] {
    guard let chunk = try reader.number("attention_chunk_size"), chunk > 0 else {
      return Array(repeating: .full, count: count)
    }
    if let rotary = try reader.numbers("no_rope_layers"), rotary.count >= count {
      return rotary.prefix(count).map { $0 == 0 ? .full : .window(chunk) }
    }
    let interval = max(1, try reader.number("no_rope_layer_interval") ?? 4)
    return (0..<count).map { ($0 + 1) % interval == 0 ? .full : .window(chunk) }
  }
}
