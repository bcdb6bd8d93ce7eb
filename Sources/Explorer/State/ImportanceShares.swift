import ModelFiles

/// How the importance of a tensor is spread over its input channels; stacked matrices are added up.
struct ImportanceShares: Equatable {
  /// The channels with the greatest shares (0...1), the greatest first; none if all importance is zero.
  let leading: [(channel: Int, share: Double)]
  /// How few channels have half of all importance.
  let half: Int

  init(_ importance: TensorImportance, rowLength: Int, leading count: Int = 3) {
    var sums = [Double](repeating: 0, count: rowLength)
    for (index, value) in importance.values.enumerated() {
      sums[index % rowLength] += Double(value)
    }
    let total = sums.reduce(0, +)
    var leading: [(channel: Int, share: Double)] = []
    if total > 0 {
      for (channel, sum) in sums.enumerated()
      where leading.count < count || sum / total > (leading.last?.share ?? 0) {
        let place = leading.firstIndex { $0.share < sum / total } ?? leading.count
        leading.insert((channel, sum / total), at: place)
        if leading.count > count { leading.removeLast() }
      }
    }
    self.leading = leading
    var rest = total / 2
    var half = 0
    for sum in sums.sorted(by: >) where rest > 0 {
      rest -= sum
      half += 1
    }
    self.half = half
  }

  static func == (a: Self, b: Self) -> Bool {
    a.half == b.half && a.leading.elementsEqual(b.leading, by: ==)
  }
}
