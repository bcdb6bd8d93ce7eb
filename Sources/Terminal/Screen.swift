/// Something that canvases are shown on and events come from.
public protocol Screen: AnyObject {
  /// How large a canvas it takes; smaller ones are filled up, larger ones cut.
  var size: Size { get }
  /// The colours it has.
  var depth: ColorDepth { get }
  /// The glyphs to draw with.
  var glyphs: Glyphs { get }
  /// Why nothing can be copied to its clipboard; nil if it can.
  var clipboardObjection: String? { get }
  /// Shows a canvas in place of what was shown before.
  func show(_ canvas: Canvas)
  /// What has happened since the last call; waits if nothing has, for ever if `timeout` is nil. Empty if
  /// the time is up.
  func events(timeout: Duration?) -> [Event]
}

/// A screen in memory, for tests and for printing frames.
public final class MemoryScreen: Screen {
  /// As it was made, or as the last `resize` event said.
  public private(set) var size: Size
  /// The colours that it keeps.
  public let depth: ColorDepth
  /// The glyphs to draw with; with ASCII ones, it keeps no other characters.
  public let glyphs: Glyphs
  /// What was shown last, with the styles and characters that this screen has.
  public private(set) var canvas: Canvas
  /// How many canvases were shown.
  public private(set) var frames = 0
  /// It takes everything, and does nothing with it.
  public let clipboardObjection: String? = nil
  private var script: [Event]

  /// Makes a screen on which these events will happen, all at once.
  public init(
    size: Size = Size(columns: 80, rows: 24), depth: ColorDepth = .many, glyphs: Glyphs = .unicode,
    events: [Event] = []
  ) {
    self.size = size
    self.depth = depth
    self.glyphs = glyphs
    canvas = Canvas(size: size)
    script = events
  }

  /// Adds events that are yet to happen.
  public func post(_ events: [Event]) { script += events }

  /// Keeps a canvas, as this screen would show it.
  public func show(_ canvas: Canvas) {
    var shown = Canvas(size: size)
    shown.draw(canvas, at: Point(column: 0, row: 0))
    shown.restyle(shown.bounds) { $0.reduced(to: depth) }
    if glyphs.isASCII { shown.keepASCII() }
    shown.cursor = canvas.cursor
    self.canvas = shown
    frames += 1
  }

  /// The events that were given; never waits.
  public func events(timeout: Duration?) -> [Event] {
    let events = script
    script = []
    for case .resize(let size) in events { self.size = size }
    return events
  }
}
