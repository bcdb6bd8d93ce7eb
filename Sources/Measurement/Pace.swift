/// How fast measuring goes: a mean over the last seconds.
public struct Pace: Sendable {
  private var marks: [(time: ContinuousClock.Instant, weights: Int)] = []
  private static let window = Duration.seconds(5)

  /// No pace yet.
  public init() {}

  /// Takes note of how many weights were measured up to now.
  /// - Parameter weights: `Measurer.weightsMeasured`.
  public mutating func note(_ weights: Int, at time: ContinuousClock.Instant = .now) {
    marks.append((time, weights))
    // One mark from before the window stays, so that it is whole.
    while marks.count > 2, time - marks[1].time >= Self.window { marks.removeFirst() }
  }

  /// Weights for each second; 0 before there is anything to go by.
  public var perSecond: Double {
    guard let first = marks.first, let last = marks.last else { return 0 }
    let time = (last.time - first.time) / .seconds(1)
    return time > 0 ? Double(last.weights - first.weights) / time : 0
  }

  /// Seconds for so many more weights; nil if nothing moves.
  public func seconds(for weights: Double) -> Double? {
    perSecond > 0 ? max(0, weights) / perSecond : nil
  }
}
