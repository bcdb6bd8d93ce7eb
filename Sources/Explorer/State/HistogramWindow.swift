import Foundation
import Quantization

/// Which part of the axis of weights a histogram shows. The whole range, in which the bulk of the weights lies, is the
/// measure: so a window stays where it is from tensor to tensor and from one width of the panel to another.
struct HistogramWindow: Sendable, Equatable {
  /// The whole range.
  static let whole = HistogramWindow()
  /// From far outliers to about the distance of neighbouring weights in single precision.
  static let zooms = -12...14

  /// Columns are 2^zoom times narrower than those of the whole range.
  private(set) var zoom = 0
  /// The middle, where the whole range is 0...1.
  private(set) var centre = 0.5

  private init() {}

  private init(zoom: Int, start: Int, columns: Int) {
    self.zoom = zoom
    let middle = Double(start) + Double(columns) / 2
    centre = middle / (Double(columns) * pow(2, Double(zoom)))
    // So far that no arithmetic comes to its end.
    centre = min(1e5, max(-1e5, centre))
  }

  /// The columns of this window's width from the start of the whole range to the first one.
  func start(columns: Int) -> Int {
    Int((centre * Double(columns) * pow(2, Double(zoom)) - Double(columns) / 2).rounded())
  }

  /// Where the counts of a panel are found; nil for the whole range, which is counted as it is.
  func place(columns: Int) -> HistogramTile.Place? {
    let start = start(columns: columns)
    guard zoom != 0 || start != 0 else { return nil }
    return HistogramTile.place(zoom: zoom, start: start, columns: columns)
  }

  /// Twice as close, or half as close, about the left edge of a column, which stays where it is.
  func zoomed(closer: Bool, about column: Int, columns: Int) -> HistogramWindow {
    let next = zoom + (closer ? 1 : -1)
    guard Self.zooms.contains(next) else { return self }
    let edge = start(columns: columns) + column
    let moved = closer ? 2 * edge : Int((Double(edge) / 2).rounded(.down))
    let window = HistogramWindow(zoom: next, start: moved - column, columns: columns)
    // Halves that were rounded away must not keep it from coming back.
    return next == 0 && abs(window.centre - 0.5) * Double(columns) < 1.5 ? .whole : window
  }

  /// Moved by so many columns to the right.
  func panned(by shift: Int, columns: Int) -> HistogramWindow {
    HistogramWindow(zoom: zoom, start: start(columns: columns) + shift, columns: columns)
  }
}

/// A histogram as a panel shows it: a bin for each column.
struct ShownHistogram {
  let counts: [UInt64]
  /// Sums of squared errors by column; none without a reconstruction.
  let squaredErrors: [Double]
  let squaredErrorTotal: Double
  let below: UInt64
  let above: UInt64
  let lower: Double
  let upper: Double
  /// Whether several columns share a coarser bin, as the finer ones are still being counted.
  let isCoarse: Bool

  /// A histogram whose bins are the columns.
  init(_ histogram: Histogram) {
    counts = histogram.counts
    squaredErrors = histogram.squaredErrors
    squaredErrorTotal = histogram.squaredErrors.reduce(histogram.squaredErrorOutside, +)
    below = histogram.below
    above = histogram.above
    lower = Double(histogram.range.lower)
    upper = Double(histogram.range.upper)
    isCoarse = false
  }

  /// A window on the counts of the whole range, until finer ones are there: their bins as they are, over all the
  /// columns that they cover (or several in a column); nothing is made up between them.
  init(_ whole: Histogram, window: HistogramWindow) {
    let columns = whole.range.bins
    let start = window.start(columns: columns)
    let width = pow(2, -Double(window.zoom))
    let edges = (0...columns).map { Double(start + $0) * width }
    func bins(of column: Int) -> Range<Int> {
      let from = Int(edges[column].rounded(.down))
      let to = max(from + 1, Int(edges[column + 1].rounded(.down)))
      let low = min(columns, max(0, from))
      return low..<max(low, min(columns, to))
    }
    counts = (0..<columns).map { whole.counts[bins(of: $0)].reduce(0, +) }
    squaredErrors =
      whole.squaredErrors.isEmpty
      ? [] : (0..<columns).map { whole.squaredErrors[bins(of: $0)].reduce(0, +) }
    squaredErrorTotal = whole.squaredErrors.reduce(whole.squaredErrorOutside, +)
    let extent = Double(whole.range.upper) - Double(whole.range.lower)
    lower = Double(whole.range.lower) + edges[0] / Double(columns) * extent
    upper = Double(whole.range.lower) + edges[columns] / Double(columns) * extent
    let first = min(columns, max(0, Int(edges[0].rounded(.down))))
    let last = min(columns, max(first, Int(edges[columns].rounded(.up))))
    below = whole.below + whole.counts[..<first].reduce(0, +)
    above = whole.above + whole.counts[last...].reduce(0, +)
    isCoarse = true
  }
}
