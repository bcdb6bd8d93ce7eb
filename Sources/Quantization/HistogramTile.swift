/// A piece of the axis of weights that is counted at once so that it can be zoomed and panned without counting
/// again.
///
/// Each step of a zoom halves the columns of a panel. A tile serves four steps: it is two panels of the coarsest of
/// them wide, of eight bins for each column, so that columns of all four are whole bins: none is ever interpolated,
/// and a deeper zoom counts the weights anew. Tiles overlap by a half, so that every panel lies within one.
///
/// One histogram of very many bins over everything would be simpler, but outliers make it coarse where the weights
/// are, it would take memory for each format that was looked at, and its end would come after a few steps anyway.
public struct HistogramTile: Hashable, Sendable {
  /// Its zoom: the panels of level 0 are as wide as the whole range, each level's are a sixteenth of the one before.
  public let level: Int
  /// Its place: it begins half a panel before the panel of this number.
  public let index: Int

  /// The steps of zoom of a level.
  public static let stepsPerLevel = 4
  /// Bins for each column at the coarsest step.
  public static let binsPerColumn = 1 << (stepsPerLevel - 1)

  /// A tile by its level and its place.
  public init(level: Int, index: Int) {
    self.level = level
    self.index = index
  }

  /// A panel's place in its tile.
  public struct Place: Hashable, Sendable {
    /// The tile.
    public let tile: HistogramTile
    /// The bin that the first column begins with.
    public let firstBin: Int
    /// The bins of each column.
    public let binsPerColumn: Int
  }

  /// The place of a panel of so many columns that begins so many of its own columns after the whole range's start,
  /// where columns are 2^zoom times narrower than those of the whole range.
  public static func place(zoom: Int, start: Int, columns: Int) -> Place {
    let columns = max(1, columns)
    let level = floorDivided(zoom, stepsPerLevel)
    let perColumn = binsPerColumn >> (zoom - level * stepsPerLevel)
    let first = start * perColumn
    let index = floorDivided(floorDivided(first, binsPerColumn) + columns / 2, columns)
    let tileStart = (index * columns - columns / 2) * binsPerColumn
    return Place(
      tile: HistogramTile(level: level, index: index), firstBin: first - tileStart,
      binsPerColumn: perColumn)
  }

  /// The bins of the tile, where the whole range has a bin for each column of the panel.
  public func range(in whole: HistogramRange) -> HistogramRange {
    let (lower, extent) = (Double(whole.lower), Double(whole.upper) - Double(whole.lower))
    let columns = whole.bins
    let steps = level * Self.stepsPerLevel
    let unit = steps >= 0 ? Double(1 << steps) : 1 / Double(1 << -steps)
    let column = extent / Double(columns) / unit
    let start = lower + Double(index * columns - columns / 2) * column
    let limit = Double(Float.greatestFiniteMagnitude)
    func bounded(_ value: Double) -> Float { Float(max(-limit, min(limit, value))) }
    return HistogramRange(
      lower: bounded(start), upper: bounded(start + Double(2 * columns) * column),
      bins: 2 * columns * Self.binsPerColumn)
  }

  private static func floorDivided(_ value: Int, _ divisor: Int) -> Int {
    value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
  }
}

extension Histogram {
  /// The same with several bins as one: `columns` times `perColumn` bins from `first` on, the others outside.
  public func joined(first: Int, perColumn: Int, columns: Int) -> Histogram {
    let end = first + perColumn * columns
    guard first >= 0, perColumn > 0, columns > 0, end <= range.bins else { return self }
    var joined = Histogram(
      range: HistogramRange(
        lower: Float(range.edge(first)), upper: Float(range.edge(end)), bins: columns),
      hasErrors: !squaredErrors.isEmpty)
    for column in 0..<columns {
      let bins = first + column * perColumn..<first + (column + 1) * perColumn
      joined.counts[column] = counts[bins].reduce(0, +)
      if !squaredErrors.isEmpty { joined.squaredErrors[column] = squaredErrors[bins].reduce(0, +) }
    }
    joined.below = below + counts[..<first].reduce(0, +)
    joined.above = above + counts[end...].reduce(0, +)
    joined.notFinite = notFinite
    if !squaredErrors.isEmpty {
      joined.squaredErrorOutside =
        squaredErrorOutside + squaredErrors[..<first].reduce(0, +)
        + squaredErrors[end...].reduce(0, +)
    }
    joined.levels = levels
    return joined
  }
}
