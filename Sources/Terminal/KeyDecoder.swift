/// Makes events of the bytes that a terminal sends.
///
/// Pure: knows no descriptor and no clock.
/// Knows the CSI and SS3 forms of keys with their modifiers, the forms of the Linux console and of rxvt,
/// those of terminfo that it's told, mouse reports (SGR) and bracketed paste. A sequence that it doesn't
/// know is taken whole and means nothing: its letters are never taken for keys.
/// Sequences as in ECMA-48, section 5.4, and in xterm's ctlseqs.
package struct KeyDecoder {
  /// No more of a paste is kept; the rest is dropped.
  static let longestPaste = 8 << 20

  /// The terminal's own forms, where they are others than the usual ones.
  var terminalKeys: [[UInt8]: Key] = [:] {
    didSet { longestTerminalKey = terminalKeys.keys.map(\.count).max() ?? 0 }
  }
  private var longestTerminalKey = 0
  private var waiting: [UInt8] = []
  private var paste: [UInt8]?

  package init() {}

  /// Whether bytes wait for more to come: an ESC that may be a key or the start of a sequence, part of a
  /// character, or a paste.
  package var isWaiting: Bool { !waiting.isEmpty || paste != nil }
  /// Whether a paste has begun.
  var isPasting: Bool { paste != nil }

  /// The events that these bytes complete.
  package mutating func decode(_ bytes: some Collection<UInt8>) -> [Event] {
    waiting += bytes
    return run(isFinal: false)
  }

  /// Nothing more came for a while: what waits is what it is.
  package mutating func flush() -> [Event] {
    if paste != nil {
      let rest = waiting
      waiting = []
      return finishPaste(with: rest[...])
    }
    return run(isFinal: true)
  }

  private mutating func run(isFinal: Bool) -> [Event] {
    let bytes = waiting
    waiting = []
    var events: [Event] = []
    var at = 0
    while at < bytes.count {
      if paste != nil {
        let (end, next) = Self.pasteEnd(bytes[at...])
        if let end {
          events += finishPaste(with: bytes[at..<end])
        } else {
          keep(bytes[at..<next])
        }
        at = next
        if end == nil { break }
        continue
      }
      switch step(bytes[at...], isFinal: isFinal) {
      case .incomplete:
        waiting = Array(bytes[at...])
        return events
      case .taken(let count, let event):
        at += count
        if let event { events.append(event) }
      }
    }
    if at < bytes.count { waiting = Array(bytes[at...]) }
    return events
  }

  private enum Step {
    case incomplete
    case taken(Int, Event?)
  }

  private mutating func step(_ bytes: ArraySlice<UInt8>, isFinal: Bool) -> Step {
    guard let first = bytes.first else { return .incomplete }
    if first != 0x1B { return Self.character(bytes, isFinal: isFinal) }
    if let (key, count) = terminalKey(bytes) { return .taken(count, .key(key)) }
    guard bytes.count > 1 else { return isFinal ? .taken(1, .key(.escape)) : .incomplete }
    switch bytes[bytes.startIndex + 1] {
    case 0x5B: return csi(bytes, isFinal: isFinal)
    case 0x4F:
      guard bytes.count > 2 else { return isFinal ? .taken(1, .key(.escape)) : .incomplete }
      let final = bytes[bytes.startIndex + 2]
      guard final >= 0x20, final < 0x7F else { return .taken(1, .key(.escape)) }
      return .taken(3, KeyForms.final(final, modifiers: 1).map(Event.key))
    default: return .taken(1, .key(.escape))
    }
  }

  private func terminalKey(_ bytes: ArraySlice<UInt8>) -> (Key, Int)? {
    var length = min(longestTerminalKey, bytes.count)
    while length > 1 {
      if let key = terminalKeys[Array(bytes.prefix(length))] { return (key, length) }
      length -= 1
    }
    return nil
  }

  /// ESC [ parameters intermediates final.
  private mutating func csi(_ bytes: ArraySlice<UInt8>, isFinal: Bool) -> Step {
    let start = bytes.startIndex + 2
    var end = start
    // The Linux console's F1 to F5: ESC [ [ A.
    if end < bytes.endIndex, bytes[end] == 0x5B { end += 1 }
    while end < bytes.endIndex, bytes[end] >= 0x20, bytes[end] < 0x40 { end += 1 }
    guard end < bytes.endIndex else {
      // A sequence of this length is none.
      if bytes.count > 64 { return .taken(bytes.count, nil) }
      return isFinal ? .taken(1, .key(.escape)) : .incomplete
    }
    let final = bytes[end]
    // Something else began in the middle of it.
    if final < 0x20 || final > 0x7E { return .taken(end - bytes.startIndex, nil) }
    let count = end - bytes.startIndex + 1
    let body = bytes[start..<end]
    if body.first == 0x5B {
      return .taken(count, KeyForms.linuxFunction(final).map(Event.key))
    }
    if body.first == 0x3C {
      return .taken(count, KeyForms.mouse(body.dropFirst(), final: final).map(Event.mouse))
    }
    if body.elementsEqual([0x32, 0x30, 0x30]), final == 0x7E {
      paste = []
      return .taken(count, nil)
    }
    return .taken(count, KeyForms.csi(body, final: final).map(Event.key))
  }

  private static func character(_ bytes: ArraySlice<UInt8>, isFinal: Bool) -> Step {
    let first = bytes[bytes.startIndex]
    if let key = KeyForms.control(first) { return .taken(1, .key(key)) }
    if first < 0x80 {
      return .taken(1, .key(.character(Character(Unicode.Scalar(first)))))
    }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1
    let tail = bytes.dropFirst().prefix(length - 1).prefix { $0 & 0xC0 == 0x80 }
    if tail.count < length - 1, tail.endIndex == bytes.endIndex, !isFinal { return .incomplete }
    let text = String(decoding: bytes.prefix(1 + tail.count), as: UTF8.self)
    // Bytes that are no character, and C1 controls, mean nothing.
    guard let scalar = text.unicodeScalars.first, scalar != "\u{FFFD}", scalar.value >= 0xA0 else {
      return .taken(1 + tail.count, nil)
    }
    return .taken(1 + tail.count, .key(.character(Character(scalar))))
  }

  // MARK: Paste

  private static let pasteMark: [UInt8] = Array("\u{1B}[201~".utf8)

  /// Where the end mark starts, if it's there, and where to go on: after it, or where it may have begun.
  private static func pasteEnd(_ bytes: ArraySlice<UInt8>) -> (end: Int?, next: Int) {
    var from = bytes.startIndex
    while let escape = bytes[from...].firstIndex(of: 0x1B) {
      let rest = bytes[escape...].prefix(pasteMark.count)
      if rest.elementsEqual(pasteMark) { return (escape, escape + pasteMark.count) }
      if pasteMark.starts(with: rest) { return (nil, escape) }
      from = escape + 1
    }
    return (nil, bytes.endIndex)
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) {
    let room = Self.longestPaste - (paste?.count ?? 0)
    paste?.append(contentsOf: bytes.prefix(room))
  }

  private mutating func finishPaste(with bytes: ArraySlice<UInt8>) -> [Event] {
    keep(bytes)
    let pasted = paste ?? []
    paste = nil
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: pasted, as: UTF8.self).unicodeScalars
    where TextWidth.kind(of: scalar.value) != .control {
      text.append(scalar)
    }
    return [.paste(String(text))]
  }
}
