import ModelFiles
import Planning
import Quantization

/// What a program was told to make of a model, read back as what each tensor gets.
public struct Recipe: Sendable, Equatable {
  /// What each tensor gets, in the model's order.
  public var choices: [Choice]
  /// What was taken for granted, or matched nothing, a sentence each.
  public var notes: [String] = []

  /// Reads a file of a program: llama-quantize's `--tensor-type-file`, the table that mlx-lm's driver takes, or the
  /// `config.json` of a model converted by mlx-lm.
  public static func read(_ text: [UInt8], for model: Model) throws(RecipeError) -> Recipe {
    let first = text.first { !Self.isBlank($0) }
    guard let first else { throw RecipeError(place: "the file", problem: "found nothing in it") }
    if first == UInt8(ascii: "{") { return try MLXTable(text).recipe(for: model) }
    return try TypeFile(text).recipe(for: model)
  }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || 9...13 ~= byte }
}

/// Why a recipe can't be read; `description` is one line.
public struct RecipeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where: an entry, a key.
  public let place: String
  /// What was found and what was expected.
  public let problem: String

  /// `PLACE: found X, expected Y`, safe for a terminal.
  public var description: String { "\(Self.shown(place)): \(Self.shown(problem))" }

  /// A line of a file can be of any length.
  private static func shown(_ text: String) -> String {
    let safe = beginning(of: text, 200).sanitised
    return safe.unicodeScalars.count < 200 ? safe : beginning(of: safe, 200) + "..."
  }

  /// Its first scalars: a single character may be as long as the file.
  fileprivate static func beginning(of text: String, _ count: Int) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(count)))
  }
}

// MARK: - llama-quantize

/// The entries of a `--tensor-type-file`: `PATTERN=TYPE`, separated by white space; the first that matches wins.
private struct TypeFile {
  private struct Entry {
    let text: String
    let format: Format
    var isUsed = false
  }

  private static let longest = 1 << 16
  private var entries: [Entry] = []
  /// Entries for one name each, by it; the first of each name.
  private var exact: [String: Int] = [:]
  private var patterns: [(place: Int, pattern: Pattern)] = []

  init(_ text: [UInt8]) throws(RecipeError) {
    for word in text.split(whereSeparator: Recipe.isBlank) {
      let token = String(decoding: word, as: UTF8.self)
      let sign = token.utf8.firstIndex(of: UInt8(ascii: "="))
      guard let sign, sign > token.startIndex else {
        throw RecipeError(place: token, problem: "expected PATTERN=TYPE")
      }
      guard entries.count < Self.longest else {
        throw RecipeError(place: token, problem: "expected at most \(Self.longest) entries")
      }
      // As llama-quantize does, which puts patterns into lower case.
      let pattern = token[..<sign].lowercased()
      let name = String(token[token.index(after: sign)...])
      let format = (try? Format(parsing: name)).flatMap {
        LlamaQuantizeRules.isKnown($0) ? $0 : nil
      }
      guard let format else {
        throw RecipeError(place: token, problem: "found \(name), expected a type of ggml")
      }
      if let literal = Self.literal(pattern) {
        if exact[literal] == nil { exact[literal] = entries.count }
      } else {
        do {
          patterns.append((entries.count, try Pattern("/\(Self.posix(pattern))/")))
        } catch {
          throw RecipeError(place: token, problem: error.description)
        }
      }
      entries.append(Entry(text: token, format: format))
    }
  }

  func recipe(for model: Model) -> Recipe {
    var file = self
    let names = GGUFNames(model)
    var recipe = Recipe(choices: Array(repeating: .source, count: model.tensors.count))
    var unmatched = 0
    var replaced = 0
    for tensor in model.tensors where tensor.suitability.isQuantizable {
      // What conversion splits gets the types of both parts: the larger one here.
      let choices = names.names(of: tensor.name).compactMap { name -> Choice? in
        let subject = LlamaQuantizeRules.Subject(
          shape: tensor.shape, as: name, architecture: names.architecture)
        guard LlamaQuantizeRules.keptReason(subject) == nil else { return nil }
        let entry = file.match(name.name)
        if entry == nil { unmatched += 1 }
        let asked = entry ?? .ggml(.q80)
        let outcome = LlamaQuantizeRules.outcome(subject, asked: asked, importance: .fits)
        guard case .fallback(let instead, _) = outcome else { return .format(asked) }
        replaced += 1
        return .format(instead)
      }
      recipe.choices[tensor.id] =
        choices.max { $0.byteCount(of: tensor) < $1.byteCount(of: tensor) } ?? .source
    }
    if unmatched > 0 {
      recipe.notes.append(
        "\(unmatched) tensors match no entry: they get q8_0, as with the base type Q8_0")
    }
    if replaced > 0 {
      recipe.notes.append(
        "\(replaced) tensors get another type, as llama-quantize would write for rows that don't fit"
      )
    }
    let unused = file.entries.filter { !$0.isUsed }
    if let first = unused.first {
      recipe.notes.append(
        "\(unused.count) entries match no tensor first: "
          + RecipeError.beginning(of: first.text, 100).sanitised
          + (unused.count > 1 ? " ..." : ""))
    }
    return recipe
  }

  private mutating func match(_ name: String) -> Format? {
    let literal = exact[name] ?? entries.count
    let pattern = patterns.first { $0.place < literal && $0.pattern.matches(name) }?.place
    let place = pattern ?? literal
    guard entries.indices.contains(place) else { return nil }
    entries[place].isUsed = true
    return entries[place].format
  }

  /// The name that `^NAME$` with its dots escaped stands for; nil for other patterns.
  private static func literal(_ pattern: String) -> String? {
    guard pattern.hasPrefix("^"), pattern.hasSuffix("$") else { return nil }
    var name = ""
    var isEscaped = false
    for character in pattern.dropFirst().dropLast() {
      if isEscaped {
        guard !character.isLetter, !character.isNumber else { return nil }
        name.append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if ".^$|?*+()[]{}".contains(character) {
        return nil
      } else {
        name.append(character)
      }
    }
    return isEscaped ? nil : name
  }

  /// A pattern of ECMAScript in POSIX's syntax, as far as types are usually chosen by.
  private static func posix(_ pattern: String) -> String {
    var result = ""
    var isEscaped = false
    for character in pattern.replacing("(?:", with: "(") {
      guard isEscaped else {
        isEscaped = character == "\\"
        if !isEscaped { result.append(character) }
        continue
      }
      isEscaped = false
      switch character {
      case "d": result += "[0-9]"
      case "w": result += "[[:alnum:]_]"
      case "s": result += "[[:space:]]"
      default: result += "\\\(character)"
      }
    }
    return isEscaped ? result + "\\" : result
  }
}

// MARK: - mlx-lm

/// A table of layers: that of the driver which `export --to mlx-lm` writes, or a converted model's `quantization`.
private struct MLXTable {
  private let layers: JSONObject
  /// What layers get that the table doesn't name; nil: they stay as they are.
  private let rest: Format?

  init(_ text: [UInt8]) throws(RecipeError) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONParser.parse(text)
    } catch {
      throw RecipeError(
        place: "byte \(error.offset)", problem: "found \(error.found), expected \(error.expected)")
    }
    if case .object(let layers)? = value["layers"] {
      self.layers = layers
      rest = nil
    } else if case .object(let settings)? = value["quantization"] {
      layers = settings
      rest = try Self.format(.object(settings), "quantization")
    } else {
      throw RecipeError(
        place: "the file",
        problem: "found neither \"layers\" nor \"quantization\", expected mlx-lm's table")
    }
  }

  func recipe(for model: Model) throws(RecipeError) -> Recipe {
    var recipe = Recipe(choices: Array(repeating: .source, count: model.tensors.count))
    var used: Set<String> = []
    for (id, tensor) in ExportedTensor.all(of: model).enumerated()
    where model.tensors[id].suitability.isQuantizable {
      guard let module = tensor.modules.first else { continue }
      let path = MLXExporter.path(module)
      if let settings = layers[path] {
        used.insert(path)
        if let format = try Self.format(settings, path) {
          recipe.choices[id] = try Self.choice(format, tensor, path)
        }
      } else if let rest, tensor.isLinear || tensor.role == .tokenEmbedding,
        rest.objection(rowLength: tensor.rowLength) == nil
      {
        recipe.choices[id] = .format(rest)
      }
    }
    let settings: Set = ["group_size", "bits", "mode"]
    let unused = layers.members.map(\.key).filter { !used.contains($0) && !settings.contains($0) }
    if let first = unused.first {
      recipe.notes.append(
        "\(unused.count) entries name no layer of the model: \(first.sanitised)"
          + (unused.count > 1 ? " ..." : ""))
    }
    return recipe
  }

  private static func choice(
    _ format: Format, _ tensor: ExportedTensor, _ path: String
  ) throws(RecipeError) -> Choice {
    if let objection = format.objection(rowLength: tensor.rowLength) {
      throw RecipeError(place: path, problem: objection)
    }
    return .format(format)
  }

  /// The format of a layer's settings; nil for `false`.
  private static func format(_ value: JSONValue, _ place: String) throws(RecipeError) -> Format? {
    if value == .bool(false) || value == .null { return nil }
    guard let bits = value["bits"]?.int, let group = value["group_size"]?.int else {
      throw RecipeError(
        place: place, problem: "found \(value.kind), expected bits and group_size, or false")
    }
    switch (value["mode"]?.string ?? "affine", bits, group) {
    case ("mxfp4", 4, 32): return .scaledFloat(.mxfp4)
    case ("mxfp8", 8, 32): return .scaledFloat(.mxfp8)
    case ("nvfp4", 4, 16): return .scaledFloat(.nvfp4)
    case ("affine", _, _):
      guard let format = MLXFormat(bits: bits, groupLength: group) else { fallthrough }
      return .mlx(format)
    default:
      throw RecipeError(
        place: place, problem: "found \(bits) bits in groups of \(group), expected what MLX has")
    }
  }
}
