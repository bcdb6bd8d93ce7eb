import Foundation
import Planning

/// Size against error as SVG, both axes logarithmic: the curve of the best plans, and others among them.
struct CurveDrawing {
  let curve: PlanCurve
  let weights: Int
  let size: (width: Double, height: Double)
  private let area: (left: Double, top: Double, right: Double, bottom: Double)
  private let bytes: ClosedRange<Double>
  private let decades: ClosedRange<Double>
  private let hasLossless: Bool

  /// nil where there is nothing to draw.
  init?(_ curve: PlanCurve, weights: Int, size: (width: Double, height: Double)) {
    self.curve = curve
    self.weights = weights
    self.size = size
    area = (52, 10, size.width - 10, size.height - 44)
    let points =
      curve.points.map { ($0.bytes, $0.error) } + curve.marks.map { ($0.bytes, $0.error) }
    let sizes = points.map { log2(Double(max(1, $0.0))) }
    guard let least = sizes.min(), let most = sizes.max(), weights > 0 else { return nil }
    let margin = max(0.04, (most - least) * 0.03)
    bytes = (least - margin)...(most + margin)
    let errors = points.map(\.1).filter { $0 > 0 && $0.isFinite }.map { log10($0) }
    let high = errors.max() ?? 0
    // What is better than 60 dB needs no room: it stands at the lower edge.
    let low = max(errors.min() ?? -4, min(-6, high - 1))
    hasLossless = points.contains { $0.1 <= 0 }
    let space = max(0.1, (high - low) * 0.04)
    decades = (low - space * (hasLossless ? 3 : 1))...(high + space)
  }

  private func x(_ count: Double) -> Double {
    let share = (log2(max(1, count)) - bytes.lowerBound) / (bytes.upperBound - bytes.lowerBound)
    return area.left + (area.right - area.left) * min(1, max(0, share))
  }

  private func y(_ error: Double) -> Double {
    guard error > 0 else { return area.bottom }
    guard error.isFinite else { return area.top }
    let share = (log10(error) - decades.lowerBound) / (decades.upperBound - decades.lowerBound)
    return area.bottom - (area.bottom - area.top) * min(1, max(0, share))
  }

  func write(to page: inout Markup, class name: String) {
    var inner = Markup()
    writeAxes(to: &inner)
    writeLine(to: &inner)
    writeMarks(to: &inner)
    page.element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "class": name,
        "viewBox": "0 0 \(size.width.coordinate) \(size.height.coordinate)",
        "width": size.width.coordinate, "height": size.height.coordinate, "role": "img",
        "aria-label": "Size against \(curve.objective.name); the table below has the figures",
      ]
    ) { $0.write(markup: inner.text) }
    page.endLine()
  }

  // MARK: - Axes

  private static let bits: [Double] = [0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64]

  private func writeAxes(to page: inout Markup) {
    var lastEnd = -Double.infinity
    for bits in Self.bits {
      let count = bits * Double(weights) / 8
      guard bytes.contains(log2(max(1, count))) else { continue }
      let place = x(count)
      writeLine(from: (place, area.top), to: (place, area.bottom), "grid", to: &page)
      guard place - lastEnd > 30 else { continue }
      lastEnd = place
      let text = bits == bits.rounded() ? "\(Int(bits))" : "\(bits)"
      writeText(text, at: (place, area.bottom + 14), "mid", to: &page)
    }
    writeText(
      "bits per weight \u{2192}", at: (area.right, area.bottom + 32), "end", to: &page)
    writeText("\u{2191} \(curve.objective.name)", at: (4, area.bottom + 32), "start", to: &page)
    var exponent = Int(decades.lowerBound.rounded(.up))
    while Double(exponent) <= decades.upperBound, exponent < 400 {
      let place = y(pow(10, Double(exponent)))
      writeLine(from: (area.left, place), to: (area.right, place), "grid", to: &page)
      if !hasLossless || place < area.bottom - 14 {
        writeText(
          curve.objective == .divergence
            ? Figures.divergence(pow(10, Double(exponent)))
            : HeatQuantity.error(pow(10, Double(exponent))) + " %", at: (area.left - 5, place + 4),
          "end", to: &page)
      }
      exponent += 1
    }
    if hasLossless {
      writeText(
        Figures.figure(0, of: curve.objective), at: (area.left - 5, area.bottom + 4), "end",
        to: &page)
    }
    writeLine(from: (area.left, area.top), to: (area.left, area.bottom), "axis", to: &page)
    writeLine(from: (area.left, area.bottom), to: (area.right, area.bottom), "axis", to: &page)
  }

  private func writeText(
    _ text: String, at place: (x: Double, y: Double), _ name: String, to page: inout Markup
  ) {
    page.element(
      "text", ["x": place.x.coordinate, "y": place.y.coordinate, "class": name], text)
  }

  private func writeLine(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ name: String,
    to page: inout Markup
  ) {
    page.empty(
      "path",
      [
        "class": name,
        "d": "M\(start.x.coordinate) \(start.y.coordinate)L\(end.x.coordinate) \(end.y.coordinate)",
      ])
  }

  // MARK: - Plans

  /// Corners closer together than a pixel are one.
  private func writeLine(to page: inout Markup) {
    var path = ""
    var last: (x: Double, y: Double)?
    for (index, point) in curve.points.enumerated() {
      let place = (x: x(Double(point.bytes)), y: y(point.error))
      let isEnd = index == curve.points.count - 1
      if let last, !isEnd, abs(place.x - last.x) + abs(place.y - last.y) < 1 { continue }
      path += (last == nil ? "M" : "L") + "\(place.x.coordinate) \(place.y.coordinate)"
      last = place
    }
    page.empty("path", ["class": "curve", "d": path])
    page.endLine()
  }

  private func writeMarks(to page: inout Markup) {
    var placer = LabelBoxes(area: area)
    let places = curve.marks.map { (x: x(Double($0.bytes)), y: y($0.error)) }
    for place in places { placer.take(around: place, reach: 5) }
    // What is most important is drawn last, and gets its name first.
    for (mark, place) in zip(curve.marks, places).reversed() {
      page.empty(
        "path", ["class": "mark \(mark.kind)", "d": Self.sign(mark.kind, place)])
    }
    page.endLine()
    for (mark, place) in zip(curve.marks, places) {
      let name = mark.name.sanitised.shortened(to: 24)
      guard let spot = placer.place(name, at: place) else { continue }
      writeText(name, at: spot, "start \(mark.kind)", to: &page)
    }
    page.endLine()
  }

  /// A square for the subject, a diamond for presets, a circle for plans of one format.
  private static func sign(_ kind: PlanCurve.Mark.Kind, _ place: (x: Double, y: Double)) -> String {
    let (x, y) = (place.x.coordinate, place.y.coordinate)
    return switch kind {
    case .subject: "M\(x) \(y)m-5-5h10v10h-10z"
    case .preset: "M\(x) \(y)m0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z"
    case .uniform: "M\(x) \(y)m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
    }
  }
}

extension PlanCurve.Mark.Kind: CustomStringConvertible {
  /// What it is called in the report.
  public var description: String {
    switch self {
    case .subject: "subject"
    case .preset: "preset"
    case .uniform: "uniform"
    }
  }
}

/// Puts names beside points so that none covers another or a point.
private struct LabelBoxes {
  let area: (left: Double, top: Double, right: Double, bottom: Double)
  private var taken: [(left: Double, top: Double, right: Double, bottom: Double)] = []

  init(area: (left: Double, top: Double, right: Double, bottom: Double)) { self.area = area }

  mutating func take(around place: (x: Double, y: Double), reach: Double) {
    taken.append((place.x - reach, place.y - reach, place.x + reach, place.y + reach))
  }

  /// Where a name's base line begins; nil where there is no room for it.
  mutating func place(_ name: String, at point: (x: Double, y: Double)) -> (x: Double, y: Double)? {
    let (width, height) = (Double(name.count) * 6.6, 12.0)
    let offsets = [
      (9.0, 4.0), (6, -8), (-width - 9, 4), (6, 16), (-width - 6, -8), (-width - 6, 16),
      (-width / 2, -10), (-width / 2, 19),
    ]
    for (dx, dy) in offsets {
      let spot = (x: point.x + dx, y: point.y + dy)
      let box = (
        left: spot.x - 1, top: spot.y - height + 2, right: spot.x + width, bottom: spot.y + 2
      )
      guard box.left >= area.left, box.right <= area.right + 8, box.top >= area.top - 8,
        box.bottom <= area.bottom + 2,
        !taken.contains(where: {
          $0.left < box.right && box.left < $0.right && $0.top < box.bottom && box.top < $0.bottom
        })
      else { continue }
      taken.append(box)
      return spot
    }
    return nil
  }
}
