/// TOML's values of one word: truth values, numbers, dates and times.
enum TOMLScalar {
  /// Whether a text is one.
  static func isOne(_ text: ArraySlice<UInt8>) -> Bool {
    text.elementsEqual("true".utf8) || text.elementsEqual("false".utf8) || isNumber(text)
      || isTime(text)
  }

  // MARK: - Numbers

  private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
    if text.starts(with: "0x".utf8) { return isRun(text.dropFirst(2)) { hexadecimal([$0]) != nil } }
    if text.starts(with: "0o".utf8) { return isRun(text.dropFirst(2)) { 0x30...0x37 ~= $0 } }
    if text.starts(with: "0b".utf8) { return isRun(text.dropFirst(2)) { 0x30...0x31 ~= $0 } }
    let rest = withoutSign(text)
    if rest.elementsEqual("inf".utf8) || rest.elementsEqual("nan".utf8) { return true }
    return isDecimal(rest)
  }

  /// Digits, perhaps a fraction, perhaps an exponent.
  private static func isDecimal(_ text: ArraySlice<UInt8>) -> Bool {
    let parts = text.split(
      maxSplits: 1, omittingEmptySubsequences: false, whereSeparator: { $0 | 0x20 == 0x65 })
    if parts.count > 1, !isRun(withoutSign(parts[1]), isDigit) { return false }
    let halves = parts[0].split(
      separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    let hasLeadingZero = halves[0].count > 1 && halves[0].first == UInt8(ascii: "0")
    return !hasLeadingZero && halves.allSatisfy { isRun($0, isDigit) }
  }

  private static func withoutSign(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    text.first == UInt8(ascii: "+") || text.first == UInt8(ascii: "-") ? text.dropFirst() : text
  }

  /// At least one digit, with single underscores between digits.
  private static func isRun(_ text: ArraySlice<UInt8>, _ isDigit: (UInt8) -> Bool) -> Bool {
    text.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false).allSatisfy {
      !$0.isEmpty && $0.allSatisfy(isDigit)
    }
  }

  /// The number that hexadecimal digits are; nil if they are none.
  static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
    var number: UInt32 = 0
    for digit in digits {
      guard let value = Character(Unicode.Scalar(digit)).hexDigitValue, digit < 0x80 else {
        return nil
      }
      number = number << 4 | UInt32(value)
    }
    return number
  }

  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

  // MARK: - Dates and times

  /// A date, a time, or both with or without an offset; 0 stands for a digit.
  private static func isTime(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    guard take("0000-00-00", from: &rest) else { return isClock(text, mayHaveOffset: false) }
    guard let separator = rest.first else { return true }
    return [0x54, 0x74, 0x20].contains(separator)
      && isClock(rest.dropFirst(), mayHaveOffset: true)
  }

  private static func isClock(_ text: ArraySlice<UInt8>, mayHaveOffset: Bool) -> Bool {
    var rest = text
    guard take("00:00:00", from: &rest) else { return false }
    if rest.first == UInt8(ascii: ".") {
      let digits = rest.dropFirst().prefix(while: isDigit)
      if digits.isEmpty { return false }
      rest = rest[digits.endIndex...]
    }
    guard mayHaveOffset, !rest.isEmpty else { return rest.isEmpty }
    return rest.elementsEqual("Z".utf8) || rest.elementsEqual("z".utf8)
      || (take("+00:00", from: &rest) || take("-00:00", from: &rest)) && rest.isEmpty
  }

  private static func take(_ form: String, from text: inout ArraySlice<UInt8>) -> Bool {
    let start = text.prefix(form.utf8.count)
    let isSame =
      start.count == form.utf8.count
      && zip(form.utf8, start).allSatisfy { $0 == 0x30 ? isDigit($1) : $0 == $1 }
    if isSame { text = text.dropFirst(start.count) }
    return isSame
  }
}
