import Terminal

extension Action {
  static let quality: [Action] = [
    Action(
      id: "qualityOrder", section: .quality, keys: [.character("o")],
      title: "sort by effect, by effect beyond NMSE, by error", hint: ("order", 9)
    ) {
      $0.reorderQuality()
      return []
    },
    Action(
      id: "qualityShow", section: .quality, keys: [.enter],
      title: "back to this tensor in Layers", hint: ("Layers", 18)
    ) {
      $0.showQualityTensor()
      return []
    },
  ]

  static let running: [Action] = [
    Action(
      id: "runModel", section: .quality, keys: [.character("K")],
      title: "run the model under every plan, or no longer"
    ) { $0.switchQuality() }
  ]
}
