import ModelFiles
import Planning
import Terminal

/// The list of devices: which of them the plan fits, at a context and with a cache that can be changed.
struct DeviceList: Sendable {
  var input = TextInput()
  var selected = 0
  var use: Use

  /// More at once is nobody's use.
  static let mostSequences = 4_096
}

extension State {
  /// Opens the list on the device that is chosen.
  mutating func openDevices() {
    var list = DeviceList(use: fitting.use)
    list.selected = deviceItems(list).firstIndex(of: fitting.device) ?? 0
    modal = .devices(list)
  }

  /// What the typed text leaves; without one first of all none, where one is chosen.
  func deviceItems(_ list: DeviceList) -> [Device?] {
    let text = list.input.string
    guard !text.isEmpty else {
      return (fitting.device == nil ? [] : [nil]) + fitting.devices
    }
    return fitting.devices.enumerated().compactMap { index, device in
      fuzzyScore(text, in: device.name).map { (score: $0, index: index, device: device) }
    }.sorted { ($0.score, $0.index) < ($1.score, $1.index) }.map(\.device)
  }

  mutating func handleDevices(_ key: Key, _ list: DeviceList) {
    var list = list
    switch key {
    case .escape, .control("c"):
      modal = nil
      return
    case .enter:
      modal = nil
      let items = deviceItems(list)
      if items.indices.contains(list.selected) { take(items[list.selected], list.use) }
      return
    case .up: list.selected -= 1
    case .down: list.selected += 1
    case .pageUp: list.selected -= deviceRows
    case .pageDown: list.selected += deviceRows
    case .home: list.selected = 0
    case .end: list.selected = .max
    case .left, .right: list.use.context = context(key == .left ? -1 : 1, from: list.use.context)
    case .tab, .backTab: list.use.cache = cacheType(key == .tab ? 1 : -1, from: list.use.cache)
    case .character("+"), .character("="):
      list.use.sequences = min(DeviceList.mostSequences, list.use.sequences * 2)
    case .character("-"): list.use.sequences = max(1, list.use.sequences / 2)
    default: if list.input.handle(key) { list.selected = 0 }
    }
    list.selected = min(max(0, list.selected), max(0, deviceItems(list).count - 1))
    modal = .devices(list)
  }

  /// Moves the cursor of an open list.
  mutating func moveInDevices(by rows: Int) {
    guard case .devices(var list) = modal else { return }
    list.selected = min(max(0, list.selected + rows), max(0, deviceItems(list).count - 1))
    modal = .devices(list)
  }

  private func context(_ steps: Int, from present: Int) -> Int {
    let contexts = fitting.contexts(with: present)
    let place = (contexts.firstIndex(of: present) ?? 0) + steps
    return contexts[min(max(0, place), contexts.count - 1)]
  }

  private func cacheType(_ steps: Int, from present: CacheType) -> CacheType {
    let types = fitting.cacheTypes(with: present)
    let place = (types.firstIndex(of: present) ?? 0) + steps
    return types[(place + types.count) % types.count]
  }

  private mutating func take(_ device: Device?, _ use: Use) {
    choose(device, use)
    guard let fit else {
      message = Notice(text: "no device")
      return
    }
    let text = FitText.summaries(fit, glyphs).first ?? ""
    message =
      fit.fits
      ? Notice(text: text)
      : Notice(text: text + ways(("solve", "fit Enter makes it fit")), kind: .warning)
  }
}
