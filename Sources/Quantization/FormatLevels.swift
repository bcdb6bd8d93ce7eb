/// The values that weights can have in a format with one scale: what its codec makes of its codes.
public struct FormatLevels: Hashable, Sendable {
  /// Rising, each once.
  public let values: [Float]
  /// Whether all weights of the tensor share them; otherwise each group has its own.
  public let isShared: Bool

  /// The distance of neighbours, where it is the same everywhere; nil otherwise.
  public var step: Float? {
    guard values.count > 2, let first = values.first, let last = values.last else { return nil }
    let step = (last - first) / Float(values.count - 1)
    let isEven = zip(values, values.dropFirst()).allSatisfy { abs($1 - $0 - step) <= step / 50 }
    return isEven ? step : nil
  }

  /// The levels of a group as it was encoded.
  ///
  /// Codes are replaced by others, everything else stays, and what is decoded is collected: every byte of codes
  /// takes all of its values, then made-up ones, as codes may lie across bytes. With 16 weights or more, no level
  /// of up to 8 bits is missed but by a chance of one in a million.
  /// - Parameters:
  ///   - encoded: one row.
  ///   - weights: those of the row that share a scale.
  /// - Returns: nil where there are too many levels to be drawn.
  public init?(_ encoded: EncodedWeights, _ codec: any Codec, weights: Range<Int>) {
    guard let places = encoded.codePlaces(codec), !places.isEmpty, !weights.isEmpty,
      weights.upperBound <= encoded.rowLength
    else { return nil }
    var decoder = Decoder(encoded, codec)
    var found: Set<Float> = []
    func collect() { for index in weights { found.insert(decoder.weights[index]) } }
    for value in UInt8.min...UInt8.max {
      for place in places { decoder.bytes[place] = value }
      decoder.decode()
      collect()
    }
    var random = UInt64(places.count)
    for _ in 0..<max(8, 16_384 / weights.count) {
      for place in places {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        decoder.bytes[place] = UInt8(truncatingIfNeeded: random >> 40)
      }
      decoder.decode()
      collect()
    }
    values = found.filter(\.isFinite).sorted()
    isShared = encoded.format.scaleLength(rowLength: encoded.rowLength) == nil
  }

  /// Decodes a row again and again.
  fileprivate struct Decoder {
    let row: EncodedWeights
    let codec: any Codec
    var bytes: [UInt8]
    private(set) var weights: [Float]

    init(_ row: EncodedWeights, _ codec: any Codec) {
      self.row = row
      self.codec = codec
      bytes = row.bytes
      weights = [Float](repeating: 0, count: row.rowLength)
    }

    mutating func decode() {
      let encoded = EncodedWeights(
        unchecked: row.format, rows: 1, rowLength: row.rowLength, bytes: bytes)
      var target = weights
      weights = []  // so that it isn't copied
      var span = target.mutableSpan
      codec.decode(encoded, into: &span)
      weights = target
    }
  }
}

extension Format {
  /// How many weights of a row, one after another, share a scale; nil where all of a tensor's share their levels.
  public func scaleLength(rowLength: Int) -> Int? {
    switch self {
    case .float, .palette: nil
    case .integer(let integer):
      switch integer.granularity {
      case .tensor: nil
      case .channel: rowLength
      case .group(let length): length
      }
    case .mlx(let mlx): mlx.groupLength
    case .codeBook(let book): book.geometry.length
    case .scaledFloat(let scaled): scaled.geometry.length
    case .ggml(let type):
      switch type {
      case .q2K, .q3K, .q6K, .iq2XS, .iq2S, .iq1M, .nvfp4: 16
      case .tq10, .tq20, .q10, .q20: type.blockLength
      default: 32
      }
    }
  }
}

extension EncodedWeights {
  /// The bytes of a row that hold codes and nothing else; nil where codes are too many to be told apart.
  fileprivate func codePlaces(_ codec: any Codec) -> [Int]? {
    func first(_ count: Int) -> [Int] { Array(0..<min(count, bytes.count)) }
    switch format {
    case .float(let float): return float.byteCount == 1 ? first(bytes.count) : nil
    case .integer(let integer): return first(integer.codeByteCount(rowLength: rowLength))
    case .palette(let palette): return first(rowLength * palette.bits / 8)
    case .codeBook(let book): return first(book.geometry.codeBytes * book.geometry.blocks(in: self))
    case .scaledFloat(let scaled):
      return first(scaled.geometry.codeBytes * scaled.geometry.blocks(in: self))
    case .mlx(let mlx): return first(mlx.geometry.codeBytes * mlx.geometry.blocks(in: self))
    case .ggml: return placesOfFewWeights(codec)
    }
  }

  /// The bytes of a block that concern 8 weights at most: a scale concerns 16 at least.
  private func placesOfFewWeights(_ codec: any Codec) -> [Int] {
    var most = [Int](repeating: 0, count: bytes.count)
    // Two patterns in which few codes stand for zero, whatever their bits.
    for pattern in [UInt8(0x5A), 0x35] {
      var decoder = FormatLevels.Decoder(self, codec)
      decoder.bytes = [UInt8](repeating: pattern, count: bytes.count)
      decoder.decode()
      let before = decoder.weights
      for place in bytes.indices {
        for bit in 0..<8 {
          decoder.bytes[place] = pattern ^ (1 << UInt8(bit))
          decoder.decode()
          let changed = zip(before, decoder.weights).count { $0 != $1 }
          most[place] = max(most[place], changed)
        }
        decoder.bytes[place] = pattern
      }
    }
    return most.indices.filter { (1...8).contains(most[$0]) }
  }
}
