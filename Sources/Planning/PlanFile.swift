import ModelFiles
import Quantization

/// The plan file, version 1: UTF-8 JSON with its keys in a fixed order, so that the same plan always
/// gives the same bytes. `plan.schema.json` beside this file is its JSON Schema.
public enum PlanFile {
  /// The version that is written and read.
  public static let version = 1
  /// Larger files are refused before they are read.
  public static let maximumByteCount = 256 << 20

  // MARK: - Writing

  /// A plan as the text of a file.
  public static func text(of plan: Plan) -> String {
    JSONWriter(.pretty).string(json(of: plan))
  }

  /// A plan as JSON.
  public static func json(of plan: Plan) -> JSONValue {
    var object: JSONObject = [
      "bitladder": JSONValue(version),
      "model": json(of: plan.model),
    ]
    if let budget = plan.budget { object["budget"] = json(of: budget) }
    if let importance = plan.importance { object["importance"] = json(of: importance) }
    object["totals"] = [
      "bytes": JSONValue(plan.totals.bytes),
      "bitsPerWeight": JSONValue(plan.totals.bitsPerWeight),
      "nmse": optional(plan.totals.nmse),
      "sqnr": optional(plan.totals.sqnr),
    ]
    object["tensors"] = .array(plan.tensors.map(json))
    return .object(object)
  }

  /// What the plan file and all `--json` objects say of a model.
  public static func json(of model: Plan.ModelIdentity) -> JSONValue {
    [
      "name": .string(model.name),
      "architecture": model.architecture.map { .string($0) } ?? .null,
      "fingerprint": .string(model.fingerprint),
      "weights": JSONValue(model.weights),
      "bytes": JSONValue(model.bytes),
    ]
  }

  private static func json(of budget: Budget) -> JSONValue {
    switch budget {
    case .bytes(let bytes): ["bytes": JSONValue(bytes)]
    case .bitsPerWeight(let bits): ["bitsPerWeight": JSONValue(bits)]
    case .share(let share): ["share": JSONValue(share)]
    }
  }

  private static func json(of importance: Plan.Importance) -> JSONValue {
    [
      "file": .string(importance.file),
      "mapping": .string(importance.mapping),
      "datasets": .array(importance.datasets.map { .string($0) }),
      "chunks": importance.chunks.map { JSONValue($0) } ?? .null,
    ]
  }

  private static func json(of entry: Plan.Entry) -> JSONValue {
    var object: JSONObject = [
      "name": .string(entry.name),
      "shape": .array(entry.shape.map { JSONValue($0) }),
      "source": .string(entry.source),
      "format": .string(entry.choice.description),
      "bytes": JSONValue(entry.bytes),
      "bitsPerWeight": JSONValue(entry.bitsPerWeight),
      "nmse": optional(entry.nmse),
    ]
    if let weighted = entry.weightedNmse { object["weightedNmse"] = JSONValue(weighted) }
    object["exact"] = .bool(entry.exact)
    object["pinned"] = .bool(entry.isPinned)
    return .object(object)
  }

  private static func optional(_ value: Double?) -> JSONValue {
    value.map { JSONValue($0) } ?? .null
  }

  // MARK: - Reading

  /// Reads the plan in a file.
  /// - Throws: ``ModelFileError`` with the key, what was found and what was expected.
  public static func read(_ path: String) throws(ModelFileError) -> Plan {
    let file = try MappedFile(path)
    guard file.byteCount <= maximumByteCount else {
      throw ModelFileError(
        path: path, found: "\(file.byteCount) bytes",
        expected: "a plan of at most \(maximumByteCount)")
    }
    let bytes = file.withBytes(in: 0..<file.byteCount) { $0.withUnsafeBytes { Array($0) } }
    return try parse(bytes, path: path)
  }

  /// Reads a plan from the bytes of a file. Unknown keys are passed over: later versions may add some.
  /// - Parameter path: names the file in errors.
  /// - Throws: ``ModelFileError`` with the key, what was found and what was expected.
  public static func parse(_ bytes: [UInt8], path: String) throws(ModelFileError) -> Plan {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONParser.parse(bytes, maximumDepth: 16)
    } catch {
      throw ModelFileError(
        path: path, place: .byte(error.offset), found: error.found, expected: error.expected)
    }
    guard value.object != nil else {
      throw ModelFileError(
        path: path, found: value.kind, expected: "a plan: a JSON object with the key \"bitladder\"")
    }
    let root = PlanReader(path: path, place: "", value: value)
    let found = try root.member("bitladder").count()
    guard found == version else {
      throw ModelFileError(
        path: path, place: .key("bitladder"), found: "version \(found)",
        expected: "version \(version)", remedy: "made by a later bitladder?")
    }
    let tensors = try entries(try root.member("tensors"))
    var names = Set<String>(minimumCapacity: tensors.count)
    for (index, tensor) in tensors.enumerated() where !names.insert(tensor.name).inserted {
      throw ModelFileError(
        path: path, place: .key("tensors[\(index)].name"),
        found: "\"\(PlanReader.short(tensor.name))\" again",
        expected: "each tensor once")
    }
    let totals = try root.member("totals")
    return Plan(
      model: try identity(try root.member("model")),
      budget: try budget(try root.optionalMember("budget")),
      importance: try importance(try root.optionalMember("importance")),
      totals: Plan.Sums(
        bytes: try totals.member("bytes").count(),
        bitsPerWeight: try totals.member("bitsPerWeight").figure(),
        nmse: try totals.optionalMember("nmse")?.figure(),
        sqnr: try totals.optionalMember("sqnr")?.figure(signed: true)),
      tensors: tensors)
  }

  private static func identity(_ reader: PlanReader) throws(ModelFileError) -> Plan.ModelIdentity {
    Plan.ModelIdentity(
      name: try reader.member("name").text(),
      architecture: try reader.optionalMember("architecture")?.text(),
      fingerprint: try reader.member("fingerprint").text(),
      weights: try reader.member("weights").count(), bytes: try reader.member("bytes").count())
  }

  private static func budget(_ reader: PlanReader?) throws(ModelFileError) -> Budget? {
    guard let reader else { return nil }
    let bytes = try reader.optionalMember("bytes")
    let bits = try reader.optionalMember("bitsPerWeight")
    let share = try reader.optionalMember("share")
    switch (bytes, bits, share) {
    case (let bytes?, nil, nil): return .bytes(try bytes.count())
    case (nil, let bits?, nil): return .bitsPerWeight(try bits.figure())
    case (nil, nil, let share?): return .share(try share.share())
    case (nil, nil, nil):
      throw reader.error(found: "none of them", expected: "bytes, bitsPerWeight or share")
    default:
      throw reader.error(found: "several", expected: "one of bytes, bitsPerWeight and share")
    }
  }

  private static func importance(
    _ reader: PlanReader?
  ) throws(ModelFileError) -> Plan.Importance? {
    guard let reader else { return nil }
    var datasets: [String] = []
    if let list = try reader.optionalMember("datasets") {
      try list.forEach { (element) throws(ModelFileError) in datasets.append(try element.text()) }
    }
    return Plan.Importance(
      file: try reader.member("file").text(), mapping: try reader.member("mapping").text(),
      datasets: datasets, chunks: try reader.optionalMember("chunks")?.count())
  }

  private static func entries(_ list: PlanReader) throws(ModelFileError) -> [Plan.Entry] {
    var entries: [Plan.Entry] = []
    // A plan names few formats, each of them often.
    var choices: [ExactText: Choice] = [:]
    var sum = 0
    try list.forEach { (element) throws(ModelFileError) in
      let entry = try entry(element, &choices)
      let (bytes, overflow) = sum.addingReportingOverflow(entry.bytes)
      if overflow {
        throw element.error(found: "more bytes than can be counted", expected: "tensors of a model")
      }
      sum = bytes
      entries.append(entry)
    }
    return entries
  }

  private static func entry(
    _ reader: PlanReader, _ choices: inout [ExactText: Choice]
  ) throws(ModelFileError) -> Plan.Entry {
    Plan.Entry(
      name: try reader.member("name").text(), shape: try shape(try reader.member("shape")),
      source: try reader.member("source").text(),
      choice: try choice(try reader.member("format"), &choices),
      bytes: try reader.member("bytes").count(),
      bitsPerWeight: try reader.member("bitsPerWeight").figure(),
      nmse: try reader.optionalMember("nmse")?.figure(),
      weightedNmse: try reader.optionalMember("weightedNmse")?.figure(),
      exact: try reader.optionalMember("exact")?.flag() ?? false,
      isPinned: try reader.optionalMember("pinned")?.flag() ?? false)
  }

  private static func shape(_ reader: PlanReader) throws(ModelFileError) -> [Int] {
    var shape: [Int] = []
    var weights = 1
    try reader.forEach { (dimension) throws(ModelFileError) in
      shape.append(try dimension.count())
      let (product, overflow) = weights.multipliedReportingOverflow(by: shape[shape.count - 1])
      if overflow {
        throw dimension.error(
          found: "more weights than can be counted", expected: "a tensor of a model")
      }
      weights = product
    }
    return shape
  }

  private static func choice(
    _ reader: PlanReader, _ choices: inout [ExactText: Choice]
  ) throws(ModelFileError) -> Choice {
    let name = try reader.text()
    let key = ExactText(name)
    if let choice = choices[key] { return choice }
    do throws(FormatError) {
      let choice = try Choice(parsing: name)
      choices[key] = choice
      return choice
    } catch {
      throw reader.error(found: error.description, expected: "the name of a format, or \"source\"")
    }
  }
}

/// A value in a plan file, with the way to it for errors.
private struct PlanReader {
  let path: String
  let place: String
  let value: JSONValue

  func error(found: String? = nil, expected: String) -> ModelFileError {
    ModelFileError(
      path: path, place: .key(place), found: found ?? value.kind, expected: expected)
  }

  func member(_ key: String) throws(ModelFileError) -> PlanReader {
    guard let member = try optionalMember(key) else {
      throw ModelFileError(
        path: path, place: .key(join(key)), found: "nothing", expected: "this key")
    }
    return member
  }

  /// A member that may be left out or null.
  func optionalMember(_ key: String) throws(ModelFileError) -> PlanReader? {
    guard let object = value.object else { throw error(expected: "an object") }
    guard let member = object[key] else { return nil }
    if case .null = member { return nil }
    return PlanReader(path: path, place: join(key), value: member)
  }

  /// Goes through the elements of an array. Their places are put together for errors only: a plan may have
  /// a million tensors.
  func forEach(_ body: (PlanReader) throws(ModelFileError) -> Void) throws(ModelFileError) {
    guard let array = value.array else { throw error(expected: "an array") }
    for (index, element) in array.enumerated() {
      do throws(ModelFileError) {
        try body(PlanReader(path: path, place: "", value: element))
      } catch {
        throw within("\(place)[\(index)]", error)
      }
    }
  }

  private func within(_ outer: String, _ error: ModelFileError) -> ModelFileError {
    guard case .key(let inner) = error.place else { return error }
    var error = error
    let joint = inner.isEmpty || inner.hasPrefix("[") ? "" : "."
    error.place = .key(outer + joint + inner)
    return error
  }

  func text() throws(ModelFileError) -> String {
    guard let text = value.string else { throw error(expected: "a string") }
    return text
  }

  func flag() throws(ModelFileError) -> Bool {
    guard let flag = value.bool else { throw error(expected: "true or false") }
    return flag
  }

  func count() throws(ModelFileError) -> Int {
    guard let count = value.int, count >= 0 else {
      throw error(found: number, expected: "a whole number from 0 on")
    }
    return count
  }

  func figure(signed: Bool = false) throws(ModelFileError) -> Double {
    guard let figure = value.double, signed || figure >= 0 else {
      throw error(found: number, expected: signed ? "a number" : "a number from 0 on")
    }
    return figure
  }

  func share() throws(ModelFileError) -> Double {
    guard let share = value.double, (0...1).contains(share) else {
      throw error(found: number, expected: "a number from 0 to 1")
    }
    return share
  }

  /// A text from the file, cut to what a line has room for: it may be as long as the file.
  static func short(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(101)
    return start.count > 100 ? String(String.UnicodeScalarView(start.dropLast())) + "…" : text
  }

  private var number: String? {
    if case .number(let number) = value { Self.short(number.text) } else { nil }
  }

  private func join(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }
}
