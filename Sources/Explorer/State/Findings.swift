import Measurement
import Quantization

/// What has been measured so far.
struct Findings: Sendable {
  struct HistogramKey: Hashable, Sendable {
    let tensor: Int
    let format: Format?
    let bins: Int
    var tile: HistogramTile?
  }

  /// For each tensor, what is known of each format.
  var measurements: [[Format: Measurement]]
  var statistics: [Int: WeightSummary] = [:]
  /// Those of whole ranges stay: the measurer does nothing twice, and one takes two KiB. Tiles are dropped when there
  /// are many, the oldest first: they take some ten KiB each, and are counted again if they are wanted.
  private(set) var histograms: [HistogramKey: Histogram] = [:]
  private var tiles: [HistogramKey] = []
  static let tilesAtMost = 128
  var unreadable: Set<Int> = []
  /// Formats of which a sample says nothing, by tensor.
  var inestimable: [Int: Set<Format>] = [:]
  /// The files that were cut short or removed.
  var lostFiles: Set<Int> = []

  init(count: Int = 0) {
    measurements = Array(repeating: [:], count: count)
  }

  mutating func add(_ work: Work, _ finding: Finding) {
    switch (work, finding) {
    case (.statistics(let tensor), .statistics(let statistics)):
      self.statistics[tensor] = statistics
    case (.measurement(let tensor, let format), .measurement(let measurement)),
      (.estimate(let tensor, let format, _), .measurement(let measurement)):
      if measurement.isBetter(than: measurements[tensor][format]) {
        measurements[tensor][format] = measurement
      }
    case (.estimate(let tensor, let format, _), .inestimable):
      inestimable[tensor, default: []].insert(format)
    case (.histogram(let tensor, let format, let bins, let tile), .histogram(let histogram)):
      let key = HistogramKey(tensor: tensor, format: format, bins: bins, tile: tile)
      if tile != nil, histograms[key] == nil {
        tiles.append(key)
        if tiles.count > Self.tilesAtMost { histograms[tiles.removeFirst()] = nil }
      }
      histograms[key] = histogram
    case (_, .unreadable), (_, .lost):
      unreadable.insert(work.tensor)
    default:
      break
    }
  }

  /// Whether the result of a piece of work is here.
  func has(_ work: Work) -> Bool {
    if unreadable.contains(work.tensor) { return true }
    return switch work {
    case .statistics(let tensor): statistics[tensor] != nil
    case .measurement(let tensor, let format): measurements[tensor][format]?.exact == true
    case .estimate(let tensor, let format, let weights):
      inestimable[tensor]?.contains(format) == true
        || measurements[tensor][format].map { $0.exact || $0.weightsAsked >= weights } == true
    case .histogram(let tensor, let format, let bins, let tile):
      histograms[HistogramKey(tensor: tensor, format: format, bins: bins, tile: tile)] != nil
    }
  }
}
