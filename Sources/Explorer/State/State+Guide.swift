import ModelFiles
import Planning
import Quantization
import Terminal

/// What is looked at in the Formats view.
struct GuideState: Sendable {
  var format = Format.float(.f32)
  /// How far the page is scrolled.
  var scroll = 0
  /// What the tensor at hand had when the view followed it last.
  var followed: Format?
}

extension State {
  /// The families, with what the tensor at hand has among them, whatever it is.
  var guideFamilies: [FormatGuide.Family] {
    guard let own = guide.followed,
      !FormatGuide.families.contains(where: { $0.formats.contains(own) })
    else { return FormatGuide.families }
    return [FormatGuide.Family(name: "Chosen here", formats: [own])] + FormatGuide.families
  }

  private var guideFormats: [Format] { guideFamilies.flatMap(\.formats) }

  /// Puts the cursor on what the tensor at hand has, if that was changed since it did so last.
  mutating func followInGuide() {
    guard let format = tensor.flatMap({ choice(of: $0.id).format }), format != guide.followed
    else { return }
    guide.followed = format
    guide.format = format
    guide.scroll = 0
  }

  mutating func moveInGuide(by rows: Int) {
    if message?.kind == .plain { message = nil }
    let formats = guideFormats
    let index = (formats.firstIndex(of: guide.format) ?? 0)
    let last = formats.count - 1
    guide.format = formats[min(max(0, index + min(max(rows, -last), last)), last)]
    guide.scroll = 0
  }

  /// Goes to the first format of another family.
  mutating func moveFamily(by steps: Int) {
    let families = guideFamilies
    let index = families.firstIndex { $0.formats.contains(guide.format) } ?? 0
    let next = min(max(0, index + steps), families.count - 1)
    guide.format = families[next].formats.first ?? guide.format
    guide.scroll = 0
  }

  /// Scrolls the page, as far as there is something to read.
  mutating func scrollGuide(by rows: Int) {
    let layout = GuideLayout(ScreenLayout(size: size).body)
    let count = guidePage(columns: layout.page.columns).count
    let most = max(0, count - layout.shownRows(of: count))
    guide.scroll = min(max(0, guide.scroll + rows), most)
  }

  /// Gives what is at hand the format under the cursor.
  mutating func takeFromGuide() { setFormat(guide.format) }

  /// A click selects, or takes at the second time; the wheel scrolls what it is over.
  mutating func clickGuide(_ mouse: MouseEvent) {
    let layout = GuideLayout(ScreenLayout(size: size).body)
    guard layout.list.contains(mouse.position) else { return }
    // The first click has chosen, and scrolled.
    if mouse.action == .doublePress(.left) { return takeFromGuide() }
    let lines = guideLines
    let line = guideStart(lines, rows: layout.list.rows) + mouse.position.row - layout.list.row
    guard lines.indices.contains(line), case .format(let format) = lines[line] else { return }
    guide.format = format
    guide.scroll = 0
  }

  mutating func wheelInGuide(_ mouse: MouseEvent, by rows: Int) {
    if GuideLayout(ScreenLayout(size: size).body).page.contains(mouse.position) {
      scrollGuide(by: rows)
    } else {
      moveInGuide(by: rows.signum())
    }
  }

  // MARK: - The list

  enum GuideLine: Equatable {
    case family(String)
    case format(Format)
  }

  var guideLines: [GuideLine] {
    guideFamilies.flatMap { family in
      [.family(family.name)] + family.formats.map { .format($0) }
    }
  }

  /// The first line in sight, with the cursor in the middle where there is enough on both sides.
  func guideStart(_ lines: [GuideLine], rows: Int) -> Int {
    let cursor = lines.firstIndex(of: .format(guide.format)) ?? 0
    return min(max(0, cursor - rows / 2), max(0, lines.count - rows))
  }
}
