/// Something that happened to the program.
public enum Event: Hashable, Sendable {
  /// A key was pressed.
  case key(Key)
  /// The mouse was used.
  case mouse(MouseEvent)
  /// The terminal has this size now, or has to be drawn anew.
  case resize(Size)
  /// Text was pasted. There is no control character in it.
  case paste(String)
  /// There is something in the mailbox.
  case wake
  /// The process was asked to end by this signal, or the terminal is gone (SIGHUP): save, close,
  /// and end by it (`CursesTerminal.end(bySignal:)`).
  case terminate(Int32)
}

/// A key of the keyboard.
public enum Key: Hashable, Sendable {
  /// A character other than a control character; the space bar is `character(" ")`.
  case character(Character)
  /// Ctrl and a lower-case letter, a blank, or one of `\ ] ^ _`.
  case control(Character)
  /// F1 to F12 (and up to F63 where there are that many).
  case function(Int)
  /// Arrows.
  case up, down, left, right
  /// Arrows with Shift.
  case shiftUp, shiftDown, shiftLeft, shiftRight
  /// What moves by more than a step.
  case pageUp, pageDown, home, end
  /// Tab, and Tab with Shift.
  case tab, backTab
  /// What ends an input.
  case enter, escape
  /// What changes an input.
  case backspace, delete, insert
}

/// What was done with the mouse, and where.
public struct MouseEvent: Hashable, Sendable {
  /// What was done.
  public enum Action: Hashable, Sendable {
    /// A button went down.
    case press(Button)
    /// The same button went down again at the same place, at once.
    case doublePress(Button)
    /// A button went up.
    case release(Button)
    /// The wheel was turned away from the user.
    case wheelUp
    /// The wheel was turned towards the user.
    case wheelDown
  }

  /// A button of the mouse.
  public enum Button: Hashable, Sendable {
    /// The first, second and third button.
    case left, middle, right
  }

  /// What was done.
  public var action: Action
  /// The cell it was done at.
  public var position: Point

  /// Makes an event.
  public init(_ action: Action, at position: Point) {
    self.action = action
    self.position = position
  }
}
