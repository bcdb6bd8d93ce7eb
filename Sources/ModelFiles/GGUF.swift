/// Reads the header of a GGUF file, versions 2 and 3.
///
/// The format: "GGUF", version, number of tensors, number of key-value pairs, the pairs, then for
/// each tensor its name, dimensions (the contiguous one first), type and offset, then padding to
/// the alignment and the data. Source: the GGUF specification of ggml, and what its own reader
/// refuses.
enum GGUF {
  /// The fewest bytes of a tensor's entry: name length, number of dimensions, type, offset.
  private static let minimumTensorSize = 24
  /// The fewest bytes of a pair: key length, type, one byte.
  private static let minimumPairSize = 13
  private static let maximumRank = 4
  static let alignmentKey = "general.alignment"

  /// Whether bytes begin as a GGUF file does.
  static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.starts(with: "GGUF".utf8)
  }

  /// The header of a file, with its tensors in the order of their data, which is that of the
  /// header.
  static func read(_ file: MappedFile) throws(ModelFileError) -> FileContents {
    do throws(Flaw) {
      return try file.withUnsafeBytes { (bytes) throws(Flaw) in try read(bytes, file: file) }
    } catch {
      throw error.inFile(file.path)
    }
  }

  private static func read(
    _ bytes: UnsafeRawBufferPointer, file: MappedFile
  ) throws(Flaw) -> FileContents {
    guard isLikely(bytes) else {
      let found = bytes.prefix(4).map { "0x" + hex($0) }.joined(separator: " ")
      throw Flaw(
        .byte(0), found: found.isEmpty ? "an empty file" : found, expected: "the magic \"GGUF\"")
    }
    var reader = GGUFReader(bytes, file: file, position: 4)
    try checkVersion(try reader.integer(UInt32.self, "the version"))
    let tensorCount = try count(&reader, "tensors", minimumSize: minimumTensorSize)
    let pairCount = try count(&reader, "key-value pairs", minimumSize: minimumPairSize)

    let metadata = try readPairs(&reader, count: pairCount)
    let alignment = try alignment(metadata)
    var tensors: [StoredTensor] = []
    var names = Set<String>()
    for index in 0..<tensorCount {
      let tensor = try readTensor(&reader, index: index)
      guard names.insert(tensor.name).inserted else {
        throw Flaw(.tensor(tensor.name), found: "the name twice", expected: "it once")
      }
      tensors.append(tensor)
    }
    try placeData(&tensors, headerEnd: reader.position, alignment: alignment, end: bytes.count)
    return FileContents(tensors: tensors, metadata: metadata)
  }

  /// The key-value pairs of a file, each as it is stored.
  static func pairs(of file: MappedFile) throws(ModelFileError) -> [GGUFPair] {
    do throws(Flaw) {
      return try file.withUnsafeBytes { (bytes) throws(Flaw) in
        var reader = GGUFReader(bytes, file: file, position: 4)
        try checkVersion(try reader.integer(UInt32.self, "the version"))
        _ = try count(&reader, "tensors", minimumSize: minimumTensorSize)
        let pairCount = try count(&reader, "key-value pairs", minimumSize: minimumPairSize)
        var pairs: [GGUFPair] = []
        for index in 0..<pairCount {
          let key = try reader.name("key \(index + 1) of \(pairCount)")
          let type = try reader.type(of: key)
          let start = reader.position
          _ = try reader.value(type, key: key)
          pairs.append(
            GGUFPair(key: key, type: type, bytes: Array(bytes[start..<reader.position])))
        }
        return pairs
      }
    } catch {
      throw error.inFile(file.path)
    }
  }

  private static func checkVersion(_ version: UInt32) throws(Flaw) {
    let place = ModelFileError.Place.byte(4)
    switch version {
    case 2, 3: return
    case 1:
      throw Flaw(
        place, found: "GGUF version 1", expected: "version 2 or 3",
        remedy: "convert the model again with a current llama.cpp")
    case _ where version & 0xFFFF == 0 && version != 0:
      throw Flaw(
        place, found: "a big-endian GGUF", expected: "a little-endian one",
        remedy: "convert it with gguf_convert_endian.py")
    default:
      throw Flaw(place, found: "GGUF version \(version)", expected: "version 2 or 3")
    }
  }

  /// A count that the rest of the file could hold.
  private static func count(
    _ reader: inout GGUFReader, _ what: String, minimumSize: Int
  ) throws(Flaw) -> Int {
    let place = reader.position
    let claimed = try reader.integer(UInt64.self, "the number of \(what)")
    let limit = reader.remaining / minimumSize
    guard claimed <= limit else {
      throw Flaw(
        .byte(place), found: "\(claimed) \(what)",
        expected: "at most \(grouped(limit)), what the rest of the file holds")
    }
    return Int(claimed)
  }

  private static func readPairs(
    _ reader: inout GGUFReader, count: Int
  ) throws(Flaw) -> Metadata {
    var metadata = Metadata()
    for index in 0..<count {
      let key = try reader.name("key \(index + 1) of \(count)")
      guard metadata[key] == nil else {
        throw Flaw(.key(key), found: "the key twice", expected: "it once")
      }
      let type = try reader.type(of: key)
      metadata.set(try reader.value(type, key: key), for: key)
    }
    return metadata
  }

  private static func alignment(_ metadata: Metadata) throws(Flaw) -> Int {
    guard let value = metadata[alignmentKey] else { return 32 }
    guard case .uint32(let alignment) = value else {
      throw Flaw(.key(alignmentKey), found: "\(quoted(value.description))", expected: "a uint32")
    }
    guard alignment >= 8, alignment & (alignment - 1) == 0 else {
      throw Flaw(
        .key(alignmentKey), found: "an alignment of \(alignment)",
        expected: "a power of two, 8 or more")
    }
    return Int(alignment)
  }

  /// A tensor's entry.
  ///
  /// `offset` of the result counts from the start of the data.
  private static func readTensor(
    _ reader: inout GGUFReader, index: Int
  ) throws(Flaw) -> StoredTensor {
    let name = try reader.name("the name of tensor \(index + 1)")
    let place = ModelFileError.Place.tensor(name)
    let rank = try reader.integer(UInt32.self, "the number of dimensions of \(quoted(name))")
    guard rank <= maximumRank else {
      throw Flaw(place, found: "\(rank) dimensions", expected: "at most \(maximumRank)")
    }
    var shape: [Int] = []
    for _ in 0..<rank {
      let dimension = try reader.integer(UInt64.self, "a dimension of \(quoted(name))")
      guard let size = Int(exactly: dimension) else {
        throw Flaw(place, found: "the dimension \(dimension)", expected: "one below 2^63")
      }
      shape.append(size)
    }
    shape.reverse()

    let number = try reader.integer(UInt32.self, "the type of \(quoted(name))")
    guard let source = SourceType(ggmlNumber: number) else {
      if let removed = SourceType.removedFromGGML[number] {
        throw Flaw(
          place, found: "the type \(removed) (\(number)), which ggml has removed",
          expected: "a type of today", remedy: "convert the model again")
      }
      throw Flaw(place, found: "the type number \(number)", expected: "a type of ggml")
    }
    let row = shape.last ?? 1
    guard row % source.blockLength == 0 else {
      throw Flaw(
        place, found: "rows of \(counted(row, "weight"))",
        expected: "a multiple of \(source.blockLength) for \(source)")
    }
    guard let weightCount = elementCount(shape),
      let byteCount = source.byteCount(elements: weightCount)
    else {
      throw Flaw(
        place, found: "the shape \(shown(shape)) of \(source)", expected: "fewer than 2^63 bytes")
    }
    let claimed = try reader.integer(UInt64.self, "the offset of \(quoted(name))")
    guard let offset = Int(exactly: claimed) else {
      throw Flaw(place, found: "the offset \(claimed)", expected: "one within the file")
    }
    return StoredTensor(
      name: name, shape: shape, source: source, offset: offset, byteCount: byteCount,
      weightCount: weightCount)
  }

  /// Checks that the tensors' data is aligned, ascending, without overlap and within the file, and
  /// makes their offsets count from the start of the file.
  private static func placeData(
    _ tensors: inout [StoredTensor], headerEnd: Int, alignment: Int, end: Int
  ) throws(Flaw) {
    guard !tensors.isEmpty else { return }
    // The header lies within the file and the alignment has 32 bits: no overflow.
    let dataStart = (headerEnd + alignment - 1) / alignment * alignment
    guard dataStart <= end else {
      throw Flaw(
        .byte(headerEnd), found: "the end of the file at byte \(end)",
        expected: "the data of the tensors at byte \(dataStart)", remedy: "a partial download?")
    }
    let size = end - dataStart
    var position = 0
    for index in tensors.indices {
      let tensor = tensors[index]
      let place = ModelFileError.Place.tensor(tensor.name)
      guard tensor.offset % alignment == 0 else {
        throw Flaw(
          place, found: "the offset \(tensor.offset)", expected: "a multiple of \(alignment)")
      }
      guard tensor.offset >= position else {
        throw Flaw(
          place, found: "the offset \(tensor.offset) (an overlap, or out of order)",
          expected: "at least \(position), where the tensor before ends")
      }
      guard tensor.offset <= size, tensor.byteCount <= size - tensor.offset else {
        throw Flaw(
          place,
          found:
            "\(counted(tensor.byteCount, "byte")) at offset \(tensor.offset) of the data section",
          expected: "them within its \(grouped(size)) bytes", remedy: "a partial download?")
      }
      position = tensor.offset + tensor.byteCount
      tensors[index].offset = dataStart + tensor.offset
    }
  }
}
