import Consumers
import ModelFiles
import Planning
import Quantization
import Terminal

let textTargets: [FuzzTarget] = [
  FuzzTarget(name: "json") { bytes in
    let value = try parsed { () throws(JSONError) in
      try JSONParser.parse(Array(bytes), maximumDepth: 512)
    }
    guard let value else { return false }
    for writer in [JSONWriter(.compact), JSONWriter(.pretty)] {
      let text = writer.string(value)
      let again = try? JSONParser.parse(text, maximumDepth: 512)
      try expect(again == value, "it reads back as something else: \(text)")
    }
    return true
  },
  FuzzTarget(name: "plan") { bytes in
    func parse(_ bytes: [UInt8]) throws(Violation) -> Plan? {
      try parsed { () throws(ModelFileError) in try PlanFile.parse(bytes, path: "plan.json") }
    }
    guard let plan = try parse(Array(bytes)) else { return false }
    let text = PlanFile.text(of: plan)
    let again = try parse(Array(text.utf8))
    try expect(again == plan, "it reads back as something else: \(text)")
    try expect(again.map(PlanFile.text) == text, "it isn't written twice alike")
    return true
  },
  FuzzTarget(name: "recipe") { bytes in
    let model = SmallModel.checkpoint
    let recipe = try parsed { () throws(RecipeError) in
      try Recipe.read(Array(bytes), for: model)
    }
    guard let recipe else { return false }
    try expect(recipe.choices.count == model.tensors.count, "\(recipe.choices.count) choices")
    for note in recipe.notes { try expectOneLine(note) }
    return true
  },
  FuzzTarget(name: "format") { bytes in
    let format = try parsed { () throws(FormatError) in
      try Format(parsing: String(decoding: bytes, as: UTF8.self))
    }
    guard let format else { return false }
    let name = format.description
    let again = try? Format(parsing: name)
    try expect(again == format && again?.description == name, "\(name) isn't canonical")
    let size = format.storedByteCount(rows: 16, rowLength: 4096)
    try expect(size > 0 && size <= 8 * 16 * 4096, "\(name): \(size) bytes")
    return true
  },
  FuzzTarget(name: "pattern") { bytes in try matchPattern(bytes) },
  FuzzTarget(name: "amount") { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    let tokens = Quantity.tokens(text)
    if let tokens {
      try expect(Quantity.tokens(Quantity.text(tokens: tokens)) == tokens, "\(tokens) tokens")
    }
    if let size = Quantity.bytes(text) { try expect(size >= 0, "\(size) bytes") }
    if let speed = Quantity.bytesPerSecond(text) { try expect(speed >= 0, "\(speed) a second") }
    let budget = Budget(text)
    return tokens != nil || budget != nil
  },
  FuzzTarget(name: "keys") { bytes in
    let events = try parsed { () throws(KeyScriptError) in
      try KeyScript.parse(String(decoding: bytes, as: UTF8.self))
    }
    try expect(events?.count ?? 0 <= KeyScript.longest, "\(events?.count ?? 0) events")
    return events != nil
  },
  FuzzTarget(name: "terminal") { bytes in
    // The same bytes give the same events, however they arrive.
    var whole = KeyDecoder()
    var events = whole.decode(bytes)
    events += whole.flush()
    var piecewise = KeyDecoder()
    var pieces: [Event] = []
    for byte in bytes { pieces += piecewise.decode([byte]) }
    pieces += piecewise.flush()
    try expect(!whole.isWaiting && !piecewise.isWaiting, "bytes left after the end")
    try expect(pieces == events, "\(pieces) in pieces, \(events) at once")
    return !events.isEmpty
  },
]

/// A pattern, a line end, and a name for it. Globs are held to the textbook's definition.
private func matchPattern(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
  let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
  let text = String(decoding: bytes[..<end], as: UTF8.self)
  let name = String(decoding: bytes[min(end + 1, bytes.count)...], as: UTF8.self)
  // What it says is shown in a line made safe by others.
  guard let pattern = try? Pattern(text) else { return false }
  let found = pattern.matches(name)
  let isPlain = !text.utf8.contains(UInt8(ascii: "[")) && !text.hasPrefix("/")
  if isPlain, text.utf8.count * name.utf8.count < 1 << 16 {
    let expected = glob(Array(text.utf8), Array(name.utf8))
    try expect(found == expected, "\(text) and \(name): \(found)")
  }
  return true
}

/// Whether a name matches a glob of `*` and `?`: row by row over the pattern.
private func glob(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
  var row = [true] + [Bool](repeating: false, count: name.count)
  for element in pattern {
    var next = [element == UInt8(ascii: "*") && row[0]]
    for place in name.indices {
      switch element {
      case UInt8(ascii: "*"): next.append(next[place] || row[place + 1])
      case UInt8(ascii: "?"): next.append(row[place])
      default: next.append(row[place] && element == name[place])
      }
    }
    row = next
  }
  return row[name.count]
}
