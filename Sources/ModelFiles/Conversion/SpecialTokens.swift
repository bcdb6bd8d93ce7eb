/// Which tokens begin and end a text, whether they are added to it, and the template of a chat.
///
/// Source: `SpecialVocab` in llama.cpp's `gguf-py/gguf/vocab.py`.
struct SpecialTokens {
  let tokenizer: JSONValue?
  let settings: JSONValue?
  let configuration: JSONValue
  /// The template that has a file of its own.
  let template: String?
  let tokenCount: Int

  private static let kinds: [(name: String, key: String)] = [
    ("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("sep", "seperator"), ("pad", "padding"),
    ("cls", "cls"), ("mask", "mask"),
  ]

  var pairs: [GGUFPair] {
    var pairs: [GGUFPair] = []
    for kind in Self.kinds {
      if let id = id(kind.name) {
        pairs.append(GGUFPair("tokenizer.ggml.\(kind.key)_token_id", id))
      }
    }
    let added = added
    for name in ["bos", "eos", "sep"] {
      if let value = added[name] ?? settings?["add_\(name)_token"]?.bool {
        pairs.append(GGUFPair("tokenizer.ggml.add_\(name)_token", value))
      }
    }
    return pairs + templates
  }

  /// The text of a token as the settings tell it.
  private func text(_ name: String) -> String? {
    let entry = settings?["\(name)_token"]
    return entry?.string ?? entry?["content"]?.string
  }

  private func id(_ name: String) -> UInt32? {
    let told = text(name).flatMap { text in
      tokenizer?["added_tokens"]?.array?.first { $0["content"]?.string == text }?["id"]?.int
    }
    guard let id = told ?? configuration["\(name)_token_id"]?.int, (0..<tokenCount).contains(id)
    else { return nil }
    return UInt32(id)
  }

  /// What the tokenizer itself adds to a text.
  private var added: [String: Bool] {
    var added: [String: Bool] = [:]
    guard let processor = tokenizer?["post_processor"] else { return added }
    for step in processor["processors"]?.array ?? [processor] {
      switch step["type"]?.string {
      case "ByteLevel":
        added["bos"] = added["bos"] ?? false
        added["eos"] = added["eos"] ?? false
      case "TemplateProcessing":
        let single = step["single"]?.array ?? []
        guard single.count > 1 else { continue }
        if let first = single.first?["SpecialToken"]?["id"]?.string {
          added["bos"] = first == text("bos")
        }
        if let last = single.last?["SpecialToken"]?["id"]?.string {
          added["eos"] = last == text("eos")
        }
        if let sep = separator(single, pair: step["pair"]?.array ?? []) { added["sep"] = sep }
      default: continue
      }
    }
    return added
  }

  /// Whether two texts have a separator between them; nil if the template doesn't say.
  private func separator(_ single: [JSONValue], pair: [JSONValue]) -> Bool? {
    func special(_ entry: JSONValue?) -> String? { entry?["SpecialToken"]?["id"]?.string }
    var pair = pair[...]
    let last = special(single.last)
    if let first = special(single.first), first == special(pair.first) { pair = pair.dropFirst() }
    if let last, last == special(pair.last) { pair = pair.dropLast() }
    guard pair.count > 2, pair.first?["Sequence"]?["id"]?.string == "A",
      pair.last?["Sequence"]?["id"]?.string == "B"
    else { return nil }
    let between = pair.dropFirst().dropLast().compactMap { special($0) }
    let ends = [text("sep") ?? text("eos"), text("eos")]
    let isEnded = last == nil && between.first.map { ends.contains($0) } ?? false
    return isEnded || between.count == 2 && ends.contains(between[1])
  }

  private var templates: [GGUFPair] {
    guard let told = settings?["chat_template"] ?? template.map({ .string($0) }) else { return [] }
    if let text = told.string { return [GGUFPair("tokenizer.chat_template", text)] }
    var pairs: [GGUFPair] = []
    var names: [String] = []
    for entry in told.array ?? [] {
      guard let name = entry["name"]?.string, let text = entry["template"]?.string else { continue }
      if name == "default" {
        pairs.append(GGUFPair("tokenizer.chat_template", text))
      } else {
        names.append(name)
        pairs.append(GGUFPair("tokenizer.chat_template.\(name)", text))
      }
    }
    return names.isEmpty ? pairs : [GGUFPair("tokenizer.chat_templates", names)] + pairs
  }
}
