import Dispatch
import Foundation
import ModelFiles
import Quantization
import Synchronization

/// Writes a safetensors file of a known shape, whole or not at all.
struct ModelMaker: Sendable {
  /// What the weights are.
  enum Weights: Sendable {
    /// Zeros, which take no room: a hole in the file.
    case sparse
    /// Bell-shaped about 0 (norms about 1), as wide as a trained model's; the same for the same seed.
    case random(seed: UInt64)
  }

  enum ElementType: String, CaseIterable, Sendable {
    case bf16, f16, f32

    var byteCount: Int { self == .f32 ? 4 : 2 }

    /// As config.json calls it.
    var longName: String {
      switch self {
      case .bf16: "bfloat16"
      case .f16: "float16"
      case .f32: "float32"
      }
    }

    fileprivate var format: Format {
      switch self {
      case .bf16: .float(.bf16)
      case .f16: .float(.f16)
      case .f32: .float(.f32)
      }
    }
  }

  let shape: ModelShape
  let weights: Weights
  let type: ElementType

  /// The numbers made at a time, by one key: part of what a seed means. They fit a core's cache.
  private static let keyLength = 1 << 16
  /// The numbers that a thread takes at a time.
  private static let pieceLength = 1 << 20

  /// The bytes before the data: the length of the header, and the header, padded to whole words.
  private var head: [UInt8] {
    var made: JSONObject = ["format": "pt", "made_by": "bitladder make-model"]
    made["like"] = .string(shape.name)
    if case .random(let seed) = weights { made["seed"] = .string("\(seed)") }
    var object: JSONObject = ["__metadata__": .object(made)]
    var end = 0
    for tensor in shape.tensors {
      let start = end
      end += tensor.shape.reduce(1, *) * type.byteCount
      object[tensor.name] = [
        "dtype": .string(type.rawValue.uppercased()),
        "shape": .array(tensor.shape.map { JSONValue($0) }),
        "data_offsets": [JSONValue(start), JSONValue(end)],
      ]
    }
    var text = Array(JSONWriter(.compact).string(.object(object)).utf8)
    while text.last == 0x0A { text.removeLast() }
    while text.count % 8 != 0 { text.append(0x20) }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
  }

  /// Writes the file through a temporary one beside it.
  /// - Parameter progress: called with the bytes done and all bytes, now and then, on one thread at a time.
  func write(to path: String, progress: @Sendable @escaping (Int, Int) -> Void) throws(Failure) {
    func failure(_ operation: String) -> Failure {
      Failure("\(path.sanitised): can't \(operation): \(Self.systemText)")
    }
    guard !FileManager.default.fileExists(atPath: path) else {
      throw Failure("\(path.sanitised): there is a file already; expected a new name")
    }
    let head = head
    let size = head.count + shape.weightCount * type.byteCount
    try checkSpace(for: path, size)
    let name = Path.name(path)
    let folder = Path.folder(path)
    let temporary = Path.join(folder, ".\(name.prefix(60)).making")
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure("create a file beside it") }
    // What an interrupted run leaves would be as large as the model.
    let interruptions = Interruptions { unlink(temporary) }
    defer { interruptions.end() }
    do throws(Failure) {
      defer { close(descriptor) }
      guard Self.write(head, at: 0, descriptor), ftruncate(descriptor, off_t(size)) == 0 else {
        throw failure("write to it")
      }
      if case .random(let seed) = weights,
        let code = fill(descriptor, from: head.count, size: size, seed: seed, progress)
      {
        throw Failure(
          "\(path.sanitised): can't write to it: \(String(cString: strerror(code)).lowercased())")
      }
      guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
        throw failure("write to it")
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Refuses what plainly doesn't fit.
  private func checkSpace(for path: String, _ size: Int) throws(Failure) {
    guard case .random = weights else { return }
    let folder = Path.folder(path)
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return }
    let free = Double(status.f_bavail) * Double(status.f_frsize)
    if free < Double(size) {
      throw Failure(
        "\(path.sanitised): found \(Int(free)) bytes free, expected \(size); --sparse takes none")
    }
  }

  private static var systemText: String { String(cString: strerror(errno)).lowercased() }

  // MARK: - Weights

  private struct Piece: Sendable {
    var tensor: Int
    var start: Int
    var offset: Int
    var count: Int
    var deviation: Float
    var mean: Float
  }

  /// The pieces of all tensors, in order.
  private func pieces(from start: Int) -> [Piece] {
    var pieces: [Piece] = []
    var offset = start
    for (number, tensor) in shape.tensors.enumerated() {
      let count = tensor.shape.reduce(1, *)
      let isNorm = tensor.shape.count == 1
      let deviation = isNorm ? 0.1 : 1 / Float(tensor.shape.last ?? 1).squareRoot()
      for piece in 0..<(count + Self.pieceLength - 1) / Self.pieceLength {
        let length = min(Self.pieceLength, count - piece * Self.pieceLength)
        pieces.append(
          Piece(
            tensor: number, start: piece * Self.pieceLength, offset: offset, count: length,
            deviation: deviation, mean: isNorm ? 1 : 0))
        offset += length * type.byteCount
      }
    }
    return pieces
  }

  /// Writes all weights, on all processors; the error number of what went wrong.
  private func fill(
    _ descriptor: Int32, from start: Int, size: Int, seed: UInt64,
    _ progress: @Sendable @escaping (Int, Int) -> Void
  ) -> Int32? {
    let pieces = pieces(from: start)
    let failed = Mutex<Int32?>(nil)
    let done = Mutex(start)
    let hasFailed = Atomic<Bool>(false)
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
      var numbers: [Float] = []
      while !hasFailed.load(ordering: .relaxed) {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < pieces.count else { return }
        guard write(pieces[number], seed: seed, with: &numbers, descriptor) else {
          let code = errno
          failed.withLock { $0 = $0 ?? code }
          hasFailed.store(true, ordering: .relaxed)
          return
        }
        done.withLock { done in
          done += pieces[number].count * type.byteCount
          progress(done, size)
        }
      }
    }
    return failed.withLock { $0 }
  }

  private func write(
    _ piece: Piece, seed: UInt64, with numbers: inout [Float], _ descriptor: Int32
  ) -> Bool {
    let codec = type.format.codec()
    for start in stride(from: 0, to: piece.count, by: Self.keyLength) {
      let count = min(Self.keyLength, piece.count - start)
      if numbers.count != count { numbers = [Float](repeating: 0, count: count) }
      let place = (piece.start + start) / Self.keyLength
      let key = ContentHash(of: [seed, UInt64(piece.tensor), UInt64(place)]).first
      var span = numbers.mutableSpan
      BellNumbers.fill(&span, key: key, deviation: piece.deviation)
      if piece.mean != 0 {
        for index in numbers.indices { numbers[index] += piece.mean }
      }
      let bytes = codec.encode(numbers.span, rowLength: count).bytes
      guard Self.write(bytes, at: piece.offset + start * type.byteCount, descriptor) else {
        return false
      }
    }
    return true
  }

  private static func write(_ bytes: [UInt8], at offset: Int, _ descriptor: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        pwrite(
          descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written,
          off_t(offset + written))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      written += count
    }
    return true
  }
}
