// What a GGUF's metadata say of the cache, as llama.cpp reads them (src/llama-model.cpp, src/models/*.cpp).

extension CacheDraft {
  /// What a GGUF's metadata say.
  init(metadata: Metadata) throws(CacheUnknown) {
    guard let architecture = metadata["general.architecture"]?.string else {
      throw .missing(["general.architecture"])
    }
    let reader = MetadataReader(metadata: metadata, architecture: architecture)
    try Self.refuseOtherArchitectures(architecture)
    contextLength = try reader.number("context_length")
    if Self.recurrentArchitectures.contains(architecture) {
      kinds = []
      notes.append(Self.stateNote)
      return
    }
    guard let all = try reader.number("block_count") else {
      throw .missing([reader.name("block_count")])
    }
    // The layers that guess tokens ahead keep nothing while they aren't used.
    let ahead = try reader.number("nextn_predict_layers") ?? 0
    guard (1...Self.mostLayers).contains(all), ahead < all else {
      throw .unusable(key: reader.name("block_count"), found: "\(all)")
    }
    let count = all - ahead
    let heads = try reader.perLayer("attention.head_count", count) ?? []
    guard let keyHeads = try reader.perLayer("attention.head_count_kv", count) ?? heads.nonEmpty
    else { throw .missing([reader.name("attention.head_count_kv")]) }
    var kinds = try windows(architecture, count, reader)
    try removeRecurrent(&kinds, architecture, keyHeads, reader)
    let shared = try reader.number("attention.shared_kv_layers") ?? 0
    let ownLayers = architecture == "gemma3n" ? 20 : max(0, count - shared)
    for index in kinds.indices.dropFirst(ownLayers) { kinds[index] = .nothing }
    self.kinds = kinds
    try readWidths(keyHeads, heads.first { $0 > 0 }, reader)
  }

  private static let recurrentArchitectures: Set<String> = [
    "mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7",
  ]

  private static func refuseOtherArchitectures(_ name: String) throws(CacheUnknown) {
    let encoders: Set<String> = [
      "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2",
      "jina-bert-v3", "eurobert", "gemma-embedding", "t5encoder", "clip", "wavtokenizer-dec",
    ]
    if encoders.contains(name) {
      throw .otherKind("an encoder: it keeps no cache, and decodes no tokens")
    }
    if name == "t5" {
      throw .otherKind("an encoder and decoder: what it keeps of its input isn't known here")
    }
    if name == "deepseek4" {
      throw .otherKind("what \(name) keeps of its context isn't known here")
    }
  }

  /// How llama.cpp gives windows to an architecture's layers: one in so many is wide.
  private struct Pattern {
    var length: Int
    /// Whether the wide layer is the first of them.
    var wideFirst = false
    /// The window where the file names none.
    var window: Int?
  }

  private static let patterns: [String: Pattern] = [
    "gemma2": Pattern(length: 2, window: 4096), "gemma3": Pattern(length: 6),
    "gemma3n": Pattern(length: 5), "gpt-oss": Pattern(length: 2), "cohere2": Pattern(length: 4),
    "llama4": Pattern(length: 4, window: 8192), "olmo2": Pattern(length: 4),
    "smallthinker": Pattern(length: 4, wideFirst: true, window: 4096),
    "plamo3": Pattern(length: 8), "afmoe": Pattern(length: 4),
    "exaone-moe": Pattern(length: 4, window: 128), "mellum": Pattern(length: 4),
    "laguna": Pattern(length: 4, wideFirst: true),
    "cohere2moe": Pattern(length: 4, wideFirst: true), "muse-glimmer": Pattern(length: 4),
    "exaone4": Pattern(length: 4),
    // All of their layers with attention have a window.
    "lfm2": Pattern(length: 0), "lfm2moe": Pattern(length: 0),
  ]

  private mutating func windows(
    _ architecture: String, _ count: Int, _ reader: MetadataReader
  ) throws(CacheUnknown) -> [Kind] {
    let all = [Kind](repeating: .full, count: count)
    let told = try reader.number("attention.sliding_window")
    let pattern = Self.patterns[architecture]
    // A window of 0 tells llama.cpp that there is none.
    guard let window = told ?? pattern?.window, window > 0 else { return all }
    if let marks = try reader.marks("attention.sliding_window_pattern", count) {
      return marks.map { $0 ? .window(window) : .full }
    }
    // Small models of this family have none.
    if architecture == "exaone4", count != 64 { return all }
    let period = try reader.number("attention.sliding_window_pattern")
    guard var pattern else {
      if let period { return Self.kinds(count, Pattern(length: period), window) }
      notes.append("llama.cpp keeps all of the context in this family, not only a window")
      return all
    }
    if let period { pattern.length = period }
    return Self.kinds(count, pattern, window)
  }

  private static func kinds(_ count: Int, _ pattern: Pattern, _ window: Int) -> [Kind] {
    (0..<count).map { index in
      guard pattern.length > 0 else { return .window(window) }
      let wide = pattern.wideFirst ? 0 : pattern.length - 1
      return index % pattern.length == wide ? .full : .window(window)
    }
  }

  /// Layers without attention keep a state instead.
  private mutating func removeRecurrent(
    _ kinds: inout [Kind], _ architecture: String, _ keyHeads: [Int], _ reader: MetadataReader
  ) throws(CacheUnknown) {
    let defaults = ["qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "minimax-01": 8]
    let marks = try reader.marks("attention.recurrent_layers", kinds.count)
    let interval =
      try reader.number("full_attention_interval") ?? defaults[architecture]
    for index in kinds.indices {
      let isRecurrent =
        marks?[index] ?? interval.map { $0 > 0 && (index + 1) % $0 != 0 } ?? false
      if isRecurrent || keyHeads[index] == 0 { kinds[index] = .nothing }
    }
    if kinds.contains(.nothing) { notes.append(Self.stateNote) }
  }

  private mutating func readWidths(
    _ keyHeads: [Int], _ heads: Int?, _ reader: MetadataReader
  ) throws(CacheUnknown) {
    var standard: Int?
    if let heads, let width = try reader.number("embedding_length") { standard = width / heads }
    guard let keySize = try reader.number("attention.key_length") ?? standard,
      let valueSize = try reader.number("attention.value_length") ?? standard
    else {
      missing.append(reader.name("attention.key_length"))
      return
    }
    let narrowKey = try reader.number("attention.key_length_swa") ?? keySize
    let narrowValue = try reader.number("attention.value_length_swa") ?? valueSize
    let index = try reader.number("attention.indexer.key_length") ?? 0
    isLatent = try reader.number("attention.key_length_mla") ?? 0 > 0
    if !isLatent, (try reader.number("attention.kv_lora_rank") ?? 0) > 0 {
      notes.append("converted before llama.cpp kept latent vectors: it keeps whole keys and values")
      // Its tensors are those of latent attention all the same.
      isLatent = true
      widths = { layer, _ in (keyHeads[layer] * keySize, keyHeads[layer] * valueSize) }
      return try checkProducts(keyHeads, [keySize, valueSize])
    }
    try checkProducts(keyHeads, [keySize, valueSize, narrowKey, narrowValue])
    widths = { [isLatent] layer, kind in
      let heads = keyHeads[layer]
      if isLatent { return (heads * keySize + index, 0) }
      return kind == .full
        ? (heads * keySize, heads * valueSize) : (heads * narrowKey, heads * narrowValue)
    }
  }

  private func checkProducts(_ heads: [Int], _ sizes: [Int]) throws(CacheUnknown) {
    let (product, overflow) = (heads.max() ?? 0).multipliedReportingOverflow(by: sizes.max() ?? 0)
    guard !overflow, product < Self.greatest else {
      throw .unusable(key: "attention.key_length", found: "\(sizes.max() ?? 0)")
    }
  }
}

/// The keys of an architecture.
private struct MetadataReader {
  let metadata: Metadata
  let architecture: String

  func name(_ key: String) -> String { "\(architecture).\(key)" }

  /// A whole number from 0 on that can be meant; nil where there is none, or a list.
  func number(_ key: String) throws(CacheUnknown) -> Int? {
    guard let value = metadata[name(key)], value.array == nil else { return nil }
    return try number(value, key)
  }

  private func number(_ value: MetadataValue, _ key: String) throws(CacheUnknown) -> Int {
    guard let number = value.int, (0...CacheDraft.greatest).contains(number) else {
      throw .unusable(key: name(key), found: value.description)
    }
    return number
  }

  /// A number for each layer, where there may be one for all.
  func perLayer(_ key: String, _ count: Int) throws(CacheUnknown) -> [Int]? {
    guard let array = metadata[name(key)]?.array else {
      return try number(key).map { Array(repeating: $0, count: count) }
    }
    var numbers: [Int] = []
    for value in array.prefix(count) { numbers.append(try number(value, key)) }
    guard numbers.count == count else {
      throw .unusable(key: name(key), found: "a list of \(numbers.count)")
    }
    return numbers
  }

  /// A truth value for each layer, if there is such a list.
  func marks(_ key: String, _ count: Int) throws(CacheUnknown) -> [Bool]? {
    guard let array = metadata[name(key)]?.array else { return nil }
    let marks = array.prefix(count).map { $0.bool ?? ($0.int != 0) }
    guard marks.count == count else {
      throw .unusable(key: name(key), found: "a list of \(marks.count)")
    }
    return marks
  }
}

extension Array {
  fileprivate var nonEmpty: [Element]? { isEmpty ? nil : self }
}
