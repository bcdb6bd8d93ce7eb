import CKernels

/// Palettes, as coremltools makes them: 2^B levels for the whole tensor, and a code of B bits for each weight.
///
/// The levels are the means of the clusters with the least sum of squared distances (k-means in one dimension,
/// which dynamic programming solves exactly; `ClusterSearch`), rounded to f16, saturating at 65,504. A weight takes the
/// nearest level, the lower of two. A tensor of up to 16,384 finite weights is clustered exactly; the weights of
/// larger ones are first counted into bins by the upper 16 bits of their float (sign, exponent, 7 bits of
/// mantissa), each standing for its mean: exact for BF16 sources. Bins are merged in pairs while more than 16,384
/// of them are used. With fewer distinct weights than levels the last level is repeated. NaN encodes as 0 does,
/// infinities as the ends; neither counts for the levels.
///
/// Stored bytes: the codes of all weights, B bits each without gaps, padded once; then the levels in rising
/// order, 2 bytes (f16) each.
public struct PaletteFormat: Hashable, Sendable {
  /// The bits that coremltools' palettes may have, but for 1.
  public static let bitChoices = [2, 3, 4, 6, 8]

  /// Bits of a code.
  public let bits: Int

  /// A format, or nil where `bitChoices` doesn't have the bits.
  public init?(bits: Int) {
    guard Self.bitChoices.contains(bits) else { return nil }
    self.bits = bits
  }

  /// All palettes, by falling bits.
  public static let all: [PaletteFormat] = bitChoices.reversed().compactMap(PaletteFormat.init)
}

extension PaletteFormat: FormatScheme {
  /// The canonical name: `palB`.
  public var description: String { "pal\(bits)" }

  func storedByteCount(rows: Int, rowLength: Int) -> Int {
    let weights = rows * rowLength
    return weights > 0 ? Packing.byteCount(weights, bits: bits) + levelBytes : 0
  }

  /// The bytes of the levels.
  var levelBytes: Int { 2 << bits }

  func makeCodec() -> any Codec { PaletteCodec(self, levels: nil) }

  func makeScan() -> (any TensorScan)? { PaletteScan(self) }

  var pieceAlignment: Int? { 1 }

  /// `:tensor` may be written, and is the default.
  static let family = FormatFamily(knownNames: all.reversed().map(\.description)) {
    name throws(FormatError) in
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard let format = all.first(where: { $0.description == parts[0] }) else { return nil }
    if let part = parts.dropFirst().first(where: { $0 != "tensor" }) {
      throw FormatError(text: name, problem: .unknownPart(part), nearest: ["tensor"])
    }
    if parts.count > 2 { throw FormatError(text: name, problem: .repeatedPart(parts[2])) }
    return .palette(format)
  }
}

/// Encodes and decodes with the levels of one tensor.
struct PaletteCodec: Codec {
  let palette: PaletteFormat
  /// 2^B levels in rising order; nil: those of the weights at hand.
  let levels: [Float]?

  init(_ format: PaletteFormat, levels: [Float]?) {
    palette = format
    self.levels = levels
  }

  var format: Format { .palette(palette) }

  private func levels(for weights: Span<Float>) -> [Float] {
    if let levels { return levels }
    var scan = PaletteScan(palette)
    scan.observe(weights)
    return scan.levels()
  }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    precondition(reconstructed.count >= weights.count, "too little room for the weights")
    guard rowLength > 0, weights.count > 0 else { return }
    withKernel(levels(for: weights)) { kernel in
      weights.withUnsafeBufferPointer { source in
        reconstructed.withUnsafeMutableBufferPointer {
          bl_palette_round(&kernel, source.baseAddress, source.count, $0.baseAddress)
        }
      }
    }
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    let rowLength = max(rowLength, 0)
    let rows = rowLength > 0 ? weights.count / rowLength : 0
    let count = rows * rowLength
    guard count > 0 else {
      return EncodedWeights(unchecked: format, rows: rows, rowLength: rowLength, bytes: [])
    }
    let levels = levels(for: weights)
    var codes = [UInt8](repeating: 0, count: count)
    withKernel(levels) { kernel in
      weights.withUnsafeBufferPointer { source in
        codes.withUnsafeMutableBufferPointer {
          bl_palette_codes(&kernel, source.baseAddress, count, $0.baseAddress)
        }
      }
    }
    var bytes = Packing.pack(codes, bits: palette.bits)
    for level in levels { IntegerFormat.ScaleType.f16.append(level, to: &bytes) }
    return EncodedWeights(unchecked: format, rows: rows, rowLength: rowLength, bytes: bytes)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    guard encoded.format == format else { return }
    let count = encoded.rows * encoded.rowLength
    precondition(weights.count >= count, "too little room for the weights")
    let levels = encoded.levels
    guard !levels.isEmpty else { return }
    let codes = Packing.unpack(encoded.bytes[...], count: count, bits: palette.bits)
    for index in codes.indices { weights[index] = levels[Int(codes[index])] }
  }

  private func withKernel(_ levels: [Float], _ body: (inout bl_palette) -> Void) {
    let bounds = zip(levels, levels.dropFirst()).map { $0 + ($1 - $0) / 2 }
    levels.withUnsafeBufferPointer { levels in
      bounds.withUnsafeBufferPointer { bounds in
        var kernel = bl_palette(
          levels: levels.baseAddress, bounds: bounds.baseAddress, bits: Int32(palette.bits))
        body(&kernel)
      }
    }
  }
}

extension EncodedWeights {
  /// The levels of a palette in rising order; empty for other formats.
  public var levels: [Float] {
    guard case .palette(let palette) = format, bytes.count >= palette.levelBytes else { return [] }
    let stored = bytes.suffix(palette.levelBytes)
    return stride(from: stored.startIndex, to: stored.endIndex, by: 2).map {
      Decode.half(UInt16(stored[$0]) | UInt16(stored[$0 + 1]) << 8)
    }
  }
}

/// Counts the weights of a tensor, and finds its levels.
struct PaletteScan: TensorScan {
  /// Up to this many finite weights are kept one by one, and this many points are clustered.
  static let mostPoints = 1 << 14

  private let palette: PaletteFormat
  private var values: [Float] = []
  /// Counts and sums of lower key bits; empty while `values` has all.
  private var bins: [UInt64] = []

  init(_ format: PaletteFormat) { palette = format }

  mutating func observe(_ weights: Span<Float>) {
    var start = 0
    while bins.isEmpty, start < weights.count {
      if weights[start].isFinite { values.append(weights[start]) }
      start += 1
      guard values.count > Self.mostPoints else { continue }
      bins = [UInt64](repeating: 0, count: 2 << 16)
      let kept = values
      values = []
      count(kept.span)
    }
    if start < weights.count { count(weights.extracting(start..<weights.count)) }
  }

  mutating func merge(_ other: any TensorScan) {
    guard let other = other as? Self else { return }
    observe(other.values.span)
    guard !other.bins.isEmpty else { return }
    if bins.isEmpty {
      let kept = values
      values = []
      bins = other.bins
      count(kept.span)
    } else {
      bins.add(other.bins)
    }
  }

  private mutating func count(_ weights: Span<Float>) {
    weights.withUnsafeBufferPointer { weights in
      bins.withUnsafeMutableBufferPointer {
        bl_palette_count(weights.baseAddress, weights.count, $0.baseAddress)
      }
    }
  }

  mutating func endPass() -> (any Codec)? { PaletteCodec(palette, levels: levels()) }

  /// The levels of what was observed.
  func levels() -> [Float] {
    let count = 1 << palette.bits
    var levels = ClusterSearch(points).means(count).map {
      Decode.half(Decode.halfPattern(max(-65504, min(65504, Float($0)))))
    }
    levels += [Float](repeating: levels.last ?? 0, count: count - levels.count)
    return levels
  }

  /// Distinct values in rising order, and how many weights each stands for.
  private var points: [ClusterSearch.Point] {
    var points: [ClusterSearch.Point] = []
    guard !bins.isEmpty else {
      for value in values.sorted() {
        if points.last?.value == Double(value) {
          points[points.count - 1].weight += 1
        } else {
          points.append(ClusterSearch.Point(value: Double(value), weight: 1))
        }
      }
      return points
    }
    for key in 0..<1 << 16 where bins[2 * key] > 0 {
      // Within a bin the value is a linear function of the key's lower bits.
      let first = Double(Float(sortableKey: UInt32(key) << 16, magnitude: false))
      let last = Double(Float(sortableKey: UInt32(key) << 16 | 0xffff, magnitude: false))
      let share = Double(bins[2 * key + 1]) / Double(bins[2 * key]) / 0xffff
      points.append(
        ClusterSearch.Point(
          value: first + (last - first) * share, weight: Double(bins[2 * key])))
    }
    while points.count > Self.mostPoints { points = Self.merged(points) }
    return points
  }

  /// Each two neighbours as one point.
  private static func merged(_ points: [ClusterSearch.Point]) -> [ClusterSearch.Point] {
    stride(from: 0, to: points.count, by: 2).map { index in
      guard index + 1 < points.count else { return points[index] }
      let (a, b) = (points[index], points[index + 1])
      let weight = a.weight + b.weight
      return ClusterSearch.Point(
        value: a.value + (b.value - a.value) * (b.weight / weight), weight: weight)
    }
  }
}
