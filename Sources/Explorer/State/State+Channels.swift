import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// What is looked at in the Channels view.
struct ChannelsState: Sendable {
  /// Which channels of a tensor.
  enum Axis: Sendable, CaseIterable {
    /// Output channels: one for each row.
    case rows
    /// Input channels: one for each column.
    case columns

    var other: Axis { self == .rows ? .columns : .rows }

    /// What they are called, several of them.
    var title: String { self == .rows ? "output rows" : "input channels" }
  }

  enum Order: Int, CaseIterable, Sendable {
    case model, error, range, outliers

    var title: String {
      switch self {
      case .model: "in order"
      case .error: "by error"
      case .range: "by range"
      case .outliers: "by outliers"
      }
    }
  }

  var axis = Axis.rows
  var order = Order.model
  /// The row and the column under the cursor; nil: the first ones of the list, whichever they are.
  var row: Int?
  var column: Int?
  /// The first line of the list in sight.
  var scroll = 0
  /// What the figures at hand come to; nil where there are none.
  fileprivate(set) var digest: ChannelDigest?

  /// The channel under the cursor.
  var cursor: Int? {
    get { axis == .rows ? row : column }
    set { if axis == .rows { row = newValue } else { column = newValue } }
  }
}

extension State {
  // MARK: - The subject

  /// The tensor that the view is about; nil where there is nothing to show of it.
  var channelsTensor: Tensor? {
    guard let tensor, tensor.suitability.isQuantizable, contributions[tensor.id].isReadable
    else { return nil }
    return tensor
  }

  /// The tensor's part in what is to be measured.
  var channelsWork: Work? {
    guard view == .channels, let tensor = channelsTensor else { return nil }
    return .channels(tensor: tensor.id, format: choice(of: tensor.id).format)
  }

  /// What is known of the tensor's channels: in the format that it has, or until that is measured in the one that it
  /// had.
  var shownChannels: (measurement: ChannelMeasurement, digest: ChannelDigest)? {
    guard let digest = channels.digest, digest.key.tensor == channelsTensor?.id,
      let measurement = findings.channels[digest.measured]
    else { return nil }
    return (measurement, digest)
  }

  /// Whether the errors that are shown are those of the format at hand.
  var areChannelErrorsCurrent: Bool {
    guard let digest = channels.digest else { return false }
    return digest.key.format == choice(of: digest.key.tensor).format
  }

  /// Works out what the figures come to, if they have changed.
  mutating func settleChannels() {
    guard view == .channels, let tensor = channelsTensor else { return }
    let wanted = Findings.ChannelsKey(tensor: tensor.id, format: choice(of: tensor.id).format)
    let before = channels.digest.flatMap { $0.key.tensor == tensor.id ? $0.measured : nil }
    // The first of another tensor's list.
    if channels.digest?.key.tensor != tensor.id, channels.order != .model {
      (channels.row, channels.column) = (nil, nil)
    }
    let known = [wanted, before].compactMap { $0 }.first { findings.channels[$0] != nil }
    guard let known, let measurement = findings.channels[known] else {
      channels.digest = nil
      return
    }
    let key = ChannelDigest.Key(
      tensor: tensor.id, format: known.format, axis: channels.axis, order: channels.order,
      rows: measurement.errors.rowCount)
    if channels.digest?.key != key { channels.digest = ChannelDigest(measurement, key) }
    if (channels.cursor ?? .max) >= channelCount(tensor) { channels.cursor = nil }
    keepChannelInSight()
  }

  /// How many channels a tensor has on the side that is shown.
  func channelCount(_ tensor: Tensor) -> Int {
    channels.axis == .rows ? tensor.rows : tensor.rowLength
  }

  private mutating func keepChannelInSight() {
    guard let digest = channels.digest, digest.key.axis == channels.axis, digest.count > 0 else {
      return
    }
    let rows = ChannelsLayout(ScreenLayout(size: size).body).list.rows
    let place = channels.cursor.map(digest.place) ?? 0
    channels.cursor = digest.channel(at: place)
    channels.scroll = min(channels.scroll, place)
    channels.scroll = max(channels.scroll, place - rows + 1)
    channels.scroll = min(max(0, channels.scroll), max(0, digest.count - rows))
  }

  // MARK: - Keys

  mutating func moveInChannels(by rows: Int) {
    guard let digest = channels.digest, digest.count > 0 else { return }
    let last = digest.count - 1
    let place = (channels.cursor.map(digest.place) ?? 0) + min(max(rows, -last), last)
    channels.cursor = digest.channel(at: min(max(0, place), last))
  }

  /// Between output rows and input channels.
  mutating func switchChannels() {
    channels.axis = channels.axis.other
    channels.scroll = 0
  }

  mutating func reorderChannels() {
    let all = ChannelsState.Order.allCases
    channels.order = all[(channels.order.rawValue + 1) % all.count]
    if channels.order != .model { (channels.row, channels.column) = (nil, nil) }
    channels.scroll = 0
    if message?.kind == .plain { message = nil }
  }

  /// Goes to another tensor that is worth quantizing.
  mutating func showTensor(by steps: Int) {
    let ids = catalogue.rows(folded: [], filter: rowFilter).compactMap { row -> Int? in
      if case .tensor(let id) = row.subject { id } else { nil }
    }
    func isWorthIt(_ id: Int) -> Bool { model.tensors[id].suitability.isQuantizable }
    // On a group: to the first of its tensors, or what comes before.
    let first = tensor?.id ?? row.flatMap { members(of: $0).first }
    let here = first.flatMap { ids.firstIndex(of: $0) } ?? 0
    let next =
      steps > 0
      ? ids[min(ids.count, here + (tensor == nil ? 0 : 1))...].first(where: isWorthIt)
      : ids[..<min(ids.count, here)].last(where: isWorthIt)
    guard let next else {
      message = Notice(text: steps > 0 ? "that was the last tensor" : "that was the first tensor")
      return
    }
    if message?.kind == .plain { message = nil }
    origin = .layers
    reveal(next)
    channels.scroll = 0
  }

  /// Goes to the tensor in the Layers view.
  mutating func showChannelsTensor() {
    let id = tensor?.id
    show(.layers)
    if let id { reveal(id) }
  }

  // MARK: - Granularity

  /// Integers of the same bits and scheme in each granularity that makes a difference to a tensor, the coarsest first.
  func granularities(of tensor: Tensor) -> [IntegerFormat] {
    let base = granularityBase(of: tensor)
    return RecipeForm.granularities.map { base.with(granularity: $0) }.enumerated()
      .filter { index, format in
        guard format.granularity == RecipeForm.granularities[index] else { return false }
        guard case .group(let length) = format.granularity else { return true }
        return length < tensor.rowLength || format == base
      }.map(\.element)
  }

  /// The integers that are compared: those of the choice, or of about as many bits.
  func granularityBase(of tensor: Tensor) -> IntegerFormat {
    let choice = choice(of: tensor.id)
    switch choice {
    case .format(.integer(let format)): return format
    case .source: return family
    case .format:
      // A group of 128 has an eighth of a bit for its scale.
      let bits = (choice.bitsPerWeight(of: tensor) - 0.125).rounded(.toNearestOrEven)
      return family.with(bits: min(8, max(2, Int(bits))))
    }
  }

  /// Takes a granularity so many places finer, or coarser.
  mutating func stepGranularity(by steps: Int) {
    guard let tensor = channelsTensor else {
      message = Notice(text: "there is no granularity to choose here", kind: .warning)
      return
    }
    let choice = choice(of: tensor.id)
    guard case .format(.integer(let format)) = choice else {
      message = Notice(
        text: choice == .source
          ? "the source has no scales: - takes the first step down the ladder"
          : "\(choice) shares scales in its own way: t lists formats with a choice",
        kind: .warning)
      return
    }
    let all = granularities(of: tensor)
    let next = (all.firstIndex(of: format) ?? 0) + steps
    guard all.indices.contains(next) else {
      message = Notice(text: steps > 0 ? "nothing finer" : "nothing coarser")
      return
    }
    setFamily(all[next])
  }

  /// The formats whose errors the panel shows.
  var granularityFormatsInSight: [Format] {
    channelsTensor.map { granularities(of: $0).map { .integer($0) } } ?? []
  }

  // MARK: - The mouse

  /// A click selects a channel, on the list or on the profile; on the panel it takes a granularity.
  mutating func clickChannels(_ mouse: MouseEvent) {
    guard let tensor = channelsTensor else { return }
    let layout = ChannelsLayout(ScreenLayout(size: size).body)
    let point = mouse.position
    if layout.switches.contains(point) {
      let tabs = channelTabs(in: layout.switches)
      if tabs.contains(where: { $0.axis != channels.axis && $0.rect.contains(point) }) {
        switchChannels()
      }
    } else if layout.list.contains(point), let digest = channels.digest {
      let place = channels.scroll + point.row - layout.list.row
      if place < digest.count { channels.cursor = digest.channel(at: place) }
    } else if layout.plot.contains(point) {
      let plot = ChannelPlot(
        layout.plot, count: channelCount(tensor), hasErrors: channels.digest?.key.format != nil)
      if let first = plot.channels(at: point.column)?.first { channels.cursor = first }
    } else if layout.panel.contains(point) {
      let all = granularities(of: tensor)
      let line = point.row - layout.panel.row - 2
      if all.indices.contains(line) { setFormat(.integer(all[line])) }
    }
  }
}
