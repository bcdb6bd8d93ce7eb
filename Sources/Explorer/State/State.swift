import Consumers
import Evaluation
import Measurement
import ModelFiles
import Planning
import Quantization
import Terminal

/// How the explorer was started.
public struct Options: Sendable {
  /// The formats of the ladder, instead of the usual ones.
  public var ladder: [Format]?
  /// The plan file to start from and to save to.
  public var planPath: String?
  /// What the tensors start with, in the model's order, where no plan file says it: it isn't saved yet.
  public var start: [Choice]?
  /// Whether the mouse is used.
  public var mouse = true
  /// The importance of the model's input channels, if there is an imatrix.
  public var importance: ModelImportance?
  /// What flows into the model's matrices, for formats that need it.
  public var activations: CollectedHessians?
  /// Where unsaved work is kept, if it is.
  public var journals: JournalFolder?
  /// Where measurements are remembered, if they are.
  public var store: (any MeasurementMemory)?
  /// Plans to be set beside the one at hand: presets, other files.
  public var plans: [NamedPlan] = []
  /// Whether only exact figures will do for solving, as for scripts.
  public var needsExact = false
  /// How the model is run for its true quality; nil: not at all.
  public var quality: QualityOptions?
  /// The devices that there are.
  public var devices = Device.catalogue
  /// The device that the plan is meant for.
  public var device: Device?
  /// How the model is to be used on it; nil for the usual.
  public var use: Use?
  /// Which characters may be drawn.
  public var glyphs = Glyphs.unicode
  /// How many colours there are.
  public var colors = ColorDepth.many
  /// What the screen looks like.
  public var theme = ThemeName.dark
  /// Which keys do what.
  public var keys = KeyMap.standard
  /// Why nothing can be copied to the terminal's clipboard; nil if it can be tried.
  public var clipboardObjection: String?
  /// What a new user is shown; nil for others.
  public var firstSteps: FirstSteps?
  /// Where what was done of it is remembered, if it is.
  public var firstStepsPath: String?
  /// What was typed to open the model, for a report.
  public var modelArgument: String?
  /// The program's version, for a report.
  public var version = ""

  /// The defaults.
  public init() {}
}

/// Everything that the screen shows and the keys change. A value: `update` is the only thing that
/// changes it, and views are functions of it.
public struct State: Sendable {
  /// The model that is explored.
  public let model: Model
  let catalogue: Catalogue
  let mapGrid: MapGrid
  let customLadder: [Format]?
  let importance: ModelImportance?
  /// What formats need whose codes are chosen by activations; nil: they aren't offered.
  let calibration: WeightSource?
  let rules: FormatRules
  var glyphs: Glyphs
  var colors: ColorDepth
  var theme: ThemeName
  var mouse: Bool
  let keys: KeyMap
  let clipboardObjection: String?
  let modelArgument: String?
  let version: String
  var firstSteps: FirstSteps?

  // What the user decided.
  var edits: Edits
  /// Scheme, granularity and calibration for tensors that have no integer format yet.
  var family = IntegerFormat.standard
  /// The formats of the ladder for tensors that have none yet.
  var ladderKind: LadderKind

  // What is known.
  var findings = Findings()

  // Where the user is.
  var view = View.layers
  /// The view, of Layers and Map, whose cursor says which tensor the others are about.
  var origin = View.layers
  var size = Size(columns: 80, rows: 24)
  var cursor = 0 {
    didSet { place = nil }
  }
  /// Where the cursor goes back to when a filter or a fold no longer hides it, unless it was moved.
  private var place: Row.Subject?
  var scroll = 0
  var folded: Set<Group> = []
  var marks: Set<Int> = []
  /// Where a range of marks was begun.
  var rangeStart: Row.Subject?
  var filter: NameFilter?
  var searchText: String?
  var focus = Focus.list
  var ladderCursor: Choice?
  var modal: Modal?
  var message: Notice? {
    didSet { if let message { log(message) } }
  }
  var log = MessageLog()
  /// When the events that are being taken came; nil without a clock.
  var time: ClockTime?
  var logCounts = false
  var histogram = HistogramState()
  /// What was chosen from the palette, the last first, by ids.
  var recentActions: [String] = []

  // Saving.
  /// What an earlier session left behind, until it is offered.
  var lostWork: RecoveredWork?
  var planPath: String?
  var savedStamp: FileStamp?
  var savedAssignments: [Assignment]

  // Solving and comparing.
  var solver = SolverState()
  /// Whether only exact figures will do, as for scripts.
  let needsExact: Bool
  /// Other plans: presets, files.
  let otherPlans: [NamedPlan]
  /// The mixtures that people know by name.
  let presets: KnownPresets
  /// What the plan was when it was opened.
  var opened: [Assignment]
  var frontierCursor = FrontierCursor.present
  var compare = CompareState()
  var map = MapState()
  var guide = GuideState()
  var channels = ChannelsState()
  var quality: QualityState

  // Fitting a device, and exporting.
  var fitting: Fitting
  /// The number of the last request for an export.
  var exports = 0

  // Derived, kept so that a frame needn't compute it again.
  private(set) var rows: [Row] = []
  private(set) var contributions: [Contribution]
  private(set) var totals = Totals()
  /// What the totals still need, by tensor, and how much that was when it was most.
  private(set) var pending: [Int: Work] = [:]
  private(set) var pendingAtMost = 0
  /// What was asked for last, to be measured first.
  var urgent: [Work] = []
  /// What was asked for last of the ladders, to be measured in the time that is left.
  var ladderRequest: LadderRequest?
  /// How many weights are measured in a second, and about how long the totals will take.
  var pace = 0.0
  var secondsLeft: Double?

  /// Which pane the arrows move in.
  enum Focus: Sendable, Equatable { case list, ladder, histogram }

  /// A word to the user about what happened.
  struct Notice: Sendable, Equatable {
    enum Kind: Sendable { case plain, warning, failure }
    var text: String
    var kind = Kind.plain
  }

  /// The state at the start: every tensor as it is stored.
  public init(model: Model, options: Options = Options()) {
    self.model = model
    catalogue = Catalogue(tensors: model.tensors)
    mapGrid = MapGrid(tensors: model.tensors, catalogue: catalogue)
    customLadder = options.ladder
    importance = options.importance
    calibration = options.activations.map {
      WeightSource(model: model, importance: options.importance, activations: $0)
    }
    rules = FormatRules(
      model: model, importance: options.importance, activations: options.activations?.tensors ?? [])
    ladderKind = LadderKind(for: model)
    glyphs = options.glyphs
    colors = options.colors
    theme = options.theme
    mouse = options.mouse
    keys = options.keys
    clipboardObjection = options.clipboardObjection
    firstSteps = options.firstSteps
    modelArgument = options.modelArgument
    version = options.version
    planPath = options.planPath
    edits = Edits(count: model.tensors.count)
    savedAssignments = edits.assignments
    if let start = options.start { edits.load(start.map { Assignment(choice: $0) }, budget: nil) }
    opened = edits.assignments
    needsExact = options.needsExact
    otherPlans = options.plans
    fitting = Fitting(model, options)
    quality = QualityState(options: options.quality)
    presets = KnownPresets(model, importance: options.importance)
    contributions = model.tensors.map {
      Contribution(tensor: $0, choice: .source, isReadable: false)
    }
    findings = Findings(count: model.tensors.count)
    foldAtStart()
    refreshRows()
    moveToFirstTensor()
    if importance != nil { solver.settings.objective = .weighted }
    for note in model.notes.reversed() {
      message = Notice(text: note, kind: .warning)
      message.map { log($0) }
    }
    // A new user is told first what to try; the notes are in the log.
    if firstSteps?.left.isEmpty == false { message = nil }
  }

  // MARK: - What is under the cursor

  /// The row under the cursor; nil if nothing passes the filter.
  var row: Row? { rows.indices.contains(cursor) ? rows[cursor] : nil }

  /// The tensor under the cursor; nil on a group.
  var tensor: Tensor? {
    if view == .quality { return qualityTensor.map { model.tensors[$0] } }
    if origin == .map { return mapTensor }
    return if case .tensor(let id) = row?.subject { model.tensors[id] } else { nil }
  }

  /// The tensors that a row stands for.
  func members(of row: Row) -> [Int] {
    switch row.subject {
    case .tensor(let id): [id]
    case .group(let group):
      (catalogue.members[group] ?? []).filter { passesFilter($0) }
    }
  }

  /// What a change applies to: the marked tensors, or those of the row or cell under the cursor.
  var targets: [Int] {
    if view == .quality { return qualityTensor.map { [$0] } ?? [] }
    if !marks.isEmpty { return marks.sorted() }
    return origin == .map ? mapCell : row.map(members) ?? []
  }

  /// The targets that can be quantized.
  var quantizableTargets: [Int] {
    targets.filter { model.tensors[$0].suitability.isQuantizable }
  }

  func choice(of tensor: Int) -> Choice { edits.assignments[tensor].choice }

  func ladder(of tensor: Int) -> Ladder { LadderBasis(self).ladder(of: tensor) }

  func measurement(of tensor: Int, _ format: Format) -> Measurement? {
    findings.measurements[tensor][format]
  }

  /// The weighted error of what is chosen for a tensor; nil where it isn't known, or nothing is lost.
  func weightedNmse(of tensor: Int) -> Double? {
    choice(of: tensor).format.flatMap { measurement(of: tensor, $0)?.figures.weightedNmse }
  }

  /// Whether figures that the screen or the totals need are still to come.
  public var isMeasuring: Bool { !urgent.isEmpty || !pending.isEmpty }

  var hasUnsavedChanges: Bool { edits.assignments != savedAssignments }

  /// The rows from where a range of marks was begun to the cursor; nil without a range, or while its
  /// first row is folded away or filtered out.
  var markedRange: ClosedRange<Int>? {
    guard let rangeStart, let start = rows.firstIndex(where: { $0.subject == rangeStart }) else {
      return nil
    }
    return min(start, cursor)...max(start, cursor)
  }

  // MARK: - Rows

  func passesFilter(_ tensor: Int) -> Bool {
    filter?.matches(model.tensors[tensor].name) ?? true
  }

  var isFiltered: Bool { filter != nil }

  /// The filter for the catalogue, by the tensors' indices.
  var rowFilter: ((Int) -> Bool)? {
    guard let filter else { return nil }
    let tensors = model.tensors
    return { filter.matches(tensors[$0].name) }
  }

  /// Computes the rows again, keeping the cursor on what it stood on.
  mutating func refreshRows() {
    let subject = place ?? row?.subject
    rows = catalogue.rows(folded: folded, filter: rowFilter)
    if let subject, let index = rows.firstIndex(where: { $0.subject == subject }) {
      cursor = index
    } else {
      cursor = min(max(0, cursor), max(0, rows.count - 1))
      place = subject
    }
  }

  /// Whether the cursor was put where it is by a filter or a fold, and goes back without it.
  var isBoundToReturn: Bool { place != nil }

  /// Makes where the cursor is the place that it stays at.
  mutating func stayHere() { place = nil }

  /// A long model starts with its blocks folded, but for the first: an overview and an example.
  private mutating func foldAtStart() {
    let blocks = catalogue.nodes.compactMap { node -> Group? in
      if case .group(let group, _) = node { group } else { nil }
    }
    for case .experts(let stack, let block, let role) in catalogue.groups {
      folded.insert(.experts(stack: stack, block: block, role: role))
    }
    if model.tensors.count > 40 { folded.formUnion(blocks.dropFirst()) }
  }

  private mutating func moveToFirstTensor() {
    func first(where isWanted: (Tensor) -> Bool) -> Int? {
      rows.firstIndex { row in
        guard case .tensor(let id) = row.subject else { return false }
        return model.tensors[id].suitability.isQuantizable && isWanted(model.tensors[id])
      }
    }
    cursor = first { $0.block != nil } ?? first { _ in true } ?? 0
  }

  // MARK: - Totals

  /// Brings contributions and totals up to date after edits.
  /// - Returns: the work that the totals now need, what they no longer need, and the tensors that were changed.
  mutating func refreshContributions() -> (
    added: [Work], dropped: [Work], touched: Set<Int>
  ) {
    let touched = edits.takeTouched()
    guard !touched.isEmpty else { return ([], [], []) }
    var added: [Work] = []
    var dropped: [Work] = []
    for tensor in touched.sorted() {
      contributions[tensor] = contribution(of: tensor)
      let before = pending[tensor]
      pending[tensor] = missingWork(for: tensor)
      guard before != pending[tensor] else { continue }
      if let before { dropped.append(before) }
      if let after = pending[tensor] { added.append(after) }
    }
    pendingAtMost =
      pending.isEmpty ? 0 : max(pendingAtMost + added.count - dropped.count, pending.count)
    totals = Totals(contributions)
    return (added, dropped, touched)
  }

  /// Brings one tensor's contribution up to date after a finding; the totals follow with
  /// `refreshTotals`. A tensor that was changed in the same turn waits for `refreshContributions`,
  /// which asks for what it needs.
  mutating func refreshContribution(of tensor: Int) {
    guard !edits.isTouched(tensor) else { return }
    contributions[tensor] = contribution(of: tensor)
    pending[tensor] = missingWork(for: tensor)
  }

  /// Sums the contributions again; after all findings of one turn.
  mutating func refreshTotals() {
    if pending.isEmpty { pendingAtMost = 0 }
    totals = Totals(contributions)
  }

  func contribution(of index: Int) -> Contribution {
    contribution(of: index, as: choice(of: index))
  }

  /// What a tensor would add to the totals in some choice.
  func contribution(of index: Int, as choice: Choice) -> Contribution {
    let tensor = model.tensors[index]
    var part = Contribution(
      tensor: tensor, choice: choice,
      isReadable: WeightReader.canRead(tensor) && !findings.unreadable.contains(index))
    switch choice {
    case .source:
      part.squares = findings.statistics[index]?.squares
    case .format(let format):
      part.take(measurement(of: index, format))
    }
    return part
  }

  /// What is still to be measured before a tensor's part in the totals is known.
  func missingWork(for index: Int) -> Work? {
    guard contributions[index].isReadable,
      contributions[index].squaredError == nil || contributions[index].squares == nil
        || contributions[index].uncertainty != nil
    else { return nil }
    switch choice(of: index) {
    case .source: return .statistics(tensor: index)
    case .format(let format): return .measurement(tensor: index, format: format)
    }
  }
}
