import Measurement
import Quantization

/// What the figures of a tensor's channels come to: their order in the list, and what stands out. Worked out when
/// they change, as there can be very many.
struct ChannelDigest: Sendable {
  struct Key: Sendable, Equatable {
    let tensor: Int
    let format: Format?
    let axis: ChannelsState.Axis
    let order: ChannelsState.Order
    /// How many rows were seen.
    let rows: Int
  }

  let key: Key
  /// Channels that are known.
  let count: Int
  /// The channels as the list has them; nil: in order.
  private let order: [UInt32]?
  /// The sum of all squared errors.
  let squaredError: Double
  /// The worst channels, a hundredth of all, and the share of the error that they have; nil without error.
  let worst: (count: Int, share: Double)?
  /// The channel with the greatest error.
  let worstChannel: Int?
  let outliers: Int
  /// How many channels have outliers.
  let outlying: Int
  /// The least and the greatest weight.
  let minimum: Double
  let maximum: Double

  /// Which measurement it comes from.
  var measured: Findings.ChannelsKey { .init(tensor: key.tensor, format: key.format) }

  init(_ measurement: ChannelMeasurement, _ key: Key) {
    self.key = key
    let errors = measurement.errors
    let count = key.axis == .rows ? errors.rowCount : errors.columnCount
    self.count = count
    var squaredErrors: [Double] = []
    var sortedBy: [Double] = []
    squaredErrors.reserveCapacity(count)
    var (minimum, maximum, outliers, outlying) = (0.0, 0.0, 0, 0)
    for channel in 0..<count {
      let figures = errors.figures(of: channel, key.axis)
      squaredErrors.append(figures.squaredError)
      minimum = min(minimum, figures.minimum)
      maximum = max(maximum, figures.maximum)
      outliers += figures.outliers
      if figures.outliers > 0 { outlying += 1 }
      switch key.order {
      case .model, .error: break
      case .range: sortedBy.append(figures.range)
      case .outliers: sortedBy.append(Double(figures.outliers))
      }
    }
    self.minimum = minimum
    self.maximum = maximum
    self.outliers = outliers
    self.outlying = outlying
    let sum = squaredErrors.reduce(0, +)
    squaredError = sum
    let byError = Self.sorted(squaredErrors)
    worstChannel = byError.first.map { Int($0) }
    let few = (count + 99) / 100
    worst =
      sum > 0 && sum.isFinite
      ? (few, byError.prefix(few).reduce(0) { $0 + squaredErrors[Int($1)] } / sum) : nil
    switch key.order {
    case .model: order = nil
    case .error: order = byError
    case .range, .outliers: order = Self.sorted(sortedBy)
    }
  }

  /// The channel at a place of the list.
  func channel(at place: Int) -> Int { order.map { Int($0[place]) } ?? place }

  /// The place of a channel in the list; the first if it isn't known.
  func place(of channel: Int) -> Int {
    guard let order else { return min(max(0, channel), max(0, count - 1)) }
    return order.firstIndex { Int($0) == channel } ?? 0
  }

  /// The channel's share of the tensor's error, 0...1; nil where that says nothing.
  func share(of figures: ChannelFigures) -> Double? {
    squaredError > 0 && squaredError.isFinite ? figures.squaredError / squaredError : nil
  }

  /// The channels of the greatest values first, of equals the first one. Values are none below 0.
  private static func sorted(_ values: [Double]) -> [UInt32] {
    // Bits of floats that aren't negative are ordered as they are: one word holds a value and its place. Roots, so
    // that squares are within the reach of a float.
    var keys = values.enumerated().map { index, value in
      UInt64(~Float(value.squareRoot()).bitPattern) << 32 | UInt64(index)
    }
    keys.sort()
    return keys.map { UInt32(truncatingIfNeeded: $0) }
  }
}

extension ChannelErrors {
  /// A channel's figures on one of the two sides.
  func figures(of channel: Int, _ axis: ChannelsState.Axis) -> ChannelFigures {
    axis == .rows ? row(channel) : column(channel)
  }
}
