/// The pieces of a SentencePiece model file: a protocol buffer whose field 1, repeated, is a piece with its text (1),
/// score (2) and type (3). Source: `sentencepiece_model.proto` of google/sentencepiece.
struct SentencePieceModel {
  struct Piece {
    var text = ""
    var score: Float = 0
    var kind = VocabularyConversion.Kind.normal
  }

  private(set) var pieces: [Piece] = []

  init(_ path: String) throws(ModelFileError) {
    let file = try MappedFile(path)
    guard file.byteCount <= 64 << 20 else {
      throw ModelFileError(
        path: path, found: counted(file.byteCount, "byte"), expected: "at most 64 MiB")
    }
    let bytes = file.withUnsafeBytes { Array($0) }
    func flaw(_ position: Int) -> ModelFileError {
      ModelFileError(
        path: path, place: .byte(position), found: "what is no field of a protocol buffer",
        expected: "a SentencePiece model")
    }
    var reader = FieldReader(bytes[...])
    while let field = reader.next() {
      guard field.number == 1, let content = field.content else { continue }
      var piece = Piece()
      var inner = FieldReader(content)
      while let field = inner.next() {
        switch field.number {
        case 1: piece.text = String(decoding: field.content ?? [], as: UTF8.self)
        case 2: piece.score = Float(bitPattern: UInt32(truncatingIfNeeded: field.value))
        case 3: piece.kind = .init(rawValue: Int32(truncatingIfNeeded: field.value)) ?? .normal
        default: break
        }
      }
      guard inner.isAtEnd else { throw flaw(inner.position) }
      pieces.append(piece)
    }
    guard reader.isAtEnd, !pieces.isEmpty else { throw flaw(reader.position) }
  }
}

/// Goes through the fields of a protocol buffer's message.
private struct FieldReader {
  struct Field {
    var number: UInt64
    var value: UInt64 = 0
    var content: ArraySlice<UInt8>?
  }

  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int
  var isAtEnd: Bool { position == bytes.endIndex }

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// The next field; nil at the end, and where there is no field.
  mutating func next() -> Field? {
    let start = position
    guard !isAtEnd, let tag = number() else {
      position = start
      return nil
    }
    var field = Field(number: tag >> 3)
    let isWhole =
      switch tag & 7 {
      case 0: take(&field.value) { $0.number() }
      case 1: take(&field.value) { $0.fixed(8) }
      case 2: take(&field.content) { $0.slice() }
      case 5: take(&field.value) { $0.fixed(4) }
      default: false
      }
    guard isWhole else {
      position = start
      return nil
    }
    return field
  }

  private mutating func take<T>(_ place: inout T, _ read: (inout Self) -> T?) -> Bool {
    guard let value = read(&self) else { return false }
    place = value
    return true
  }

  private mutating func number() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard !isAtEnd else { return nil }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }

  private mutating func fixed(_ count: Int) -> UInt64? {
    guard bytes.endIndex - position >= count else { return nil }
    defer { position += count }
    return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func slice() -> ArraySlice<UInt8>?? {
    guard let length = number(), length <= bytes.endIndex - position else { return nil }
    defer { position += Int(length) }
    return .some(bytes[position..<position + Int(length)])
  }
}
