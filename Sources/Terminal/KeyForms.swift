/// Which key the parts of a sequence stand for.
enum KeyForms {
  /// The key of a control byte; nil for others.
  static func control(_ byte: UInt8) -> Key? {
    switch byte {
    case 0x00: return .control(" ")
    case 0x08, 0x7F: return .backspace
    case 0x09: return .tab
    case 0x0A, 0x0D: return .enter
    case 0x1B: return .escape
    case 0x01...0x1A: return .control(Character(Unicode.Scalar(byte + 0x60)))
    case 0x1C...0x1F: return .control(Character(Unicode.Scalar(byte + 0x40)))
    default: return nil
    }
  }

  /// ESC [ body final, without mouse and paste.
  static func csi(_ body: ArraySlice<UInt8>, final: UInt8) -> Key? {
    let numbers = numbers(body)
    let first = numbers.first ?? 0
    let modifiers = numbers.count > 1 ? numbers[1] : 1
    switch final {
    case 0x7E, 0x24, 0x5E, 0x40:  // ~, and what rxvt puts there with Shift, Ctrl, both
      return numbered(first)
    case 0x61: return .shiftUp  // rxvt
    case 0x62: return .shiftDown
    case 0x63: return .shiftRight
    case 0x64: return .shiftLeft
    case 0x75: return scalar(first, modifiers: modifiers)
    default: return Self.final(final, modifiers: modifiers)
    }
  }

  /// Keys told by their last letter, with or without numbers before it.
  static func final(_ final: UInt8, modifiers: Int) -> Key? {
    let isShifted = modifiers == 2
    switch final {
    case 0x41: return isShifted ? .shiftUp : .up
    case 0x42: return isShifted ? .shiftDown : .down
    case 0x43: return isShifted ? .shiftRight : .right
    case 0x44: return isShifted ? .shiftLeft : .left
    case 0x46: return .end
    case 0x48: return .home
    case 0x49: return .tab
    case 0x4D: return .enter  // of the number pad
    case 0x50...0x53: return .function(Int(final) - 0x4F)
    case 0x5A: return .backTab
    case 0x6A...0x79:  // the number pad's * + , - . / 0 ... 9
      return .character(Character(Unicode.Scalar(final - 0x40)))
    default: return nil
    }
  }

  private static func numbered(_ number: Int) -> Key? {
    switch number {
    case 1, 7: .home
    case 2: .insert
    case 3: .delete
    case 4, 8: .end
    case 5: .pageUp
    case 6: .pageDown
    case 11...15: .function(number - 10)
    case 17...21: .function(number - 11)
    case 23, 24: .function(number - 12)
    default: nil
    }
  }

  /// A key told by its character, as in CSI u.
  private static func scalar(_ number: Int, modifiers: Int) -> Key? {
    guard let scalar = UInt32(exactly: number).flatMap(Unicode.Scalar.init) else { return nil }
    if scalar.value == 9, modifiers == 2 { return .backTab }
    if let byte = UInt8(exactly: scalar.value), let key = control(byte) { return key }
    if (0x80..<0xA0).contains(scalar.value) { return nil }
    if modifiers == 5, scalar.isASCII { return control(UInt8(scalar.value & 0x1F)) }
    return .character(Character(scalar))
  }

  /// The Linux console's F1 to F5.
  static func linuxFunction(_ final: UInt8) -> Key? {
    (0x41...0x45).contains(final) ? .function(Int(final) - 0x40) : nil
  }

  /// A mouse report: button;column;row, then M for down or m for up.
  ///
  /// Places are counted from 1.
  static func mouse(_ body: ArraySlice<UInt8>, final: UInt8) -> MouseEvent? {
    let numbers = numbers(body)
    guard numbers.count == 3, final == 0x4D || final == 0x6D else { return nil }
    let position = Point(column: max(0, numbers[1] - 1), row: max(0, numbers[2] - 1))
    let button = numbers[0] & ~(4 | 8 | 16)  // without Shift, Alt, Ctrl
    switch button {
    case 64: return MouseEvent(.wheelUp, at: position)
    case 65: return MouseEvent(.wheelDown, at: position)
    case 0...2:
      let pressed: MouseEvent.Button = button == 0 ? .left : button == 1 ? .middle : .right
      return MouseEvent(final == 0x4D ? .press(pressed) : .release(pressed), at: position)
    default: return nil
    }
  }

  /// Numbers between semicolons; a missing one is 0, what follows a colon is left out.
  private static func numbers(_ body: ArraySlice<UInt8>) -> [Int] {
    if body.isEmpty { return [] }
    return body.split(separator: 0x3B, omittingEmptySubsequences: false).map { part in
      part.prefix { $0 >= 0x30 && $0 <= 0x39 }.reduce(0) { min($0 * 10 + Int($1) - 0x30, 1 << 24) }
    }
  }
}
