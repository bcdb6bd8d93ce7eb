import CKernels

/// 128 bits that stand for some bytes.
///
/// Made for telling tensors apart at the speed of memory, not for guarding against somebody who wants two of
/// them to be confused: it isn't cryptographic. By chance, two of a billion tensors agree with a probability
/// of about 10^-21.
public struct ContentHash: Hashable, Sendable {
  /// The bytes of a digest.
  public static let byteCount = 16

  /// The first half.
  public let first: UInt64
  /// The second half.
  public let second: UInt64

  /// The digest of bytes.
  public init(of bytes: UnsafeRawBufferPointer) {
    var empty: UInt8 = 0
    var digest: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &digest) { digest in
      let words = digest.assumingMemoryBound(to: UInt64.self).baseAddress
      // C wants a pointer even to no bytes.
      if let start = bytes.baseAddress {
        bl_content_hash(start, bytes.count, words)
      } else {
        bl_content_hash(&empty, 0, words)
      }
    }
    (first, second) = digest
  }

  /// The digest of words.
  public init(of words: [UInt64]) {
    self = words.withUnsafeBytes { ContentHash(of: $0) }
  }

  /// A digest from its two halves.
  public init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }
}

/// Bell-shaped numbers that are the same in every run and on every processor.
public enum BellNumbers {
  /// Fills `numbers` with those of a key: about 0, of this deviation, none beyond 3.5 deviations.
  public static func fill(_ numbers: inout MutableSpan<Float>, key: UInt64, deviation: Float) {
    numbers.withUnsafeMutableBufferPointer { numbers in
      guard let start = numbers.baseAddress else { return }
      bl_bell(key, numbers.count, deviation, start)
    }
  }
}
