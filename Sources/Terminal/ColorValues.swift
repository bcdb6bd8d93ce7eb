/// What the colours of a terminal look like where there is no terminal, such as in a picture.
struct ColorValues {
  /// What stands for the terminal's own colours.
  let foreground: String
  let background: String
  private let basic: [String]

  /// Light on dark.
  static let dark = ColorValues(
    foreground: "#d4d8de", background: "#14171c",
    basic: [
      "#2a2f37", "#e5616a", "#7fc062", "#d9b14a", "#5aa2f0", "#c583dd", "#4fbcc0", "#c8ccd2",
      "#7d8590", "#ff8087", "#9bdc7c", "#f3cc66", "#7fbcff", "#dba2f1", "#6fd8dc", "#ffffff",
    ])
  /// Dark on light.
  static let light = ColorValues(
    foreground: "#24292f", background: "#ffffff",
    basic: [
      "#24292f", "#c0202c", "#1f7a33", "#8a6100", "#0b5fc0", "#8a3ab0", "#0f7378", "#d5d9de",
      "#6a737d", "#d73a49", "#28a745", "#a87800", "#2f81f7", "#a65bd0", "#1b939a", "#f6f8fa",
    ])

  /// One of the 256 colours: the first sixteen are the theme's, the others as xterm has them.
  func value(_ index: UInt8) -> String {
    if index < 16 { return basic[Int(index)] }
    let (red, green, blue) = Color.components(index)
    return "#"
      + [red, green, blue].map { value in
        let text = String(value, radix: 16)
        return text.count == 1 ? "0" + text : text
      }.joined()
  }
}
