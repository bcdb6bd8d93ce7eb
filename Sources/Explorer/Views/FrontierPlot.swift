import Foundation
import Planning
import Terminal

/// Where sizes and errors stand in the diagram: both axes logarithmic, so that a bit more or less is a step
/// everywhere.
struct FrontierPlot {
  /// Where the curve is drawn.
  let area: Rect
  let weights: Int
  private let bytes: ClosedRange<Double>
  private let decades: ClosedRange<Double>
  /// Whether some plan loses nothing: it stands on the lowest line.
  let hasLossless: Bool

  /// - Parameters:
  ///   - points: all that is to be seen.
  init(area: Rect, weights: Int, points: [(bytes: Int, error: Double)]) {
    self.area = area
    self.weights = weights
    let sizes = points.map { log2(Double(max(1, $0.bytes))) }
    let (least, most) = (sizes.min() ?? 0, sizes.max() ?? 1)
    // A margin on both sides, so that points and their names have room.
    let margin = max(0.02, (most - least) * 0.02)
    bytes = (least - margin)...(most + margin)
    let errors = points.map(\.error).filter { $0 > 0 && $0.isFinite }.map { log10($0) }
    let high = errors.max() ?? 0
    // What is better than 60 dB needs no room: it stands at the lower edge.
    let low = max(errors.min() ?? -4, min(-6, high - 1))
    hasLossless = points.contains { $0.error <= 0 }
    let space = max(0.1, (high - low) * 0.03)
    decades = (low - space * (hasLossless ? 3 : 1))...(high + space)
  }

  // MARK: - Dots and cells

  /// The dot of a size, in dots from the left.
  func dotColumn(ofBytes count: Int) -> Int {
    let share =
      (log2(Double(max(1, count))) - bytes.lowerBound) / (bytes.upperBound - bytes.lowerBound)
    return place(share, of: 2 * area.columns)
  }

  /// The dot of an error, in dots from the top.
  func dotRow(ofError error: Double) -> Int {
    guard error > 0 else { return max(0, 4 * area.rows - 1) }
    guard error.isFinite else { return 0 }
    let share = (decades.upperBound - log10(error)) / (decades.upperBound - decades.lowerBound)
    return place(share, of: 4 * area.rows)
  }

  private func place(_ share: Double, of count: Int) -> Int {
    min(max(0, Int((share * Double(count - 1)).rounded())), max(0, count - 1))
  }

  /// The column of the screen.
  func column(ofBytes count: Int) -> Int { area.column + dotColumn(ofBytes: count) / 2 }

  /// The cell of the screen.
  func cell(bytes: Int, error: Double) -> Point {
    Point(column: column(ofBytes: bytes), row: area.row + dotRow(ofError: error) / 4)
  }

  // MARK: - Ticks

  /// A place on the axis of sizes.
  struct BitTick {
    let bits: Double
    let bytes: Int
    let column: Int
    /// The less, the sooner it gets its name.
    let roundness: Int
  }

  /// Bits per weight by roundness.
  private static let bits: [[Double]] = [
    [1, 2, 4, 8, 16, 32], [3, 6, 12, 24], [5, 10, 20, 64], [0.5, 1.5, 2.5, 3.5, 4.5, 7],
  ]

  /// Bits per weight that have a place on the axis of sizes.
  var bitTicks: [BitTick] {
    Self.bits.enumerated().flatMap { roundness, all in
      all.compactMap { bits in
        let count = bits * Double(weights) / 8
        guard count >= 1, bytes.contains(log2(count)) else { return nil }
        return BitTick(
          bits: bits, bytes: Int(count), column: column(ofBytes: Int(count)), roundness: roundness)
      }
    }
  }

  /// Errors that have a line of their own: powers of ten, and threes where there is room.
  var errorTicks: [(error: Double, row: Int)] {
    let rowsPerDecade = Double(area.rows) / (decades.upperBound - decades.lowerBound)
    let steps: [Double] = rowsPerDecade >= 6 ? [1, 3] : [1]
    let stride = max(1, Int((2 / rowsPerDecade).rounded(.up)))
    let first = Int(decades.lowerBound.rounded(.down))
    let last = Int(decades.upperBound.rounded(.up))
    guard last - first < 400 else { return [] }
    var ticks: [(error: Double, row: Int)] = []
    for exponent in first...last where exponent % stride == 0 {
      for step in steps {
        let error = step * pow(10, Double(exponent))
        guard decades.contains(log10(error)) else { continue }
        ticks.append((error, area.row + dotRow(ofError: error) / 4))
      }
    }
    return ticks
  }
}

/// Puts names beside points so that none covers another, what is most important first.
struct LabelPlacer {
  private let area: Rect
  private var taken: Set<Point> = []
  private var avoided: Set<Point> = []

  init(area: Rect) { self.area = area }

  /// Takes a cell.
  mutating func take(_ point: Point) { taken.insert(point) }

  /// A cell to keep free where there is a choice.
  mutating func avoid(_ point: Point) { avoided.insert(point) }

  /// Where the name of a point goes; nil where there is no room for it.
  mutating func place(_ name: String, at point: Point) -> Point? {
    let width = name.columns
    let (x, y) = (point.column, point.row)
    let places = [
      (x + 2, y), (x + 1, y - 1), (x - width - 1, y), (x - width / 2, y - 1), (x + 1, y + 1),
      (x - width, y - 1), (x - width / 2, y + 1), (x - width, y + 1),
    ].map { Point(column: $0.0, row: $0.1) }
    for mayCover in [false, true] {
      for start in places {
        let cells = (0..<width).map { Point(column: start.column + $0, row: start.row) }
        // A blank on both sides, or it would be read as part of another name, or as another point's.
        let around =
          cells + [
            Point(column: start.column - 1, row: start.row),
            Point(column: start.column + width, row: start.row),
          ]
        guard cells.allSatisfy({ area.contains($0) }),
          !around.contains(where: { taken.contains($0) }),
          mayCover || !cells.contains(where: { avoided.contains($0) })
        else { continue }
        taken.formUnion(cells)
        return start
      }
    }
    return nil
  }
}
