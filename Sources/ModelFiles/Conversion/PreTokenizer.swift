/// How byte-level tokenizers cut a text before they merge, by llama.cpp's names.
///
/// llama.cpp's conversion tells them by what they make of a text; here their rules themselves are compared. Rules
/// that cut alike have one name here where llama.cpp has several.
enum PreTokenizer {
  /// The names, for people.
  static var known: String {
    (["gpt-2", "smollm"] + Set(patterns.values).sorted()).joined(separator: ", ")
  }

  private static let patterns: [String: String] = [
    contractions + letters + #"|\p{N}{1,3}"# + rest: "llama-bpe",
    contractions + letters + #"|\p{N}"# + rest: "qwen2",
    cased + #"|\p{N}"# + casedRest: "tekken",
  ]

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
  private static let letters = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
  private static let rest = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let cased =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"#
    + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"#
  private static let casedRest = #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// The name of a tokenizer's rules; nil if they aren't known.
  static func name(of tokenizer: JSONValue) -> String? {
    guard let rules = tokenizer["pre_tokenizer"] else { return nil }
    let steps = rules["type"]?.string == "Sequence" ? rules["pretokenizers"]?.array : [rules]
    guard let steps, let last = steps.last, last["type"]?.string == "ByteLevel",
      last["add_prefix_space"] != true
    else { return nil }
    let usesOwnPattern = last["use_regex"] != false
    switch steps.count {
    case 1: return usesOwnPattern ? "gpt-2" : nil
    case 2: break
    default: return nil
    }
    let first = steps[0]
    switch first["type"]?.string {
    case "Digits": return first["individual_digits"] == true && usesOwnPattern ? "smollm" : nil
    case "Split":
      guard !usesOwnPattern, first["behavior"]?.string == "Isolated", first["invert"] != true,
        let pattern = first["pattern"]?["Regex"]?.string
      else { return nil }
      return patterns[pattern]
    default: return nil
    }
  }
}
