import Foundation
import Terminal

/// What the cells of the map say.
enum MapColoring: Int, CaseIterable, Sendable {
  case bits, error, bytes, gain

  /// What its figures are.
  func title(_ unit: MapUnit) -> String {
    switch self {
    case .bits: "bits per weight"
    case .error: "NMSE, %"
    case .bytes: "size in bytes"
    case .gain: "gain of a step up, NMSE % per \(unit.name)"
    }
  }
}

/// The unit that gains are given by, such that they are readable numbers.
struct MapUnit: Sendable, Equatable {
  let name: String
  let bytes: Double

  init(modelBytes: Int) {
    self = modelBytes < 1 << 30 ? .init("MiB", 0x1p20) : .init("GiB", 0x1p30)
  }

  private init(_ name: String, _ bytes: Double) {
    self.name = name
    self.bytes = bytes
  }
}

/// Eight steps between two figures, by their ratio.
struct HeatScale: Sendable, Equatable {
  let low: Double
  let high: Double

  static let steps = 8

  /// The step of a figure, 1...8.
  func step(of value: Double) -> Int {
    guard value > low else { return 1 }
    guard value < high, low > 0 else { return Self.steps }
    let share = log(value / low) / log(high / low)
    return min(Self.steps, 1 + Int(share * Double(Self.steps)))
  }

  /// How a step looks: in the colours of viridis, which people tell apart whatever colours they see, fewer of them
  /// where the terminal has fewer. Much is what stands out: bright, but dark on a light background.
  static func style(step: Int, depth: ColorDepth) -> Style {
    let place = min(max(step, 1), steps) - 1
    let index = Theme.current.name == .light ? steps - 1 - place : place
    switch depth {
    case .none: return .standard
    case .eight: return style(of: eight[index], isDark: index < 3)
    case .sixteen: return style(of: sixteen[index], isDark: index < 2)
    case .many:
      let isDark = many[index].parts?.textOnIt == .white
      return Style(foreground: .indexed(isDark ? 231 : 16), background: many[index])
    }
  }

  private static func style(of background: UInt8, isDark: Bool) -> Style {
    Style(foreground: isDark ? .white : .black, background: .indexed(background))
  }

  private static let many = Viridis.steps(steps)
  private static let sixteen: [UInt8] = [4, 4, 12, 6, 6, 14, 3, 11]
  private static let eight: [UInt8] = [4, 4, 4, 6, 6, 6, 3, 3]
}

/// Figures of at most five columns, for the cells of the map.
enum ShortFigures {
  static func bits(_ bits: Double) -> String {
    String(format: bits < 9.995 ? "%.2f" : "%.1f", bits)
  }

  /// A share in percent, without the sign.
  /// - Parameter about: the sign of an estimate, which then takes a column and a digit.
  static func percent(_ share: Double, about: String? = nil) -> String {
    let percent = share * 100
    let sign = (about ?? "") + (percent < 0 ? "-" : "")
    guard percent.isFinite else { return percent.isNaN ? "?" : "inf" }
    let size = abs(percent)
    if size == 0 { return sign + "0" }
    if size < 0.000_95 || size >= 9_999.5 {
      let exponent = Int(log10(size).rounded(.down))
      let digit = Int((size / pow(10, Double(exponent))).rounded())
      return sign + (digit == 10 ? "1e\(exponent + 1)" : "\(digit)e\(exponent)")
    }
    let decimals = size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0
    let fewer = about == nil ? decimals : max(0, decimals - 1)
    return sign + String(format: "%.\(fewer)f", size)
  }

  /// Bytes: `33.0K`, `512B`.
  static func bytes(_ count: Int) -> String {
    let parts = Figures.bytes(count).split(separator: " ")
    guard parts.count == 2, let unit = parts[1].first else { return "" }
    return parts[0] + String(unit)
  }
}
