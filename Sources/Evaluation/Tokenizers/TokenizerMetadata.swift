import ModelFiles

/// Reads the tokenizer of a GGUF.
struct TokenizerMetadata {
  private let metadata: Metadata
  private let name: String

  private static let greatestVocabulary = 1 << 24

  static func read(_ model: Model) throws(EvaluationError) -> Tokenizer {
    try TokenizerMetadata(metadata: model.metadata, name: model.name).tokenizer()
  }

  /// The kinds of tokens, by GGUF's numbers.
  private enum Kind: Int {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  private subscript(key: String) -> MetadataValue? { metadata["tokenizer.ggml.\(key)"] }

  private func tokenizer() throws(EvaluationError) -> Tokenizer {
    let tokens = strings("tokens")
    guard !tokens.isEmpty else { throw .tokenizer("\(name): its file has no tokenizer") }
    let kinds = numbers("token_type")
    // Of tokens of the same text the first one counts.
    let vocabulary = Dictionary(
      tokens.enumerated().map { (ExactText($1), $0) }, uniquingKeysWith: { first, _ in first })
    var added: [Tokenizer.AddedToken] = []
    for (index, kind) in kinds.enumerated() where index < tokens.count {
      guard let kind = Kind(rawValue: kind), kind == .control || kind == .userDefined else {
        continue
      }
      added.append(
        Tokenizer.AddedToken(
          text: Array(tokens[index].unicodeScalars), token: index, isSpecial: kind == .control))
    }
    switch self["model"]?.string {
    case "gpt2": return try bytePairs(vocabulary, added)
    case "llama": return sentencePieces(vocabulary, added)
    case "bert": return wordPieces(vocabulary, added)
    case let kind:
      throw .tokenizer(
        "\(name): tokenizers of the kind '\((kind ?? "none").sanitised)' aren't supported; there "
          + "are: gpt2, llama, bert")
    }
  }

  private func strings(_ key: String) -> [String] {
    self[key]?.array?.prefix(Self.greatestVocabulary).compactMap(\.string) ?? []
  }

  private func numbers(_ key: String) -> [Int] {
    self[key]?.array?.prefix(Self.greatestVocabulary).map { $0.int ?? 0 } ?? []
  }

  /// The token that begins a text, if it is to be put there.
  private func beginning(_ usual: Bool, _ usualToken: Int?) -> [Int] {
    guard self["add_bos_token"]?.bool ?? usual else { return [] }
    return (self["bos_token_id"]?.int ?? usualToken).map { [$0] } ?? []
  }

  private func bytePairs(
    _ vocabulary: [ExactText: Int], _ added: [Tokenizer.AddedToken]
  ) throws(EvaluationError) -> Tokenizer {
    let cutter: WordCutter
    var isLlama3 = false
    switch self["pre"]?.string ?? "default" {
    case "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v1-en": cutter = .gpt2
    case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone":
      cutter = .gpt2Digits
    case "llama3", "llama-v3", "llama-bpe", "falcon3":
      cutter = .llama3(digits: 3)
      isLlama3 = true
    case "qwen2", "deepseek-r1-qwen", "megrez": cutter = .llama3(digits: 1)
    case let rules:
      throw .tokenizer(
        "\(name): its tokenizer cuts by the rules '\(rules.sanitised)', which aren't supported; "
          + "there are: gpt-2, smollm, llama-bpe, qwen2")
    }
    let merges = strings("merges").compactMap(TokenizerFile.pair)
    return Tokenizer(
      .bytePairs(
        BytePairs(
          vocabulary: vocabulary, merges: merges, cutter: cutter, ignoresMerges: isLlama3)),
      addedTokens: added, before: beginning(isLlama3, 11))
  }

  private func sentencePieces(
    _ vocabulary: [ExactText: Int], _ added: [Tokenizer.AddedToken]
  ) -> Tokenizer {
    let scores =
      self["scores"]?.array?.prefix(Self.greatestVocabulary).map { Float($0.double ?? 0) } ?? []
    let isPrefixed = self["add_space_prefix"]?.bool ?? true
    let pieces = SentencePieces(
      vocabulary: vocabulary, order: .scores(scores), prefix: isPrefixed ? .first : .never,
      unknown: self["unknown_token_id"]?.int ?? 0)
    return Tokenizer(.sentencePieces(pieces), addedTokens: added, before: beginning(true, 1))
  }

  private func wordPieces(
    _ vocabulary: [ExactText: Int], _ added: [Tokenizer.AddedToken]
  ) -> Tokenizer {
    let pieces = WordPieces(
      vocabulary: vocabulary, unknown: self["unknown_token_id"]?.int ?? 100, inner: "",
      outer: String(SentencePieces.space), cleaning: WordPieces.Cleaning())
    let end = self["seperator_token_id"]?.int ?? self["separator_token_id"]?.int ?? 102
    return Tokenizer(
      .wordPieces(pieces), addedTokens: added, before: beginning(true, 101), behind: [end])
  }
}

extension Tokenizer {
  /// The tokenizer of a model: that of its GGUF, or the tokenizer.json beside it.
  public init(of model: Model) throws(EvaluationError) {
    if model.container == .gguf {
      self = try TokenizerMetadata.read(model)
      return
    }
    guard let path = model.filesBeside.first(where: { $0.hasSuffix("/tokenizer.json") }) else {
      throw .tokenizer(
        "\(model.name): there is no tokenizer.json beside it; give the data as tokens")
    }
    self = try TokenizerFile.read(path)
  }
}
