/// Reads the header of a safetensors file.
///
/// The format: 8 bytes with the length of the header, little-endian; the header, a JSON object
/// `{"name": {"dtype": "F32", "shape": [2, 4], "data_offsets": [begin, end]}, ..., "__metadata__":
/// {...}}`; then the data, which `data_offsets` cut into pieces without hole or overlap. All of
/// that is checked.
enum Safetensors {
  /// The largest header that the format allows, in bytes.
  static let maximumHeaderLength = 100_000_000
  /// More dimensions than this are an attack, not a tensor.
  static let maximumRank = 1024

  /// The header of a file, with its tensors in the order of their data.
  static func read(_ file: MappedFile) throws(ModelFileError) -> FileContents {
    do throws(Flaw) {
      return try file.withUnsafeBytes(read)
    } catch {
      throw error.inFile(file.path)
    }
  }

  /// Whether bytes begin as a safetensors file does: a possible length, then an object.
  static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let length = try? headerLength(bytes), length > 0 else { return false }
    return bytes[8] == UInt8(ascii: "{") || bytes[8] == UInt8(ascii: " ")
  }

  private static func headerLength(_ bytes: UnsafeRawBufferPointer) throws(Flaw) -> Int {
    guard bytes.count >= 8 else {
      throw Flaw(
        .byte(0), found: "a file of \(counted(bytes.count, "byte"))",
        expected: "the 8 bytes of a header length", remedy: "a partial download?")
    }
    let claimed = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard claimed <= maximumHeaderLength else {
      throw Flaw(
        .byte(0), found: "a header length of \(claimed)",
        expected: "at most \(grouped(maximumHeaderLength))", remedy: "not a safetensors file?")
    }
    let length = Int(claimed)
    guard length <= bytes.count - 8 else {
      throw Flaw(
        .byte(0),
        found: "a header of \(counted(length, "byte")) in a file of \(grouped(bytes.count))",
        expected: "at most \(grouped(bytes.count - 8))", remedy: "a partial download?")
    }
    return length
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws(Flaw) -> FileContents {
    let length = try headerLength(bytes)
    let header = UnsafeRawBufferPointer(rebasing: bytes[8..<8 + length])
    var cursor = JSONCursor(header, start: 8)
    var tensors: [StoredTensor] = []
    var metadata: Metadata?

    guard cursor.peek() == UInt8(ascii: "{") else {
      throw cursor.unexpected("a JSON object as header")
    }
    try cursor.open(UInt8(ascii: "{"))
    var isFirst = true
    while let name = try cursor.nextKey(&isFirst) {
      if name == "__metadata__" {
        if metadata != nil {
          throw Flaw(.key(name), found: "it twice", expected: "it once")
        }
        metadata = try readMetadata(&cursor)
      } else {
        tensors.append(try readTensor(name, &cursor, dataStart: 8 + length))
      }
    }
    try cursor.end()
    try checkNames(tensors)
    try checkLayout(&tensors, from: 8 + length, to: bytes.count)
    return FileContents(tensors: tensors, metadata: metadata ?? Metadata())
  }

  private static func readMetadata(_ cursor: inout JSONCursor) throws(Flaw) -> Metadata {
    let place = ModelFileError.Place.key("__metadata__")
    guard cursor.peek() != UInt8(ascii: "n") else {
      _ = try cursor.literal()
      return Metadata()
    }
    guard cursor.peek() == UInt8(ascii: "{") else {
      let flaw = cursor.unexpected("an object of strings")
      throw Flaw(place, found: flaw.found, expected: flaw.expected)
    }
    var metadata = Metadata()
    try cursor.open(UInt8(ascii: "{"))
    var isFirst = true
    while let key = try cursor.nextKey(&isFirst) {
      guard cursor.peek() == UInt8(ascii: "\"") else {
        let flaw = cursor.unexpected("a string")
        throw Flaw(place, found: "\(flaw.found) for \(quoted(key))", expected: flaw.expected)
      }
      metadata.set(.string(try cursor.string()), for: key)
    }
    return metadata
  }

  /// The value of a tensor's entry.
  ///
  /// `offset` of the result counts from the start of the file.
  private static func readTensor(
    _ name: String, _ cursor: inout JSONCursor, dataStart: Int
  ) throws(Flaw) -> StoredTensor {
    let place = ModelFileError.Place.tensor(name)
    guard cursor.peek() == UInt8(ascii: "{") else {
      let flaw = cursor.unexpected("an object with dtype, shape and data_offsets")
      throw Flaw(place, found: flaw.found, expected: flaw.expected)
    }
    var source: SourceType?
    var shape: [Int]?
    var offsets: [Int]?
    try cursor.open(UInt8(ascii: "{"))
    var isFirst = true
    while let key = try cursor.nextKey(&isFirst) {
      switch key {
      case "dtype" where source == nil:
        guard cursor.peek() == UInt8(ascii: "\"") else {
          throw Flaw(place, found: "a dtype that is no string", expected: "a dtype such as \"F32\"")
        }
        let dtype = try cursor.string()
        source = SourceType(safetensorsName: dtype)
        if source == nil {
          throw Flaw(
            place, found: "the dtype \(quoted(dtype, limit: 24))",
            expected: "one of safetensors' own, such as \"F32\"")
        }
      case "shape" where shape == nil:
        shape = try numbers(&cursor, place, "shape", "a dimension", limit: maximumRank)
      case "data_offsets" where offsets == nil:
        offsets = try numbers(&cursor, place, "data_offsets", "an offset", limit: 2)
      case "dtype", "shape", "data_offsets":
        throw Flaw(place, found: "\(key) twice", expected: "it once")
      default:
        try cursor.skipValue(depth: 3)
      }
    }
    guard let source, let shape, let offsets else {
      let missing = source == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw Flaw(place, found: "no \(missing)", expected: "dtype, shape and data_offsets")
    }
    guard offsets.count == 2 else {
      throw Flaw(
        place, found: "\(counted(offsets.count, "number")) in data_offsets", expected: "2")
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else {
      throw Flaw(
        place, found: "data_offsets [\(begin), \(end)]", expected: "a begin before the end")
    }
    guard let weightCount = elementCount(shape),
      let byteCount = source.byteCount(elements: weightCount)
    else {
      throw Flaw(
        place, found: "the shape \(shown(shape)) of \(source)",
        expected: "a whole number of bytes below 2^63")
    }
    guard byteCount == end - begin else {
      throw Flaw(
        place, found: "\(counted(end - begin, "byte")) of data",
        expected: "\(grouped(byteCount)) for the shape \(shown(shape)) of \(source)")
    }
    let (offset, overflow) = dataStart.addingReportingOverflow(begin)
    guard !overflow else {
      throw Flaw(place, found: "the offset \(begin)", expected: "one within the file")
    }
    return StoredTensor(
      name: name, shape: shape, source: source, offset: offset, byteCount: byteCount,
      weightCount: weightCount)
  }

  /// An array of at most `limit` whole numbers.
  private static func numbers(
    _ cursor: inout JSONCursor, _ place: ModelFileError.Place, _ key: String, _ item: String,
    limit: Int
  ) throws(Flaw) -> [Int] {
    guard cursor.peek() == UInt8(ascii: "[") else {
      throw Flaw(
        place, found: cursor.unexpected("").found + " as \(key)",
        expected: "an array of whole numbers")
    }
    try cursor.open(UInt8(ascii: "["))
    var numbers: [Int] = []
    numbers.reserveCapacity(2)
    var isFirst = true
    while try cursor.nextElement(&isFirst) {
      guard numbers.count < limit else {
        throw Flaw(
          place, found: "more than \(counted(limit, "number")) in \(key)",
          expected: "at most \(grouped(limit))")
      }
      do throws(Flaw) {
        numbers.append(try cursor.wholeNumber("a whole number, not negative, below 2^63"))
      } catch {
        throw Flaw(place, found: "\(error.found) as \(item)", expected: error.expected)
      }
    }
    return numbers
  }

  private static func checkNames(_ tensors: [StoredTensor]) throws(Flaw) {
    var names = Set<String>(minimumCapacity: tensors.count)
    for tensor in tensors where !names.insert(tensor.name).inserted {
      throw Flaw(.tensor(tensor.name), found: "the name twice", expected: "it once")
    }
  }

  /// Sorts tensors by their data, which must fill the file from `start` to `end` without hole or
  /// overlap.
  private static func checkLayout(
    _ tensors: inout [StoredTensor], from start: Int, to end: Int
  ) throws(Flaw) {
    let isBefore = { (a: StoredTensor, b: StoredTensor) in
      (a.offset, a.byteCount) < (b.offset, b.byteCount)
    }
    let isSorted = zip(tensors, tensors.dropFirst()).allSatisfy { !isBefore($1, $0) }
    if !isSorted { tensors.sort(by: isBefore) }

    var position = start
    for tensor in tensors {
      guard tensor.offset == position else {
        let relation = tensor.offset < position ? "an overlap" : "a hole"
        throw Flaw(
          .tensor(tensor.name),
          found: "data at byte \(tensor.offset - start) of the data section (\(relation))",
          expected: "it at \(position - start), where the tensor before ends")
      }
      guard tensor.byteCount <= end - position else {
        throw Flaw(
          .tensor(tensor.name),
          found: "\(counted(max(0, end - position), "byte")) of data before the end of the file",
          expected: grouped(tensor.byteCount), remedy: "a partial download?")
      }
      position += tensor.byteCount
    }
    guard position == end else {
      throw Flaw(
        .byte(position), found: "\(counted(end - position, "byte")) after the last tensor",
        expected: "the end of the file")
    }
  }
}

/// A shape for a line of text: "[2, 4]", cut in the middle if it is long.
func shown(_ shape: [Int]) -> String {
  guard shape.count > 8 else { return "\(shape)" }
  return "[" + shape.prefix(6).map(String.init).joined(separator: ", ")
    + ", … (\(shape.count) dimensions)]"
}
