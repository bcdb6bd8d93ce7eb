/// A tokenizer in GGUF's keys: byte-level BPE (GPT-2, Llama 3, Qwen) and SentencePiece's BPE with bytes to fall back
/// on (Llama 2, Mistral).
struct VocabularyConversion {
  /// The kinds of tokens, by GGUF's numbers.
  enum Kind: Int32 {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  /// The metadata.
  private(set) var pairs: [GGUFPair] = []
  private var tokens: [String] = []
  private var kinds: [Kind] = []
  private var scores: [Float] = []
  private let folder: String
  private let path: String
  private let tokenizer: JSONValue?
  private let settings: JSONValue?
  private let configuration: JSONValue

  /// No tokenizer in use is larger.
  private static let greatestFile = 256 << 20

  init(
    folder: String, configuration: JSONValue, architecture: String
  ) throws(ModelFileError) {
    self.folder = folder
    self.configuration = configuration
    path = Path.join(folder, "tokenizer.json")
    tokenizer = try Self.read(path)
    settings = try Self.read(Path.join(folder, "tokenizer_config.json"))
    let pieces = Path.join(folder, "tokenizer.model")
    if Platform.kind(of: pieces) == .file {
      try takePieces(try SentencePieceModel(pieces))
    } else if tokenizer?["model"]?["byte_fallback"] == true {
      try takeFallbackBPE()
    } else {
      try takeByteLevelBPE()
    }
    if architecture == "llama", let space = settings?["add_prefix_space"]?.bool {
      pairs.append(GGUFPair("tokenizer.ggml.add_space_prefix", space))
    }
    pairs +=
      SpecialTokens(
        tokenizer: tokenizer, settings: settings, configuration: configuration,
        template: try Self.text(Path.join(folder, "chat_template.jinja")), tokenCount: tokens.count
      ).pairs
  }

  // MARK: - Kinds of tokenizers

  private mutating func takeByteLevelBPE() throws(ModelFileError) {
    guard let tokenizer else { throw flaw(nil, "no such file", "a tokenizer") }
    guard tokenizer["model"]?["type"]?.string == "BPE" else {
      throw flaw(
        "model.type", tokenizer["model"]?["type"]?.string ?? "nothing",
        "BPE, with bytes as characters or to fall back on")
    }
    guard let name = PreTokenizer.name(of: tokenizer) else {
      throw flaw(
        "pre_tokenizer", "one that isn't known here",
        "that of \(PreTokenizer.known)", remedy: "convert it with llama.cpp, apply to that")
    }
    try takeVocabulary(tokenizer) { _ in .normal }
    pairs += [
      GGUFPair("tokenizer.ggml.model", "gpt2"), GGUFPair("tokenizer.ggml.pre", name),
      GGUFPair("tokenizer.ggml.tokens", tokens),
      GGUFPair("tokenizer.ggml.token_type", kinds.map(\.rawValue)),
      GGUFPair("tokenizer.ggml.merges", try merges(tokenizer).map { $0.joined(separator: " ") }),
    ]
  }

  /// SentencePiece's BPE without its own file.
  ///
  /// llama.cpp merges what has the greatest score first, so the order of the merges gives the scores, as it does in
  /// SentencePiece's own files. (llama.cpp's conversion writes -1000 for all.)
  private mutating func takeFallbackBPE() throws(ModelFileError) {
    guard let tokenizer else { return }
    var ranks: [String: Int] = [:]
    for (rank, merge) in try merges(tokenizer).enumerated() where ranks[merge.joined()] == nil {
      ranks[merge.joined()] = rank
    }
    let unknown = tokenizer["model"]?["unk_token"]?.string
    try takeVocabulary(tokenizer) { token in
      token == unknown ? .unknown : Self.isByte(token) ? .byte : .normal
    }
    scores = zip(tokens, kinds).map { token, kind in
      kind == .normal ? 0 - Float(ranks[token] ?? ranks.count) : 0
    }
    addPieces()
  }

  private mutating func takePieces(_ model: SentencePieceModel) throws(ModelFileError) {
    let size = max(configuration["vocab_size"]?.int ?? 0, model.pieces.count)
    try checkSize(size, known: model.pieces.count)
    for id in 0..<size {
      guard id < model.pieces.count else {
        append("[PAD\(id)]", .unused, score: -10_000)
        continue
      }
      append(model.pieces[id].text, model.pieces[id].kind, score: model.pieces[id].score)
    }
    for added in tokenizer?["added_tokens"]?.array ?? [] {
      guard let id = added["id"]?.int, let text = added["content"]?.string,
        tokens.indices.contains(id), id >= model.pieces.count || kinds[id] == .unused
      else { continue }
      tokens[id] = text
      kinds[id] = Self.kind(added, text)
      scores[id] = -1000
    }
    addPieces()
  }

  private mutating func addPieces() {
    pairs += [
      GGUFPair("tokenizer.ggml.model", "llama"), GGUFPair("tokenizer.ggml.pre", "default"),
      GGUFPair("tokenizer.ggml.tokens", tokens), GGUFPair("tokenizer.ggml.scores", scores),
      GGUFPair("tokenizer.ggml.token_type", kinds.map(\.rawValue)),
    ]
  }

  private mutating func append(_ token: String, _ kind: Kind, score: Float) {
    tokens.append(token)
    kinds.append(kind)
    scores.append(score)
  }

  // MARK: - tokenizer.json

  private static let greatestVocabulary = 1 << 24
  /// Places without a token that a vocabulary may have: models are padded to round numbers.
  private static let greatestPadding = 1 << 16

  private mutating func takeVocabulary(
    _ tokenizer: JSONValue, _ kind: (String) -> Kind
  ) throws(ModelFileError) {
    guard let vocabulary = tokenizer["model"]?["vocab"]?.object else {
      throw flaw("model.vocab", tokenizer["model"]?["vocab"]?.kind ?? "nothing", "an object")
    }
    let added = tokenizer["added_tokens"]?.array ?? []
    let ids =
      vocabulary.members.compactMap(\.value.int) + added.compactMap { $0["id"]?.int }
    let greatest = min(ids.max() ?? -1, Self.greatestVocabulary)
    let size = max(configuration["vocab_size"]?.int ?? 0, greatest + 1)
    try checkSize(size, known: ids.count)
    guard size == configuration["vocab_size"]?.int ?? size else {
      throw flaw(
        "model.vocab", "\(size) tokens",
        "at most \(configuration["vocab_size"]?.int ?? 0), the vocab_size of config.json")
    }
    tokens = (0..<size).map { "[PAD\($0)]" }
    kinds = Array(repeating: .unused, count: size)
    for member in vocabulary.members {
      guard let id = member.value.int, tokens.indices.contains(id) else {
        throw flaw("model.vocab", "no number for \(quoted(member.key))", "its place")
      }
      tokens[id] = member.key
      kinds[id] = kind(member.key)
    }
    for token in added {
      guard let id = token["id"]?.int, let text = token["content"]?.string,
        tokens.indices.contains(id)
      else { continue }
      let kind = kinds[id] == .unknown ? Kind.unknown : Self.kind(token, text)
      kinds[id] = kind
      // Spaces of user-defined tokens are plain ones.
      tokens[id] = kind == .userDefined ? text.replacing("\u{2581}", with: " ") : text
    }
  }

  /// Some models don't mark as special what is: `does_token_look_special`.
  private static func kind(_ added: JSONValue, _ text: String) -> Kind {
    let looksSpecial =
      ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(text)
      || text.hasPrefix("<|") && text.hasSuffix("|>")
      || text.hasPrefix("<\u{FF5C}") && text.hasSuffix("\u{FF5C}>")
      || text.hasPrefix("<unused") && text.hasSuffix(">")
    return added["special"] == true || looksSpecial ? .control : .userDefined
  }

  private static func isByte(_ token: String) -> Bool {
    let bytes = Array(token.utf8)
    return bytes.count == 6 && token.hasPrefix("<0x") && token.hasSuffix(">")
      && UInt8(token.dropFirst(3).dropLast(), radix: 16) != nil
  }

  /// The merges as pairs. A space within one is written as a byte-level character is.
  private func merges(_ tokenizer: JSONValue) throws(ModelFileError) -> [[String]] {
    guard let merges = tokenizer["model"]?["merges"]?.array, !merges.isEmpty else {
      throw flaw("model.merges", "none", "pairs of tokens")
    }
    var pairs: [[String]] = []
    for merge in merges {
      let parts =
        merge.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        ?? merge.array?.compactMap { $0.string?.replacing(" ", with: "\u{120}") } ?? []
      guard parts.count == 2 else {
        throw flaw("model.merges", "\(parts.count) parts", "pairs of tokens")
      }
      pairs.append(parts)
    }
    return pairs
  }

  // MARK: - Files

  private static func read(_ path: String) throws(ModelFileError) -> JSONValue? {
    guard Platform.kind(of: path) == .file else { return nil }
    let file = try MappedFile(path)
    guard file.byteCount <= greatestFile else {
      throw ModelFileError(
        path: path, found: counted(file.byteCount, "byte"),
        expected: "at most \(grouped(greatestFile))")
    }
    return try file.withUnsafeBytes { (bytes) throws(ModelFileError) in
      do throws(Flaw) {
        return try JSONParser.parse(bytes, maximumDepth: 64)
      } catch {
        throw error.inFile(path)
      }
    }
  }

  private static func text(_ path: String) throws(ModelFileError) -> String? {
    guard Platform.kind(of: path) == .file else { return nil }
    let file = try MappedFile(path)
    guard file.byteCount <= 16 << 20 else { return nil }
    return file.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  private func flaw(
    _ key: String?, _ found: String, _ expected: String, remedy: String? = nil
  ) -> ModelFileError {
    ModelFileError(
      path: path, place: key.map { .key($0) } ?? .file, found: found, expected: expected,
      remedy: remedy)
  }

  /// Checks a number of tokens against how many there are: a list is made of that length.
  private func checkSize(_ size: Int, known: Int) throws(ModelFileError) {
    let most = min(Self.greatestVocabulary, known + Self.greatestPadding)
    guard size <= most else {
      throw flaw(
        "model.vocab", "\(size) places for \(counted(known, "token"))", "at most \(grouped(most))")
    }
  }
}
