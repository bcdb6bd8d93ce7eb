import Terminal

extension Action {
  static let channels: [Action] = [
    Action(
      id: "channelSide", section: .channels, keys: [.tab, .backTab],
      title: "between output rows and input channels", hint: ("rows/columns", 8)
    ) {
      $0.switchChannels()
      return []
    },
    Action(
      id: "channelOrder", section: .channels, keys: [.character("o")],
      title: "sort by error, range, outliers, or not", hint: ("order", 9)
    ) {
      $0.reorderChannels()
      return []
    },
    Action(
      id: "coarser", section: .channels, keys: [.character("(")],
      title: "coarser granularity: fewer scales"
    ) {
      $0.stepGranularity(by: -1)
      return []
    },
    Action(
      id: "finer", section: .channels, keys: [.character(")")],
      title: "finer granularity: more scales", hint: ("finer", 11)
    ) {
      $0.stepGranularity(by: 1)
      return []
    },
    Action(
      id: "tensorAfter", section: .channels, keys: [.character("n")],
      title: "to the next tensor", hint: ("next tensor", 13)
    ) {
      $0.showTensor(by: 1)
      return []
    },
    Action(
      id: "tensorBefore", section: .channels, keys: [.character("N")],
      title: "to the tensor before"
    ) {
      $0.showTensor(by: -1)
      return []
    },
    Action(
      id: "channelsShow", section: .channels, keys: [.enter], title: "back to the tensor in Layers"
    ) {
      $0.showChannelsTensor()
      return []
    },
  ]
}
