import ModelFiles

/// Reads a tokenizer.json, the file of the tokenizers library.
struct TokenizerFile {
  private let json: JSONValue
  private let path: String

  /// No tokenizer in use is larger.
  private static let greatestFile = 256 << 20
  /// Longer words are unknown, whatever it says: all of a word's pieces are tried.
  private static let longestWord = 1000

  static func read(_ path: String) throws(EvaluationError) -> Tokenizer {
    do {
      let file = try MappedFile(path)
      guard file.byteCount <= greatestFile else {
        throw EvaluationError.tokenizer("\(path.sanitised): larger than any tokenizer")
      }
      let bytes = file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
      return try TokenizerFile(json: try JSONParser.parse(bytes), path: path).tokenizer()
    } catch let error as EvaluationError {
      throw error
    } catch {
      throw .tokenizer("\(path.sanitised): \("\(error)".sanitised)")
    }
  }

  private func flaw(_ text: String) -> EvaluationError {
    .tokenizer("\(path.sanitised): \(text)")
  }

  private func tokenizer() throws(EvaluationError) -> Tokenizer {
    let added = addedTokens()
    let frame = try frame()
    let kind: Tokenizer.Kind
    switch json["model"]?["type"]?.string ?? (json["model"]?["merges"] == nil ? nil : "BPE") {
    case "BPE" where json["model"]?["byte_fallback"]?.bool == true:
      kind = .sentencePieces(try sentencePieces())
    case "BPE": kind = .bytePairs(try bytePairs())
    case "WordPiece": kind = .wordPieces(try wordPieces())
    case let type:
      throw flaw(
        "tokenizers of the kind '\((type ?? "none").sanitised)' aren't supported; there are: BPE, "
          + "WordPiece")
    }
    return Tokenizer(
      kind, addedTokens: added, before: frame.before, behind: frame.behind,
      composes: json["normalizer"]?["type"]?.string == "NFC")
  }

  // MARK: - Parts

  private func vocabulary() throws(EvaluationError) -> [ExactText: Int] {
    guard let object = json["model"]?["vocab"]?.object else {
      throw flaw("it has no vocabulary")
    }
    var vocabulary: [ExactText: Int] = [:]
    for member in object.members {
      guard let token = member.value.int else { continue }
      // What is below 0 stands for what is no token.
      guard token >= 0 else { throw flaw("its vocabulary has the number \(token)") }
      vocabulary[ExactText(member.key)] = token
    }
    return vocabulary
  }

  private func merges() -> [(ExactText, ExactText)] {
    (json["model"]?["merges"]?.array ?? []).compactMap { merge in
      if let text = merge.string { return Self.pair(text) }
      let parts = merge.array?.compactMap(\.string) ?? []
      return parts.count == 2 ? (ExactText(parts[0]), ExactText(parts[1])) : nil
    }
  }

  /// Two tokens with a space between.
  static func pair(_ text: String) -> (ExactText, ExactText)? {
    let parts = text.unicodeScalars.split(separator: " ", maxSplits: 1)
    return parts.count == 2 ? (ExactText(parts[0]), ExactText(parts[1])) : nil
  }

  private func addedTokens() -> [Tokenizer.AddedToken] {
    (json["added_tokens"]?.array ?? []).compactMap { token in
      guard let text = token["content"]?.string, let id = token["id"]?.int else { return nil }
      return Tokenizer.AddedToken(
        text: Array(text.unicodeScalars), token: id, isSpecial: token["special"]?.bool ?? false,
        takesLeft: token["lstrip"]?.bool ?? false, takesRight: token["rstrip"]?.bool ?? false)
    }
  }

  /// What the post-processor puts around a text.
  private func frame() throws(EvaluationError) -> (before: [Int], behind: [Int]) {
    var frame: (before: [Int], behind: [Int]) = ([], [])
    for step in steps("post_processor", "processors") {
      switch step["type"]?.string {
      case "ByteLevel": continue
      case "BertProcessing", "RobertaProcessing":
        frame.before = (step["cls"]?.array?.last?.int).map { [$0] } ?? []
        frame.behind = (step["sep"]?.array?.last?.int).map { [$0] } ?? []
      case "TemplateProcessing":
        var isBehind = false
        for piece in step["single"]?.array ?? [] {
          guard let special = piece["SpecialToken"]?["id"]?.string else {
            isBehind = true
            continue
          }
          let ids = step["special_tokens"]?[special]?["ids"]?.array?.compactMap(\.int) ?? []
          if isBehind { frame.behind += ids } else { frame.before += ids }
        }
      case let type:
        throw flaw("post-processors of the kind '\((type ?? "none").sanitised)' aren't supported")
      }
    }
    return frame
  }

  /// The steps of a part: those of a sequence, a single one, or none.
  private func steps(_ part: String, _ list: String) -> [JSONValue] {
    guard let step = json[part], step != .null else { return [] }
    return step["type"]?.string == "Sequence" ? step[list]?.array ?? [] : [step]
  }

  // MARK: - Byte-level BPE

  private func bytePairs() throws(EvaluationError) -> BytePairs {
    for step in steps("normalizer", "normalizers") where step["type"]?.string != "NFC" {
      throw unsupported("normalizer", step)
    }
    let model = json["model"]
    for key in ["continuing_subword_prefix", "end_of_word_suffix"]
    where model?[key]?.string.map({ !$0.isEmpty }) ?? false {
      throw flaw("its BPE has a \(key), which isn't supported")
    }
    return BytePairs(
      vocabulary: try vocabulary(), merges: merges(), cutter: try cutter(),
      ignoresMerges: model?["ignore_merges"]?.bool ?? false)
  }

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
  private static let letters = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
  private static let rest = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let patterns: [String: WordCutter] = [
    contractions + letters + #"|\p{N}{1,3}"# + rest: .llama3(digits: 3),
    contractions + letters + #"|\p{N}"# + rest: .llama3(digits: 1),
  ]

  private func cutter() throws(EvaluationError) -> WordCutter {
    let steps = steps("pre_tokenizer", "pretokenizers")
    guard let last = steps.last, last["type"]?.string == "ByteLevel",
      last["add_prefix_space"]?.bool != true
    else { throw unsupported("pre_tokenizer", steps.last) }
    let isOwn = last["use_regex"]?.bool ?? true
    switch (steps.count, steps.first?["type"]?.string) {
    case (1, _) where isOwn: return .gpt2
    case (2, "Digits") where isOwn && steps[0]["individual_digits"]?.bool == true:
      return .gpt2Digits
    case (2, "Split") where !isOwn && steps[0]["behavior"]?.string == "Isolated":
      if let pattern = steps[0]["pattern"]?["Regex"]?.string, let cutter = Self.patterns[pattern] {
        return cutter
      }
      throw flaw("its pre-tokenizer cuts by a pattern that isn't supported")
    default: throw unsupported("pre_tokenizer", steps.first)
    }
  }

  private func unsupported(_ part: String, _ step: JSONValue?) -> EvaluationError {
    let type = step?["type"]?.string ?? "none"
    return flaw("its \(part) is of the kind '\(type.sanitised)', in a form that isn't supported")
  }

  // MARK: - SentencePiece's

  private func sentencePieces() throws(EvaluationError) -> SentencePieces {
    let vocabulary = try vocabulary()
    var table: [TokenPair: PairMerge] = [:]
    for (rank, (left, right)) in merges().enumerated() {
      guard let a = vocabulary[left], let b = vocabulary[right], let both = vocabulary[left + right]
      else { continue }
      let pair = TokenPair(left: a, right: b)
      if table[pair] == nil { table[pair] = PairMerge(rank: rank, merged: both) }
    }
    let unknown = json["model"]?["unk_token"]?.string.flatMap { vocabulary[ExactText($0)] }
    return SentencePieces(
      vocabulary: vocabulary, order: .merges(table), prefix: try prefix(), unknown: unknown)
  }

  private func prefix() throws(EvaluationError) -> SentencePieces.Prefix {
    var prefix = SentencePieces.Prefix.never
    let space = String(SentencePieces.space)
    for step in steps("normalizer", "normalizers") {
      switch step["type"]?.string {
      case "Prepend" where step["prepend"]?.string == space: prefix = .always
      case "Replace"
      where step["pattern"]?["String"]?.string == " " && step["content"]?.string == space:
        continue
      default: throw unsupported("normalizer", step)
      }
    }
    for step in steps("pre_tokenizer", "pretokenizers") {
      switch step["type"]?.string {
      case "Metaspace" where step["split"]?.bool == false:
        switch step["prepend_scheme"]?.string ?? "always" {
        case "first": prefix = .firstMissing
        case "always": prefix = .alwaysMissing
        default: prefix = .never
        }
      // No spaces are left to split at.
      case "Split" where step["pattern"]?["String"]?.string == " ": continue
      default: throw unsupported("pre_tokenizer", step)
      }
    }
    return prefix
  }

  // MARK: - BERT's

  private func wordPieces() throws(EvaluationError) -> WordPieces {
    let vocabulary = try vocabulary()
    let model = json["model"]
    guard let unknown = vocabulary[ExactText(model?["unk_token"]?.string ?? "[UNK]")] else {
      throw flaw("its vocabulary has no token for what is unknown")
    }
    guard let normalizer = json["normalizer"], normalizer["type"]?.string == "BertNormalizer",
      json["pre_tokenizer"]?["type"]?.string == "BertPreTokenizer"
    else { throw unsupported("normalizer", json["normalizer"]) }
    var cleaning = WordPieces.Cleaning()
    cleaning.removesControls = normalizer["clean_text"]?.bool ?? true
    cleaning.separatesIdeographs = normalizer["handle_chinese_chars"]?.bool ?? true
    cleaning.lowercases = normalizer["lowercase"]?.bool ?? true
    cleaning.removesAccents = normalizer["strip_accents"]?.bool ?? cleaning.lowercases
    return WordPieces(
      vocabulary: vocabulary, unknown: unknown,
      inner: model?["continuing_subword_prefix"]?.string ?? "##",
      longestWord: min(model?["max_input_chars_per_word"]?.int ?? 100, Self.longestWord),
      cleaning: cleaning)
  }
}
