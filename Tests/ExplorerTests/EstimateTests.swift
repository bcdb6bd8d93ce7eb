import Measurement
import ModelFiles
import Planning
import Quantization
import SampleSupport
import Terminal
import Testing

@testable import Explorer

/// Estimates: when they are asked for, and how they look.
struct EstimateTests {
  /// A player that was told estimates of everything on the screen, and nothing exact.
  private func estimated(
    _ keys: String, columns: Int = 120, rows: Int = 36, isASCII: Bool = false
  ) throws -> Player {
    var options = Options()
    options.glyphs = isASCII ? .ascii : .unicode
    var player = Player(
      try SampleModel.llama().open(), size: Size(columns: columns, rows: rows), options: options)
    try player.press(keys)
    let estimates = player.state.urgent.compactMap { work -> ExplorerEvent? in
      guard case .measurement(let tensor, let format) = work else { return nil }
      let estimate = Work.estimate(tensor: tensor, format: format, weights: 65_536)
      return .found(estimate, MadeUp.finding(estimate))
    }
    let statistics = player.state.model.tensors.indices.map { Work.statistics(tensor: $0) }
    player.take(estimates + statistics.map { .found($0, MadeUp.finding($0)) })
    return player
  }

  @Test(arguments: [(120, 36, false), (80, 24, false), (200, 60, false), (80, 24, true)])
  func estimatesLookLikeEstimates(columns: Int, rows: Int, isASCII: Bool) throws {
    let player = try estimated("4jj3", columns: columns, rows: rows, isASCII: isASCII)
    let name = "estimates-\(isASCII ? "ascii-" : "")\(columns)x\(rows)"
    try Golden.expect(player.lines, name)
    try Golden.expect(Golden.styles(player.state.draw()), name + ".styles")
    let text = player.lines.joined(separator: "\n")
    #expect(text.contains(isASCII ? "~ " : "\u{2248} ") && text.contains(isASCII ? "+-" : "\u{B1}"))
    for line in player.lines { #expect(line.columns <= columns) }
  }

  /// The exact figure beats estimates, a larger sample a smaller one, whatever the order they come in.
  @Test func theBestIsKept() throws {
    var player = Player(try SampleModel.single().open())
    try player.press("4")
    let int4 = try Format(parsing: "int4")
    let small = Work.estimate(tensor: 0, format: int4, weights: 1 << 16)
    let large = Work.estimate(tensor: 0, format: int4, weights: 1 << 18)
    let exact = Work.measurement(tensor: 0, format: int4)
    func find(_ work: Work) { player.take([.found(work, MadeUp.finding(work))]) }
    func interval() -> Interval? { player.state.measurement(of: 0, int4)?.interval }
    find(small)
    let first = try #require(interval())
    #expect(!player.state.findings.has(large) && player.state.findings.has(small))
    find(large)
    let second = try #require(interval())
    #expect(second.halfWidth < first.halfWidth)
    find(small)
    #expect(interval() == second)
    #expect(player.state.isMeasuring && player.state.pending[0] == exact)
    #expect(player.state.totals.estimated == 1 && player.state.totals.interval != nil)
    find(exact)
    #expect(interval() == nil && player.state.findings.has(large))
    find(large)
    #expect(interval() == nil && player.state.totals.interval == nil)
    #expect(player.state.pending.isEmpty)
  }

  @Test func aPlanSaysWhatIsEstimated() throws {
    var player = Player(try SampleModel.single().open())
    try player.press("4")
    let int4 = try Format(parsing: "int4")
    for (work, isExact) in [
      (Work.estimate(tensor: 0, format: int4, weights: 1 << 16), false),
      (.measurement(tensor: 0, format: int4), true),
    ] {
      player.take([.found(work, MadeUp.finding(work))])
      let plan = player.state.makePlan()
      #expect(plan.tensors[0].nmse != nil && plan.tensors[0].exact == isExact)
      #expect(PlanFile.text(of: plan).contains("\"exact\": \(isExact)"))
    }
  }

  /// Where the exact figure takes long, estimates of all that is in sight come first, then the exact ones.
  @Test func estimatesAreAskedForFirst() throws {
    let data = [UInt8](repeating: 0x3D, count: 2 << 20)
    let model = try SampleModel([
      SampleTensor("a.weight", [1024, 1024], type: "BF16", data: data),
      SampleTensor("b.weight", [64, 64], type: "BF16", data: Array(data.prefix(8192))),
    ]).open()
    var options = Options()
    let slow = try Format(parsing: "int8:entropy")
    let slower = try Format(parsing: "int4:entropy")
    let fast = try Format(parsing: "int8")
    options.ladder = [slow, fast, slower]
    var player = Player(model, options: options)
    let estimates = [slow, slower].map {
      Work.estimate(tensor: 0, format: $0, weights: 1 << 16)
    }
    #expect(Array(player.state.urgent.prefix(2)) == estimates)
    #expect(!player.state.urgent.dropFirst(2).contains { $0.isEstimate })
    #expect(player.state.urgent.contains(.measurement(tensor: 0, format: fast)))
    // A sample that says nothing isn't asked for again; the exact figure is.
    player.take([.found(estimates[0], .inestimable)])
    #expect(!player.state.urgent.contains(estimates[0]))
    #expect(player.state.urgent.contains(.measurement(tensor: 0, format: slow)))
    try player.press("<Down>")
    #expect(!player.state.urgent.contains { $0.isEstimate })
  }

  @Test(arguments: [
    (0.0042, 0.0001, "\u{2248} 0.42 % \u{B1} 0.01"),
    (0.0042, 0.00023, "\u{2248} 0.42 % \u{B1} 0.03"),
    (0.12, 0.03, "\u{2248} 12 % \u{B1} 3"), (0.5, 0.2, "\u{2248} 50 % \u{B1} 20"),
    (0.00005, 0.000001, "\u{2248} 0.0050 % \u{B1} 0.0001"),
  ])
  func figures(nmse: Double, half: Double, text: String) {
    let interval = Interval(low: nmse - half, high: nmse + half)
    #expect(Figures.percent(nmse, interval: interval) == text)
    #expect(Figures.percent(nmse, interval: nil) == Figures.percent(nmse))
  }
}

extension Work {
  fileprivate var isEstimate: Bool { if case .estimate = self { true } else { false } }
}
