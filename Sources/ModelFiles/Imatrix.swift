/// Importance by input channel, as llama.cpp's `llama-imatrix` writes it.
///
/// Two forms: a GGUF of type `imatrix`, with for each tensor the sums of squared activations
/// (`NAME.in_sum2`) and how many were summed (`NAME.counts`); and the older binary form (`.dat`):
/// the number of entries, then for each the length of its name, the name, a number of calls, a number
/// of values, and the values, sums over the calls; then, in later files, the number of chunks and the
/// name of the data set. All integers have 32 bits, all values are single precision, little-endian.
/// Source: llama.cpp, tools/imatrix and tools/quantize.
public struct Imatrix: Sendable, Equatable {
  /// The importance of one tensor's input channels, to the bit what llama-quantize computes with.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name in GGUF: `blk.0.attn_q.weight`.
    public let name: String
    /// Mean squared activations, `matrices` times as many as a row has weights. Finite, from 0 on.
    public let values: [Float]
    /// How many matrices are stacked in the tensor: experts; 1 otherwise.
    ///
    /// The older form doesn't say it: 1 there, whatever the number of values.
    public let matrices: Int
    /// The matrices that no token went through; their values are 1, as llama-quantize takes them.
    public let unseen: [Int]

    init(name: String, values: [Float], matrices: Int, unseen: [Int] = []) {
      self.name = name
      self.values = values
      self.matrices = matrices
      self.unseen = unseen
    }
  }

  /// The entries, in the order of the file.
  public let entries: [Entry]
  /// What the activations were collected on, as far as the file says.
  public let datasets: [String]
  /// How many chunks of text were run, if the file says.
  public let chunks: Int?

  private let places: [String: Int]

  /// The entry of a tensor.
  public subscript(name: String) -> Entry? { places[name].map { entries[$0] } }

  /// Reads a file of either form.
  /// - Throws: ``ModelFileError``: the place, what was found, what was expected.
  public static func open(_ path: String) throws(ModelFileError) -> Imatrix {
    try read(try MappedFile(path))
  }

  /// Reads a file that is open.
  package static func read(_ file: MappedFile) throws(ModelFileError) -> Imatrix {
    let contents = file.withUnsafeBytes { GGUF.isLikely($0) } ? try GGUF.read(file) : nil
    do throws(Flaw) {
      guard let contents else { return try readLegacy(file) }
      return try readGGUF(file, contents)
    } catch {
      throw error.inFile(file.path)
    }
  }

  init(entries: [Entry], datasets: [String], chunks: Int?) {
    self.entries = entries
    self.datasets = datasets
    self.chunks = chunks
    places = Dictionary(
      entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  // MARK: - GGUF

  private static func readGGUF(_ file: MappedFile, _ contents: FileContents) throws(Flaw) -> Imatrix
  {
    let type = contents.metadata["general.type"]?.string
    guard type == "imatrix" else {
      throw Flaw(
        .key("general.type"), found: type.map { quoted($0) } ?? "nothing: a model?",
        expected: "\"imatrix\"")
    }
    var sums: [(name: String, tensor: StoredTensor)] = []
    var counts: [String: StoredTensor] = [:]
    for tensor in contents.tensors {
      if tensor.name.hasSuffix(".in_sum2") {
        sums.append((String(tensor.name.dropLast(8)), tensor))
      } else if tensor.name.hasSuffix(".counts") {
        counts[String(tensor.name.dropLast(7))] = tensor
      }
    }
    var entries: [Entry] = []
    for (name, tensor) in sums {
      guard let count = counts.removeValue(forKey: name) else {
        throw Flaw(.tensor(name), found: "sums without counts", expected: "\(name).counts")
      }
      entries.append(try entry(name, sums: tensor, counts: count, in: file))
    }
    if let name = counts.keys.min() {
      throw Flaw(.tensor(name), found: "counts without sums", expected: "\(name).in_sum2")
    }
    guard !entries.isEmpty else {
      throw Flaw(.file, found: "no entries", expected: "at least one NAME.in_sum2")
    }
    let datasets = contents.metadata["imatrix.datasets"]?.array?.prefix(64).compactMap(\.string)
    return Imatrix(
      entries: entries, datasets: datasets ?? [],
      chunks: contents.metadata["imatrix.chunk_count"]?.int)
  }

  private static func entry(
    _ name: String, sums: StoredTensor, counts: StoredTensor, in file: MappedFile
  ) throws(Flaw) -> Entry {
    guard sums.source == .f32, counts.source == .f32 else {
      throw Flaw(
        .tensor(name), found: "\(sums.source.rawValue) sums and \(counts.source.rawValue) counts",
        expected: "F32")
    }
    let matrices = counts.weightCount
    guard matrices > 0, sums.weightCount > 0, sums.weightCount % matrices == 0 else {
      throw Flaw(
        .tensor(name), found: "\(sums.weightCount) sums for \(matrices) counts",
        expected: "a row of sums for each count")
    }
    let row = sums.weightCount / matrices
    let number = floats(of: counts, in: file)
    var values = floats(of: sums, in: file)
    var unseen: [Int] = []
    for (matrix, calls) in number.enumerated() {
      guard calls.isFinite, calls >= 0 else {
        throw Flaw(.tensor(name), found: "a count of \(calls)", expected: "a number from 0 on")
      }
      // As llama-quantize does it: counts are whole, halves away from zero, and what was never seen
      // has an importance of 1.
      let count = calls.rounded(.toNearestOrAwayFromZero)
      if count == 0 { unseen.append(matrix) }
      for index in matrix * row..<(matrix + 1) * row {
        let sum = values[index]
        values[index] = try checked(count > 0 ? sum / count : 1, sum: sum, name: name)
      }
    }
    return Entry(name: name, values: values, matrices: matrices, unseen: unseen)
  }

  private static func floats(of tensor: StoredTensor, in file: MappedFile) -> [Float] {
    file.withUnsafeBytes { bytes in
      (0..<tensor.weightCount).map { index in
        bytes.loadUnaligned(fromByteOffset: tensor.offset + 4 * index, as: Float.self)
      }
    }
  }

  private static func checked(_ value: Float, sum: Float, name: String) throws(Flaw) -> Float {
    guard value.isFinite, value >= 0, sum >= 0 else {
      throw Flaw(
        .tensor(name), found: "an importance of \(sum)", expected: "a finite number from 0 on")
    }
    return value
  }

  // MARK: - The older form

  private static func readLegacy(_ file: MappedFile) throws(Flaw) -> Imatrix {
    try file.withUnsafeBytes { (bytes) throws(Flaw) in
      if let flaw = ForeignFile.flaw(bytes, name: file.name) { throw flaw }
      var reader = LegacyReader(bytes: bytes)
      let count = try reader.count("the number of entries", atLeast: 1, bytesEach: 13)
      var entries: [Entry] = []
      var names = Set<String>()
      for _ in 0..<count {
        let entry = try reader.entry()
        guard names.insert(entry.name).inserted else {
          throw Flaw(.tensor(entry.name), found: "the name twice", expected: "it once")
        }
        entries.append(entry)
      }
      guard reader.position < bytes.count else {
        return Imatrix(entries: entries, datasets: [], chunks: nil)
      }
      let chunks = try reader.integer("the number of chunks")
      let dataset = try reader.text("the name of the data set")
      return Imatrix(
        entries: entries, datasets: dataset.isEmpty ? [] : [dataset],
        chunks: chunks > 0 ? Int(chunks) : nil)
    }
  }

  private struct LegacyReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    mutating func integer(_ what: String) throws(Flaw) -> Int32 {
      guard bytes.count - position >= 4 else {
        throw Flaw(
          .byte(position), found: "the end of the file", expected: what,
          remedy: position == 0 ? "is it an imatrix?" : nil)
      }
      defer { position += 4 }
      return Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
    }

    /// A count of things of so many bytes each, which the rest of the file must hold.
    mutating func count(
      _ what: String, atLeast least: Int, bytesEach: Int
    ) throws(Flaw) -> Int {
      let place = position
      let value = Int(try integer(what))
      let most = (bytes.count - position) / bytesEach
      guard value >= least, value <= most else {
        throw Flaw(
          .byte(place), found: "\(value) as \(what)",
          expected: most < least ? "a longer file" : "\(least) to \(most)")
      }
      return value
    }

    mutating func text(_ what: String) throws(Flaw) -> String {
      let length = try count("the length of \(what)", atLeast: 0, bytesEach: 1)
      defer { position += length }
      return String(decoding: bytes[position..<position + length], as: UTF8.self)
    }

    mutating func entry() throws(Flaw) -> Entry {
      let place = position
      let name = try text("a name")
      guard !name.isEmpty else {
        throw Flaw(.byte(place), found: "an empty name", expected: "a tensor's name")
      }
      let calls = try integer("a number of calls")
      let count = try count("a number of values", atLeast: 1, bytesEach: 4)
      var values: [Float] = []
      values.reserveCapacity(count)
      for _ in 0..<count {
        let sum = bytes.loadUnaligned(fromByteOffset: position, as: Float.self)
        position += 4
        values.append(
          try Imatrix.checked(calls > 0 ? sum / Float(calls) : sum, sum: sum, name: name))
      }
      return Entry(name: name, values: values, matrices: 1)
    }
  }
}
