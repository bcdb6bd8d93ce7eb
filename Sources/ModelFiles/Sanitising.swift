extension Unicode.Scalar {
  /// Whether a terminal would not show it, or would change what is shown around it: controls,
  /// direction marks, zero-width characters, separators of lines, private and unassigned code
  /// points.
  var isUnsafeToShow: Bool {
    if value < 0x7F { return value < 0x20 }
    switch value {
    case 0x7F...0x9F: return true
    // Blank but wide or combining: grapheme joiner, fillers.
    case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0: return true
    default: break
    }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      return true
    default: return false
    }
  }
}

extension String {
  /// The text with everything a terminal would obey or hide written as a visible escape: `\x1b` for
  /// control characters below U+0080, `\u{202e}` for direction marks, zero-width characters and the
  /// like.
  public var sanitised: String {
    // Nearly all names are printable ASCII, and a model has tens of thousands of them.
    let isPlain = utf8.withContiguousStorageIfAvailable { bytes in
      var isPlain = true
      for byte in bytes where byte &- 0x20 >= 0x5F { isPlain = false }
      return isPlain
    }
    if isPlain == true { return self }
    guard unicodeScalars.contains(where: \.isUnsafeToShow) else { return self }
    var shown = ""
    for scalar in unicodeScalars {
      if !scalar.isUnsafeToShow {
        shown.unicodeScalars.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      if scalar.value < 0x80 {
        shown += digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
      } else {
        shown += "\\u{\(digits)}"
      }
    }
    return shown
  }
}

/// Whether `a` comes before `b` when numbers in names count as numbers: `layers.2` before
/// `layers.10`.
///
/// A total order: names that differ only in leading zeros are ordered by their bytes.
public func naturalOrder(_ a: String, _ b: String) -> Bool {
  var a = a
  var b = b
  return a.withUTF8 { left in b.withUTF8 { right in naturalOrder(left, right) } }
}

private func naturalOrder(
  _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
) -> Bool {
  var i = 0
  var j = 0
  while i < a.count && j < b.count {
    let x = a[i]
    let y = b[j]
    if isDigit(x) && isDigit(y) {
      let left = numberRange(a, from: i)
      let right = numberRange(b, from: j)
      if left.count != right.count { return left.count < right.count }
      for (p, q) in zip(left, right) where a[p] != b[q] { return a[p] < b[q] }
      i = left.upperBound
      j = right.upperBound
    } else if x != y {
      return x < y
    } else {
      i += 1
      j += 1
    }
  }
  if i < a.count || j < b.count { return j < b.count }
  return a.lexicographicallyPrecedes(b)
}

/// The digits at a position without leading zeros; its upper bound is the end of the number.
private func numberRange(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Range<Int> {
  var end = start
  while end < bytes.count, isDigit(bytes[end]) { end += 1 }
  var first = start
  while first < end - 1, bytes[first] == UInt8(ascii: "0") { first += 1 }
  return first..<end
}

/// Whether a byte is an ASCII digit.
@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
