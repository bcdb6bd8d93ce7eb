import Terminal

extension Glyphs {
  /// The arrows that move.
  var upAndDown: String { isASCII ? "up/down" : "↑↓" }
  /// The arrows that step.
  var leftAndRight: String { isASCII ? "left/right" : "←→" }
  /// A minus as wide as a plus.
  var minus: String { isASCII ? "-" : "−" }
  /// Before an estimate.
  var about: String { isASCII ? "~" : "\u{2248}" }
  /// Between an estimate and half of its interval.
  var plusMinus: String { isASCII ? "+-" : "\u{B1}" }
  /// Before a lower bound.
  var atLeast: String { isASCII ? ">=" : "\u{2265}" }
  /// A change.
  var delta: String { isASCII ? "d" : "Δ" }
  /// Divided by.
  var divided: String { isASCII ? "/" : "÷" }
  /// The standard deviation.
  var sigma: String { isASCII ? "sd" : "σ" }
}
