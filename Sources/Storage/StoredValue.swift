import Foundation
import Measurement
import Quantization

import struct Measurement.Measurement

/// What a finding is filed under, with the content: see `StoreSchema`.
struct FindingKey: Hashable, Sendable {
  /// The canonical name of the format; empty for the statistics of the weights.
  var format: String
  /// Of the input channels' importance; nil where none was given.
  var importance: ContentHash?
  var engine: Int

  /// The key in words, for the digest over a finding.
  var digest: ContentHash {
    var format = format
    let name = format.withUTF8 { ContentHash(of: UnsafeRawBufferPointer($0)) }
    return ContentHash(of: [
      importance == nil ? 0 : 1, importance?.first ?? 0, importance?.second ?? 0, name.first,
      name.second, UInt64(bitPattern: Int64(engine)),
    ])
  }

  /// The key and the content, for the digest over a finding.
  func seal(content: ContentHash) -> ContentHash { digest.sealing(content) }
}

/// The numbers of a finding as they stand in the store: little-endian words of 64 bits, the last of which is a
/// digest over the others and the key, so that a page that holds the wrong bytes gives no wrong figure.
///
/// A measurement has 13 words before it: the counts of pairs, NaN, infinities and reconstructions that aren't
/// finite; the sums of squared errors, squares, reconstructed squares and products; the greatest error; whether
/// there are weighted sums, and those two; whether every weight was looked at. Statistics have 11.
enum StoredValue {
  static let measurementWords = 13
  static let statisticsWords = 11

  static func data(_ measurement: Measurement, seal: ContentHash) -> Data {
    let sums = measurement.sums
    return data(
      [
        word(sums.count), word(sums.nan), word(sums.infinite), word(sums.notFiniteReconstructed),
        sums.squaredError.bitPattern, sums.squares.bitPattern, sums.squaresReconstructed.bitPattern,
        sums.products.bitPattern, sums.maxError.bitPattern, sums.weighted == nil ? 0 : 1,
        sums.weighted?.squaredError.bitPattern ?? 0, sums.weighted?.squares.bitPattern ?? 0,
        measurement.exact ? 1 : 0,
      ], seal: seal)
  }

  static func data(_ summary: WeightSummary, seal: ContentHash) -> Data {
    data(
      [
        word(summary.count), word(summary.nan), word(summary.infinite), word(summary.zeros),
        word(summary.outliers), summary.minimum.bitPattern, summary.maximum.bitPattern,
        summary.mean.bitPattern, summary.deviation.bitPattern, summary.kurtosis.bitPattern,
        summary.squares.bitPattern,
      ], seal: seal)
  }

  /// The sums of a measurement, and whether it is exact; nil if the bytes aren't what was written.
  static func measurement(_ data: Data, seal: ContentHash) -> (sums: ErrorSums, exact: Bool)? {
    data.withUnsafeBytes { bytes in
      guard isSound(bytes, count: measurementWords, seal: seal) else { return nil }
      var sums = ErrorSums()
      sums.count = count(bytes, 0)
      sums.nan = count(bytes, 1)
      sums.infinite = count(bytes, 2)
      sums.notFiniteReconstructed = count(bytes, 3)
      sums.squaredError = number(bytes, 4)
      sums.squares = number(bytes, 5)
      sums.squaresReconstructed = number(bytes, 6)
      sums.products = number(bytes, 7)
      sums.maxError = number(bytes, 8)
      if word(bytes, 9) != 0 {
        var weighted = WeightedSums()
        weighted.squaredError = number(bytes, 10)
        weighted.squares = number(bytes, 11)
        sums.weighted = weighted
      }
      return (sums, word(bytes, 12) != 0)
    }
  }

  /// The statistics; nil if the bytes aren't what was written.
  static func statistics(_ data: Data, seal: ContentHash) -> WeightSummary? {
    data.withUnsafeBytes { bytes in
      guard isSound(bytes, count: statisticsWords, seal: seal) else { return nil }
      return WeightSummary(
        count: count(bytes, 0), nan: count(bytes, 1), infinite: count(bytes, 2),
        zeros: count(bytes, 3), outliers: count(bytes, 4), minimum: number(bytes, 5),
        maximum: number(bytes, 6), mean: number(bytes, 7), deviation: number(bytes, 8),
        kurtosis: number(bytes, 9), squares: number(bytes, 10))
    }
  }

  // MARK: - Words

  private static func word(_ count: Int) -> UInt64 { UInt64(bitPattern: Int64(count)) }

  private static func data(_ words: [UInt64], seal: ContentHash) -> Data {
    var stored = words.map(\.littleEndian)
    stored.append(stored.withUnsafeBytes { digest($0, seal) }.littleEndian)
    return stored.withUnsafeBytes { Data($0) }
  }

  private static func isSound(
    _ bytes: UnsafeRawBufferPointer, count: Int, seal: ContentHash
  ) -> Bool {
    guard bytes.count == 8 * (count + 1) else { return false }
    return word(bytes, count) == digest(UnsafeRawBufferPointer(rebasing: bytes.dropLast(8)), seal)
  }

  private static func digest(_ bytes: UnsafeRawBufferPointer, _ seal: ContentHash) -> UInt64 {
    let hash = ContentHash(of: bytes)
    return (hash.first ^ seal.first) &* 0x9E37_79B9_7F4A_7C15 ^ hash.second ^ seal.second
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
  }

  private static func count(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
    Int(Int64(bitPattern: word(bytes, index)))
  }

  private static func number(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Double {
    Double(bitPattern: word(bytes, index))
  }
}

extension ContentHash {
  /// The digest of a key with a content's; cheap, as it is made for every finding that is read.
  func sealing(_ content: ContentHash) -> ContentHash {
    let odd: UInt64 = 0x9E37_79B9_7F4A_7C15
    let (a, b) = (first ^ content.first, second ^ content.second)
    let (c, d) = a.multipliedFullWidth(by: b | 1)
    return ContentHash(first: (c ^ a) &* odd ^ b, second: (d ^ b) &* odd ^ a)
  }

  /// The sixteen bytes that stand in the store.
  var data: Data {
    withUnsafeBytes(of: (first.littleEndian, second.littleEndian)) { Data($0) }
  }

  /// A digest from its bytes; nil if they aren't sixteen.
  init?(_ data: Data) {
    guard data.count == Self.byteCount else { return nil }
    let words = data.withUnsafeBytes { bytes in
      (
        UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    self.init(first: words.0, second: words.1)
  }
}
