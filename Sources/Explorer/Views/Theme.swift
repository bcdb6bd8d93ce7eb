import Foundation
import Terminal

/// What the screen looks like, by what its parts mean; nothing is told by colour alone. Views name a role, the theme at
/// hand says how it looks: `Theme.warning`. It is that of the state for as long as `State.draw` runs.
struct Theme: Sendable {
  /// What is set apart on the screen.
  enum Role: CaseIterable, Sendable {
    case title, faint, head, accent, key, mark, group, changed, saving, warning, failure
    /// The inks of the histogram.
    case source, reconstructed, both, errors
    /// How bad an error is, where that is worth a word.
    case good, caution, grave
    /// A plan that people know by name.
    case preset
  }

  let name: ThemeName
  private let styles: [Role: Style]
  /// The theme's own colours, where it doesn't leave the terminal's.
  private let base: Style?

  @TaskLocal static var current = Theme(.dark, depth: .many)

  init(_ name: ThemeName, depth: ColorDepth) {
    self.name = name
    let table = ThemeTable(name)
    styles = Dictionary(
      uniqueKeysWithValues: Role.allCases.map { ($0, table.style(of: $0, depth: depth)) })
    base = table.base(depth: depth)
  }

  subscript(role: Role) -> Style { styles[role] ?? .standard }

  static var title: Style { current[.title] }
  static var faint: Style { current[.faint] }
  static var head: Style { current[.head] }
  static var accent: Style { current[.accent] }
  static var key: Style { current[.key] }
  static var mark: Style { current[.mark] }
  static var group: Style { current[.group] }
  static var changed: Style { current[.changed] }
  static var saving: Style { current[.saving] }
  static var warning: Style { current[.warning] }
  static var failure: Style { current[.failure] }
  static var source: Style { current[.source] }
  static var reconstructed: Style { current[.reconstructed] }
  static var both: Style { current[.both] }
  static var errors: Style { current[.errors] }
  static var good: Style { current[.good] }
  static var caution: Style { current[.caution] }
  static var grave: Style { current[.grave] }
  static var preset: Style { current[.preset] }

  /// Gives a drawn screen the theme's own foreground and background, where it has them. In high contrast nothing is
  /// dim.
  func finish(_ canvas: inout Canvas) {
    guard name == .highContrast else { return }
    canvas.restyle(canvas.bounds) { style in
      var style = style
      style.attributes.remove(.dim)
      guard let base else { return style }
      if style.foreground == .standard { style.foreground = base.foreground }
      if style.background == .standard { style.background = base.background }
      return style
    }
  }

  /// How bad an error is, in four steps by SQNR.
  enum Severity: Int, CaseIterable {
    case none, slight, clear, grave

    init(nmse: Double) {
      let sqnr = -10 * log10(nmse)
      self = sqnr >= 40 ? .none : sqnr >= 20 ? .slight : sqnr >= 10 ? .clear : .grave
    }

    var style: Style {
      switch self {
      case .none: Theme.good
      case .slight: .standard
      case .clear: Theme.caution
      case .grave: Theme.grave
      }
    }
  }

  /// How much of a severity bar an error fills: nothing at 50 dB and better, all of it at 0 dB.
  static func severityShare(nmse: Double) -> Double {
    guard nmse > 0 else { return 0 }
    guard nmse.isFinite else { return 1 }
    return min(1, max(0, 1 + 10 * log10(nmse) / 50))
  }
}
