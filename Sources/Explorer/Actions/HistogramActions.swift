import Terminal

extension Action {
  /// What is done with the histogram, small or large. Steps along the ladder work meanwhile, with the same keys.
  static let histogram: [Action] = [
    Action(
      id: "histogram", section: .histogram, keys: [.character("H")],
      title: "make it large, or small again", hint: ("histogram", 47)
    ) {
      $0.enlargeHistogram()
      return []
    },
    Action(
      id: "zoomIn", section: .histogram, keys: [.character("i")], title: "zoom in",
      objection: \.histogramObjection
    ) {
      $0.zoomHistogram(closer: true)
      return []
    },
    Action(
      id: "zoomOut", section: .histogram, keys: [.character("o")],
      title: "zoom out, as far as the outliers", objection: \.histogramObjection
    ) {
      $0.zoomHistogram(closer: false)
      return []
    },
    Action(
      id: "panLeft", section: .histogram, keys: [.character(","), .shiftLeft],
      title: "pan left; where it is large, the arrow as well", objection: \.histogramObjection
    ) {
      $0.panHistogram(by: -1)
      return []
    },
    Action(
      id: "panRight", section: .histogram, keys: [.character("."), .shiftRight],
      title: "pan right", objection: \.histogramObjection
    ) {
      $0.panHistogram(by: 1)
      return []
    },
    Action(
      id: "zoomAll", section: .histogram, keys: [.character("w")],
      title: "the whole range again", objection: \.histogramObjection
    ) {
      $0.showWholeHistogram()
      return []
    },
    Action(
      id: "logCounts", section: .histogram, keys: [.character("L")],
      title: "linear or logarithmic counts"
    ) {
      $0.logCounts.toggle()
      $0.message = .init(text: $0.logCounts ? "logarithmic counts" : "linear counts")
      return []
    },
    Action(
      id: "errorCurve", section: .histogram, keys: [.character("E")],
      title: "errors by weight: root mean square, share, none"
    ) {
      $0.switchErrorCurve()
      return []
    },
  ]

  /// The action of a key that means something else while the histogram has the focus.
  static func idInHistogram(_ key: Key) -> String? {
    switch key {
    case .left: "panLeft"
    case .right: "panRight"
    case .home: "zoomAll"
    default: nil
    }
  }
}

extension State {
  /// The last line while the histogram has the focus.
  var histogramHints: [(hint: Hint, priority: Int)] {
    let own: [(key: String?, text: String, action: String?, priority: Int)] = [
      (key("zoomIn"), "closer", "zoomIn", 3), (key("zoomOut"), "farther", "zoomOut", 4),
      (glyphs.leftAndRight, "pan", nil, 5), (key("zoomAll"), "whole", "zoomAll", 7),
      (key("logCounts"), logCounts ? "linear" : "log", "logCounts", 6),
      (key("errorCurve"), "errors", "errorCurve", 8), (key("pane"), "list", "pane", 10),
      (key("back"), "back", "back", 0), (key("help"), "help", "help", 1),
      (key("quit"), "quit", "quit", 2),
    ]
    return own.compactMap { item in
      item.key.map { (Hint(key: $0, text: item.text, action: item.action), item.priority) }
    }
  }
}
