/// What the command line asked for.
struct BenchmarkOptions {
  /// Fewer weights and fewer runs.
  var quick = false
  /// The models that the explorer is measured on; one of them, where it is one.
  var models: [String] = []
  var model: String? { models.first }
}

/// The median time of several runs, in seconds, after one run that isn't counted.
func medianSeconds(runs: Int, _ body: () -> Void) -> Double {
  body()
  let clock = ContinuousClock()
  let times = (0..<runs).map { _ in
    let time = clock.measure(body).components
    return Double(time.seconds) + Double(time.attoseconds) * 1e-18
  }
  return times.sorted()[runs / 2]
}

/// A table of text whose columns are as wide as their widest cell; all but the first are set right.
func table(_ rows: [[String]]) -> String {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in
    rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
  }
  return rows.map { row in
    row.enumerated().map { column, cell in
      let blanks = String(repeating: " ", count: widths[column] - cell.count)
      return column == 0 ? cell + blanks : blanks + cell
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}

/// Weights in millions, as they are shown.
func millions(_ perSecond: Double) -> String {
  let value = perSecond / 1e6
  guard value < 99.95 else { return String(Int(value.rounded())) }
  return String((value * 10).rounded() / 10)
}
