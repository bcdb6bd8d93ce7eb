import Terminal

/// A way to look.
public enum ThemeName: String, CaseIterable, Sendable {
  /// In the terminal's own colours; made for light text on a dark background, readable on most.
  case dark
  /// For dark text on a light background.
  case light
  /// White on black, with heavier means.
  case highContrast = "high-contrast"
}

/// What the user asks for with `--theme` and in the configuration.
public enum ThemeChoice: String, CaseIterable, Sendable {
  /// Light where COLORFGBG says that the background is, otherwise dark.
  case auto
  /// Always this one.
  case dark
  /// Always this one.
  case light
  /// Always this one.
  case highContrast = "high-contrast"

  /// The theme to begin with.
  public func theme(environment: [String: String]) -> ThemeName {
    if let name = ThemeName(rawValue: rawValue) { return name }
    // "15;0" or "0;default;15": the last part is the background, one of the sixteen colours.
    guard let last = environment["COLORFGBG"]?.split(separator: ";").last, let color = Int(last)
    else { return .dark }
    return color == 7 || (9...15).contains(color) ? .light : .dark
  }
}

extension State {
  /// The next theme, until the program ends.
  mutating func switchTheme() {
    let all = ThemeName.allCases
    theme = all[((all.firstIndex(of: theme) ?? 0) + 1) % all.count]
    let name = theme.rawValue
    message = Notice(
      text: "theme: \(name); to keep it: [display] theme = \"\(name)\" in config.toml")
  }
}
