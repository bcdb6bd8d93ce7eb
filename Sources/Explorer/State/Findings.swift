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

  struct ChannelsKey: Hashable, Sendable {
    let tensor: Int
    let format: Format?
  }

  /// Rows and columns whose figures are kept, of all tensors together; but two tensors' in any case.
  static let channelsAtMost = 400_000

  /// For each tensor, what is known of each format.
  var measurements: [[Format: Measurement]]
  var statistics: [Int: WeightSummary] = [:]
  /// Those of whole ranges stay: the measurer does nothing twice, and one takes two KiB. Tiles are dropped when there
  /// are many, the oldest first: they take some ten KiB each, and are counted again if they are wanted.
  private(set) var histograms: [HistogramKey: Histogram] = [:]
  private var tiles: [HistogramKey] = []
  static let tilesAtMost = 128
  /// Figures of rows and columns, the latest ones only: those of a large tensor take megabytes.
  private(set) var channels: [ChannelsKey: ChannelMeasurement] = [:]
  private var channelsKept: [ChannelsKey] = []
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
    case (.channels(let tensor, let format), .channels(let found)):
      keep(found, ChannelsKey(tensor: tensor, format: format))
    case (_, .unreadable), (_, .lost):
      unreadable.insert(work.tensor)
    default:
      break
    }
  }

  private mutating func keep(_ found: ChannelMeasurement, _ key: ChannelsKey) {
    // What is known of the first rows may come after what is known of all.
    if let known = channels[key], known.errors.rowCount >= found.errors.rowCount { return }
    channels[key] = found
    channelsKept.removeAll { $0 == key }
    channelsKept.append(key)
    var count = 0
    var kept = 0
    for key in channelsKept.reversed() {
      if let errors = channels[key]?.errors { count += errors.rowCount + errors.columnCount }
      if kept >= 2, count > Self.channelsAtMost { channels[key] = nil } else { kept += 1 }
    }
    channelsKept.removeAll { channels[$0] == nil }
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
    case .channels(let tensor, let format):
      channels[ChannelsKey(tensor: tensor, format: format)]?.isComplete == true
    }
  }
}
