import Foundation
import Planning
import Terminal

import struct Measurement.Interval

/// How figures are written for people: three significant digits, binary units, NMSE in percent.
public enum Figures {
  /// Bytes with a binary unit: `648 KiB`, `8.01 MiB`.
  public static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(count)
    var unit = 0
    while abs(value) >= 1_000, unit < units.count - 1 {
      value /= 1_024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(significant(value)) \(units[unit])"
  }

  /// So many bytes more or fewer, with the sign: `+30.2 KiB`.
  public static func change(bytes: Int, minus: String = "-") -> String {
    (bytes < 0 ? minus : "+") + self.bytes(abs(bytes))
  }

  /// A number of things: `1 tensor`, `2 tensors`.
  public static func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// A count of weights: `576`, `331 K`, `22.7 M`, `70.6 B`.
  public static func count(_ count: Int) -> String {
    let units = ["", " K", " M", " B", " T"]
    var value = Double(count)
    var unit = 0
    while abs(value) >= 999.5, unit < units.count - 1 {
      value /= 1_000
      unit += 1
    }
    return unit == 0 ? "\(count)" : significant(value) + units[unit]
  }

  /// A relative error in percent: `0.613 %`.
  public static func percent(_ share: Double) -> String {
    let percent = share * 100
    guard percent.isFinite else { return percent.isNaN ? "?" : "inf" }
    if percent == 0 { return "0 %" }
    if abs(percent) < 0.00095 { return scientific(percent) + " %" }
    if abs(percent) < 0.009995 { return String(format: "%.4f %%", percent) }
    if abs(percent) >= 9_999.5 { return scientific(percent) + " %" }
    return "\(significant(percent)) %"
  }

  /// A relative error in percent, as an estimate where there is an interval: `≈ 0.42 % ± 0.01`, with as many
  /// decimals as the interval leaves sure.
  public static func percent(
    _ share: Double, interval: Interval?, about: String = "\u{2248} ", within: String = "\u{B1}"
  ) -> String {
    guard let interval else { return percent(share) }
    guard let decimals = decimals(of: interval), share.isFinite else {
      return about + percent(share)
    }
    let half = ceiled(interval.halfWidth * 100, decimals: decimals)
    return String(
      format: "%@%.*f %% %@ %.*f", about, decimals, share * 100, within, decimals, half)
  }

  /// The same without the interval, for narrow columns: `≈0.42 %`.
  static func roughPercent(_ share: Double, interval: Interval, about: String) -> String {
    guard let decimals = decimals(of: interval), share.isFinite else {
      return about + percent(share)
    }
    return about + String(format: "%.*f %%", decimals, share * 100)
  }

  /// How many decimals of a percentage mean something: down to the interval's first digit. nil where they are
  /// too many to be read.
  private static func decimals(of interval: Interval) -> Int? {
    let half = interval.halfWidth * 100
    guard half.isFinite, half > 1e-6 else { return nil }
    return max(0, -Int((log10(half) + 1e-9).rounded(.down)))
  }

  private static func ceiled(_ value: Double, decimals: Int) -> Double {
    let scale = pow(10, Double(decimals))
    return (value * scale - 1e-6).rounded(.up) / scale
  }

  /// An objective's figure: a divergence as it is, relative errors in percent.
  public static func figure(_ value: Double, of objective: Objective) -> String {
    objective == .divergence ? divergence(value) : percent(value)
  }

  /// A divergence, in nats. Small ones matter as much as large ones; what is left of none is rounding.
  public static func divergence(_ value: Double) -> String {
    abs(value) < 5e-10 ? "0" : weight(value)
  }

  /// A saving, in percent with its sign: `−71.9 %`.
  public static func saving(_ share: Double, minus: String) -> String {
    let percent = share * 100
    if percent == 0 { return "0 %" }
    return (percent >= 0 ? minus : "+") + String(format: "%.1f %%", abs(percent))
  }

  /// Bits per weight, two decimals.
  public static func bits(_ bits: Double) -> String { String(format: "%.2f", bits) }

  /// A cosine, rounded down to six decimals so that only a perfect one reads as 1.
  public static func cosine(_ cosine: Double) -> String {
    guard cosine.isFinite else { return "undefined" }
    return cosine >= 1 ? "1" : String(format: "%.6f", (cosine * 1e6).rounded(.down) / 1e6)
  }

  /// Decibels, one decimal; empty where nothing is lost.
  public static func decibels(_ value: Double) -> String {
    value.isFinite ? String(format: "%.1f dB", value) : value > 0 ? "lossless" : "-inf dB"
  }

  /// Three significant digits, without an exponent where that is readable.
  public static func significant(_ value: Double) -> String {
    let size = abs(value)
    if size >= 99.95 { return String(format: "%.0f", value) }
    if size >= 9.995 { return String(format: "%.1f", value) }
    if size >= 0.9995 { return String(format: "%.2f", value) }
    if size >= 0.09995 { return String(format: "%.3f", value) }
    if size >= 0.009995 { return String(format: "%.4f", value) }
    return String(format: "%.5f", value)
  }

  /// A weight's value: three significant digits, with an exponent where it is very small or large.
  public static func weight(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    if value == 0 { return "0" }
    let size = abs(value)
    return size >= 0.001 && size < 10_000
      ? significant(value) : scientific(value, digits: 2)
  }

  /// Two weights with as many digits as it takes to tell them apart.
  static func ends(_ lower: Double, _ upper: Double) -> (String, String) {
    let (size, span) = (max(abs(lower), abs(upper)), abs(upper - lower))
    guard span > 0, span < size, size.isFinite else { return (weight(lower), weight(upper)) }
    let digits = min(9, Int(log10(size / span).rounded(.up)) + 3)
    func text(_ value: Double) -> String { String(format: "%.\(digits)g", value) }
    return (text(lower), text(upper))
  }

  /// With an exponent as short as it can be: `4.3e-6`.
  private static func scientific(_ value: Double, digits: Int = 1) -> String {
    let parts = String(format: "%.\(digits)e", value).split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return "\(value)" }
    return "\(parts[0])e\(exponent)"
  }
}
