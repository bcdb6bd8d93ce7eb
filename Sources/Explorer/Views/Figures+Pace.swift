import Foundation

extension Figures {
  /// Weights for each second: `310 M/s`.
  public static func pace(_ perSecond: Double) -> String {
    let count = Int(exactly: min(max(0, perSecond), 1e18).rounded()) ?? 0
    return count == 0 ? "0/s" : "\(Figures.count(count))/s"
  }

  /// About how long something takes: `12 s`, `3 min`, `2.5 h`, `4 days`.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite else { return "for ever" }
    if seconds < 99.5 { return "\(max(1, Int(seconds.rounded(.up)))) s" }
    if seconds < 99.5 * 60 { return "\(Int((seconds / 60).rounded())) min" }
    if seconds < 48 * 3_600 { return String(format: "%.1f h", seconds / 3_600) }
    return String(format: "%.0f days", min(seconds / 86_400, 1e6))
  }
}
