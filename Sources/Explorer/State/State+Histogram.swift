import Measurement
import Quantization
import Terminal

/// What is looked at in the histograms, whichever tensor they are of.
struct HistogramState: Sendable {
  /// What the second curve says of the errors.
  enum ErrorCurve: Int, CaseIterable, Sendable { case deviation, share, none }

  var window = HistogramWindow.whole
  var errorCurve = ErrorCurve.deviation
}

extension State {
  /// Where everything stands now: the histogram has most of the room while it has the focus.
  var layout: ScreenLayout {
    ScreenLayout(size: size, isHistogramLarge: view == .layers && focus == .histogram)
  }

  /// Why there is no histogram to be changed; nil if there is one.
  var histogramObjection: String? {
    guard view == .layers else { return "the histogram belongs to Layers: F1 goes there" }
    guard let tensor, contributions[tensor.id].isReadable else {
      return "put the cursor on a tensor whose weights can be read"
    }
    return layout.histogramBins > 0 ? nil : "no room for a histogram here: H makes some"
  }

  /// Gives the histogram most of the screen, or takes it back.
  mutating func enlargeHistogram() {
    ladderCursor = nil
    guard focus != .histogram else {
      focus = .list
      message = nil
      return
    }
    focus = .histogram
    if histogramObjection != nil { return }
    message = Notice(
      text: "on the histogram: i o zoom, \(glyphs.leftAndRight) pan, w all of it, Esc back")
  }

  /// Twice as close or half as close, about a column of the panel; about its middle if there is none.
  mutating func zoomHistogram(closer: Bool, about column: Int? = nil) {
    let columns = layout.histogramBins
    guard columns > 0, histogramObjection == nil else { return }
    if !closer, isAllInSight {
      message = Notice(text: "all weights are in sight")
      return
    }
    let before = histogram.window
    histogram.window = before.zoomed(
      closer: closer, about: column ?? columns / 2, columns: columns)
    message =
      histogram.window == before
      ? Notice(text: closer ? "closer, single precision has no more to show" : "no farther") : nil
  }

  /// Moves along the axis by an eighth of the panel.
  mutating func panHistogram(by steps: Int) {
    let columns = layout.histogramBins
    guard columns > 0, histogramObjection == nil else { return }
    let shown = tensor.flatMap { shownHistogram(of: $0.id, format: nil, columns: columns) }
    if let shown, (steps < 0 ? shown.below : shown.above) == 0 {
      message = Notice(text: "no weights lie further \(steps < 0 ? "left" : "right")")
      return
    }
    message = nil
    histogram.window = histogram.window.panned(by: steps * max(1, columns / 8), columns: columns)
  }

  /// Back to the range in which the bulk of the weights lies.
  mutating func showWholeHistogram() {
    histogram.window = .whole
    message = nil
  }

  mutating func switchErrorCurve() {
    let all = HistogramState.ErrorCurve.allCases
    histogram.errorCurve = all[(histogram.errorCurve.rawValue + 1) % all.count]
    let words =
      switch histogram.errorCurve {
      case .deviation: "root mean square, in the unit of the axis"
      case .share: "the share of the whole squared error"
      case .none: "not shown"
      }
    let room =
      layout.histogram.rows >= HistogramPanel.leastRowsForErrors ? "" : "; H makes room for them"
    message = Notice(text: "errors by weight: \(words)\(room)")
  }

  private var isAllInSight: Bool {
    guard let tensor, histogram.window.zoom <= 0,
      let shown = shownHistogram(of: tensor.id, format: nil, columns: layout.histogramBins)
    else { return false }
    return shown.below == 0 && shown.above == 0
  }

  // MARK: - What is counted

  /// What the histograms on the screen need: the whole range first, which says where the weights are.
  func histogramWork(of tensor: Int, columns: Int) -> [Work] {
    guard columns > 0 else { return [] }
    let formats: [Format?] = [nil] + (shownChoice(of: tensor).format.map { [$0] } ?? [])
    let tile = histogram.window.place(columns: columns)?.tile
    let tiles: [HistogramTile?] = [nil] + (tile.map { [$0] } ?? [])
    return tiles.flatMap { tile in
      formats.map { .histogram(tensor: tensor, format: $0, bins: columns, tile: tile) }
    }
  }

  /// The counts of a panel; coarse ones until those of its window are there, nil until there are any.
  func shownHistogram(of tensor: Int, format: Format?, columns: Int) -> ShownHistogram? {
    func known(_ tile: HistogramTile?) -> Histogram? {
      findings.histograms[
        Findings.HistogramKey(tensor: tensor, format: format, bins: columns, tile: tile)]
    }
    guard let place = histogram.window.place(columns: columns) else {
      return known(nil).map { ShownHistogram($0) }
    }
    if let tile = known(place.tile) {
      return ShownHistogram(
        tile.joined(
          first: place.firstBin, perColumn: place.binsPerColumn, columns: columns))
    }
    return known(nil).map { ShownHistogram($0, window: histogram.window) }
  }

  /// The levels of a tensor's format, from its histogram.
  func formatLevels(of tensor: Int, format: Format, columns: Int) -> FormatLevels? {
    findings.histograms[
      Findings.HistogramKey(tensor: tensor, format: format, bins: columns, tile: nil)]?.levels
  }
}
