import Terminal

/// How each role looks in each theme.
///
/// Dark has the terminal's named colours, which are the user's own and readable on most backgrounds: it is what there
/// is where nothing is known. Light has darker ones where there are 256, and where there are few leaves out those that
/// are faint on white in most palettes: green, yellow and cyan. High contrast has its own black and white, and sets
/// apart by weight and reversal first.
struct ThemeTable {
  private struct Look {
    var attributes: Attributes = []
    /// Where there are 256 colours.
    var many = Color.standard
    /// Where there are fewer.
    var few = Color.standard
  }

  private let name: ThemeName

  init(_ name: ThemeName) { self.name = name }

  func style(of role: Theme.Role, depth: ColorDepth) -> Style {
    let look: Look =
      switch name {
      case .dark: Self.dark(role)
      case .light: Self.light(role)
      case .highContrast: Self.highContrast(role)
      }
    let color = depth == .none ? .standard : depth == .many ? look.many : look.few
    return Style(foreground: color, attributes: look.attributes)
  }

  /// Foreground and background of what has none; nil where they are the terminal's.
  func base(depth: ColorDepth) -> Style? {
    guard name == .highContrast, depth != .none else { return nil }
    return depth == .many
      ? Style(foreground: .indexed(231), background: .indexed(16))
      : Style(foreground: .indexed(depth == .eight ? 7 : 15), background: .black)
  }

  private static func dark(_ role: Theme.Role) -> Look {
    func named(_ color: Color, _ attributes: Attributes = []) -> Look {
      Look(attributes: attributes, many: color, few: color)
    }
    switch role {
    case .title, .key, .group: return Look(attributes: .bold)
    case .faint: return Look(attributes: .dim)
    case .head: return Look(attributes: [.dim, .underline])
    case .accent, .changed, .good: return named(.cyan)
    case .mark: return named(.magenta, .bold)
    case .saving: return named(.green, .bold)
    case .warning, .caution, .reconstructed: return named(.yellow)
    case .failure: return named(.red, .bold)
    case .grave: return named(.red)
    case .source: return named(.blue)
    case .both: return named(.green)
    case .errors, .preset: return named(.magenta)
    }
  }

  private static func light(_ role: Theme.Role) -> Look {
    func look(_ many: UInt8, _ few: Color, _ attributes: Attributes = []) -> Look {
      Look(attributes: attributes, many: .indexed(many), few: few)
    }
    switch role {
    case .title, .key, .group: return Look(attributes: .bold)
    case .faint: return Look(attributes: .dim)
    case .head: return Look(attributes: [.dim, .underline])
    case .accent, .changed, .good: return look(24, .blue)
    case .mark: return look(90, .magenta, .bold)
    case .saving: return look(22, .standard, .bold)
    case .warning, .caution: return look(94, .magenta)
    case .failure: return look(124, .red, .bold)
    case .grave: return look(124, .red)
    case .source: return look(26, .blue)
    case .reconstructed: return look(130, .red)
    case .both: return look(22, .standard)
    case .errors, .preset: return look(90, .magenta)
    }
  }

  private static func highContrast(_ role: Theme.Role) -> Look {
    func look(_ many: UInt8, _ few: UInt8, _ attributes: Attributes) -> Look {
      Look(attributes: attributes, many: .indexed(many), few: .indexed(few))
    }
    switch role {
    case .title, .group: return Look(attributes: .bold)
    case .key: return Look(attributes: [.bold, .underline])
    case .faint: return Look()
    case .head: return Look(attributes: [.bold, .underline])
    case .accent, .changed, .good: return look(123, 14, .bold)
    case .mark: return look(219, 13, [.bold, .reverse])
    case .saving: return look(120, 10, .bold)
    case .warning, .caution: return look(228, 11, [.bold, .underline])
    case .failure: return look(217, 9, [.bold, .reverse])
    case .grave: return look(217, 9, [.bold, .underline])
    case .source: return look(117, 14, [])
    case .reconstructed: return look(228, 11, .bold)
    case .both: return look(120, 15, .bold)
    case .errors, .preset: return look(219, 13, .bold)
    }
  }
}
