import Foundation
import ModelFiles
import Planning

/// What both kinds of report say, in words and rows.
extension Report {
  /// What the tensors are shown in, in a few words.
  var subjectName: String {
    switch subject {
    case .plan(let name): name.sanitised.shortened(to: 60)
    case .uniform(let format): "\(format) for all"
    }
  }

  /// What the tensors are shown in, in a sentence.
  var subjectSentence: String {
    switch subject {
    case .plan:
      let limit = budget.map { ", made for a budget of \(Figures.budget($0))" } ?? ""
      return "Plan: \(subjectName)\(limit)."
    case .uniform(let format):
      return "No plan: this shows what \(format) would do to all tensors that can have it."
    }
  }

  var identityText: String {
    let parts = [
      model.architecture.map { $0.sanitised.shortened(to: 60) },
      "\(Figures.count(model.weights)) weights", Figures.counted(entries.count, "tensor"),
      container.rawValue, model.fingerprint.sanitised.shortened(to: 90),
    ]
    return parts.compactMap { $0 }.joined(separator: " \u{B7} ")
  }

  /// What is said where some errors aren't known.
  var unmeasuredSentence: String? {
    let totals = totals
    if totals.unmeasured > 0 {
      return "The errors of \(Figures.counted(totals.unmeasured, "tensor")) aren't known."
    }
    guard totals.estimated > 0 else { return nil }
    return "\u{2248}: \(Figures.counted(totals.estimated, "error")) estimated from samples; "
      + "intervals hold 95 %."
  }

  // MARK: - Totals

  var totalsHead: [String] { ["", "size", "bpw", "saved", "NMSE", "SQNR"] }

  var totalsRows: [[String]] {
    let totals = totals
    let sourceBits = model.weights == 0 ? 0 : 8 * Double(model.bytes) / Double(model.weights)
    let isKnown = totals.isComplete
    return [
      ["source", Figures.bytes(model.bytes), Figures.bits(sourceBits), "", "", ""],
      [
        subjectName, Figures.bytes(totals.bytes), Figures.bits(totals.bitsPerWeight),
        String(format: "%.1f %%", 100 * totals.saving),
        isKnown ? Figures.percent(totals.nmse, interval: totals.interval) : "?",
        isKnown ? Figures.decibels(totals.sqnr) : "?",
      ],
    ]
  }

  var mapCaption: String {
    let kept = entries.count { !$0.tensor.suitability.isQuantizable }
    let rest =
      kept == 0
      ? "" : " \(Figures.counted(kept, "tensor")) not worth quantizing (norms, biases) left out."
    return "Darker is less. Tensors of a block that share a role share a cell; a cell of 0 keeps "
      + "its source, or loses nothing." + rest
  }

  // MARK: - Formats

  var formatHead: [String] { ["format", "tensors", "weights", "size", "bpw", "NMSE"] }

  /// What each format got, the most bytes first.
  var formatRows: [[String]] {
    var sums: [Choice: (count: Int, totals: Totals)] = [:]
    for entry in entries {
      sums[entry.choice, default: (0, Totals())].count += 1
      sums[entry.choice]?.totals.add(entry.contribution)
    }
    let rows = sums.map { (name: $0.key.description, choice: $0.key, sum: $0.value) }
    return rows.sorted {
      ($1.sum.totals.bytes, $0.name) < ($0.sum.totals.bytes, $1.name)
    }.prefix(60).map { row in
      let totals = row.sum.totals
      return [
        row.name, "\(row.sum.count)", Figures.count(totals.weights), Figures.bytes(totals.bytes),
        Figures.bits(totals.bitsPerWeight),
        row.choice == .source ? "" : Figures.percent(of: totals),
      ]
    }
  }

  // MARK: - The frontier

  func markHead(_ curve: PlanCurve) -> [String] {
    ["plan", "size", "bpw", curve.objective.name, "best", "ratio"]
  }

  func markRows(_ curve: PlanCurve) -> [(cells: [String], isSubject: Bool)] {
    curve.marks.sorted {
      ($0.kind == .subject ? 0 : 1, $1.bytes, $0.name)
        < ($1.kind == .subject ? 0 : 1, $0.bytes, $1.name)
    }.prefix(60).map { mark in
      let ratio = mark.best.flatMap { $0 > 0 ? mark.error / $0 : nil }
      let bits = model.weights == 0 ? 0 : 8 * Double(mark.bytes) / Double(model.weights)
      return (
        [
          mark.name.sanitised.shortened(to: 60), Figures.bytes(mark.bytes), Figures.bits(bits),
          Figures.figure(mark.error, of: curve.objective),
          mark.best.map { Figures.figure($0, of: curve.objective) } ?? "\u{2013}",
          ratio.map { Figures.significant($0) } ?? "\u{2013}",
        ], mark.kind == .subject
      )
    }
  }

  /// What the columns mean, and which formats were looked at.
  var markCaption: String {
    "Best: the least error with no more bytes, in the formats of the line (presets may have "
      + "others). Ratio: how many times as much a plan loses."
  }

  // MARK: - Devices

  func deviceRows(_ devices: Devices) -> [[String]] {
    zip(devices.source, devices.subject).map { source, subject in
      let device = source.device
      return [
        "\(device.name.sanitised.shortened(to: 60)), \(Figures.bytes(device.usable)) usable",
        Self.text(source), Self.text(subject),
      ]
    }
  }

  private static func text(_ fit: Fit) -> String {
    guard fit.fits else { return "\(Figures.bytes(-fit.freeBytes)) too large" }
    let context = fit.greatestContext.map {
      $0 > 0 ? ", context up to \(Quantity.text(tokens: $0))" : ""
    }
    let speed = fit.tokensPerSecond.map { ", \u{2264} \(Fit.rate($0)) tok/s" }
    return "fits" + (context ?? "") + (speed ?? "")
  }

  func deviceCaption(_ devices: Devices) -> String {
    let use = devices.use
    let sequences = use.sequences > 1 ? "\(use.sequences) sequences of " : ""
    let context = Quantity.text(tokens: use.context)
    return "Weights, cache (\(sequences)\(context) tokens, \(use.cache)) and "
      + "an estimated overhead against what a model can have of the memory. Speeds are bounds: "
      + "bandwidth over the bytes that must be read for a token."
  }

  // MARK: - The end

  var madeBy: String {
    "bitladder \(version)" + (date.map { ", \($0.sanitised.shortened(to: 60))" } ?? "")
  }

  static let definitions =
    "NMSE: the sum of squared errors of the weights over the sum of their squares. SQNR: the same "
    + "in decibels, -10 log10 NMSE. bpw: stored bits for each weight, scales and code books too."
}
