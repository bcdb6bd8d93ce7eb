import Foundation
import Terminal

/// The styles by what they mean. Named colours only: they are the user's own, on dark and light
/// backgrounds alike; nothing is told by colour alone.
enum Theme {
  static let title = Style.bold
  static let faint = Style.dim
  static let head = Style(attributes: [.dim, .underline])
  static let accent = Style(foreground: .cyan)
  static let key = Style(attributes: .bold)
  static let mark = Style(foreground: .magenta, attributes: .bold)
  static let group = Style.bold
  static let changed = Style(foreground: .cyan)
  static let saving = Style(foreground: .green, attributes: .bold)
  static let warning = Style(foreground: .yellow)
  static let failure = Style(foreground: .red, attributes: .bold)
  static let source = Style(foreground: .blue)
  static let reconstructed = Style(foreground: .yellow)
  static let both = Style(foreground: .green)

  /// How bad an error is, in four steps by SQNR.
  enum Severity: Int, CaseIterable {
    case none, slight, clear, grave

    init(nmse: Double) {
      let sqnr = -10 * log10(nmse)
      self = sqnr >= 40 ? .none : sqnr >= 20 ? .slight : sqnr >= 10 ? .clear : .grave
    }

    var style: Style {
      switch self {
      case .none: Style(foreground: .green)
      case .slight: .standard
      case .clear: Style(foreground: .yellow)
      case .grave: Style(foreground: .red)
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
