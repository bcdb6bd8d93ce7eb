import Terminal

extension Glyphs {
  /// The arrows that move.
  var upAndDown: String { isASCII ? "up/down" : "↑↓" }
  /// The arrows that step.
  var leftAndRight: String { isASCII ? "left/right" : "←→" }
  /// A minus as wide as a plus.
  var minus: String { isASCII ? "-" : "−" }
  /// The standard deviation.
  var sigma: String { isASCII ? "sd" : "σ" }
}
