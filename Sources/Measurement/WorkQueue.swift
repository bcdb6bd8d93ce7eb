import ModelFiles
import Quantization

/// What is to be measured once nothing else is: the ladders of all tensors, those wanted most first.
///
/// No list of all tensors times all formats is made: what a tensor needs is asked for when its turn comes.
public struct LadderWishes: Sendable {
  /// Tensors that come even before the background list: few, as those in sight.
  public var first: [Int]
  /// Tensors that come after the background list, before all others.
  public var next: [Int]
  /// All that a tensor needs; called on a worker's thread.
  public var works: @Sendable (Int) -> [Work]

  /// Wishes for the ladders of all tensors.
  public init(
    first: [Int] = [], next: [Int] = [], works: @escaping @Sendable (Int) -> [Work]
  ) {
    self.first = first
    self.next = next
    self.works = works
  }
}

/// What is wanted, what is under way and what is done; finds what a thread should do now.
///
/// Nothing here takes time in proportion to the length of the lists, but for adding to them.
struct WorkQueue {
  enum Next {
    case task(Job, Job.Task, isUrgent: Bool)
    /// Ask what a tensor needs, then call `settle`.
    case ask(tensor: Int, LadderWishes, revision: Int)
    case nothing
  }

  private let model: Model
  var isStopped = false

  private var urgent: [Work] = []
  private var background: [Work] = []
  private var backgroundStart = 0
  private var backgroundWanted: Set<Work> = []
  private var backgroundOf: [Int: [Work]] = [:]

  private var wishes: LadderWishes?
  private var revision = 0
  /// Tensors whose ladders were asked for: what isn't done of them is in `ladderJobs`.
  private var isSettled: [Bool]
  private var asked: Set<Int> = []
  private var ladderJobs: [Int: [Job]] = [:]
  private var nextPlace = 0
  private var allPlace = 0

  private var done: Set<Work> = []
  private var owners: [Work: Job] = [:]
  private var ownersAtMost = 1024

  init(_ model: Model) {
    self.model = model
    isSettled = Array(repeating: false, count: model.tensors.count)
  }

  // MARK: - Wishes

  mutating func want(urgent: [Work]) {
    self.urgent = urgent.filter { !done.contains($0) }
    // Figures of channels take memory even half made: few of them wait for being wanted again.
    let passing = owners.keys.filter { $0.isPassing && !urgent.contains($0) }
    if passing.count > 4 { for work in passing { owners[work] = nil } }
  }

  mutating func want(background added: [Work], dropping dropped: [Work]) {
    backgroundWanted.subtract(dropped)
    for work in added where backgroundWanted.insert(work).inserted {
      background.append(work)
      backgroundOf[work.tensor, default: []].append(work)
    }
  }

  /// - Parameter changed: the tensors that need other work than before; nil: all.
  mutating func want(ladders wishes: LadderWishes?, changed: [Int]?) {
    self.wishes = wishes
    revision += 1
    nextPlace = 0
    guard let changed else {
      isSettled = Array(repeating: false, count: isSettled.count)
      allPlace = 0
      return
    }
    for tensor in changed where isSettled.indices.contains(tensor) {
      isSettled[tensor] = false
      allPlace = min(allPlace, tensor)
    }
  }

  /// Takes note of what is known from elsewhere.
  mutating func know(_ works: [Work]) { done.formUnion(works) }

  /// Whether work is on one of the lists.
  func isWanted(_ work: Work) -> Bool {
    !isStopped && (urgent.contains(work) || backgroundWanted.contains(work))
  }

  // MARK: - What to do

  mutating func next() -> Next {
    guard !isStopped else { return .nothing }
    for work in urgent where !done.contains(work) {
      if let task = claim(work, alone: true) { return task }
    }
    for tensor in wishes?.first ?? [] {
      if let next = ladder(of: tensor) { return next }
    }
    if let task = nextInBackground() { return task }
    if let next = nextOnLadders() { return next }
    forgetAbandoned()
    return .nothing
  }

  private mutating func nextInBackground() -> Next? {
    while backgroundStart < background.count, !isOpen(background[backgroundStart]) {
      backgroundStart += 1
    }
    if backgroundStart == background.count, backgroundStart > 0 {
      background.removeAll()
      backgroundOf.removeAll()
      backgroundStart = 0
    }
    // What can't be claimed is being worked on: no more than the workers can do at a time.
    for index in backgroundStart..<background.count where isOpen(background[index]) {
      if let task = claim(background[index], alone: false) { return task }
    }
    return nil
  }

  private func isOpen(_ work: Work) -> Bool {
    backgroundWanted.contains(work) && !done.contains(work)
  }

  private mutating func nextOnLadders() -> Next? {
    guard let wishes else { return nil }
    for tensor in ladderJobs.keys.sorted() {
      if let next = ladder(of: tensor) { return next }
    }
    while nextPlace < wishes.next.count {
      if let next = ladder(of: wishes.next[nextPlace]) { return next }
      nextPlace += 1
    }
    while allPlace < isSettled.count {
      if let next = ladder(of: allPlace) { return next }
      allPlace += 1
    }
    return nil
  }

  private mutating func ladder(of tensor: Int) -> Next? {
    for job in ladderJobs[tensor] ?? [] {
      if let task = job.claim() { return .task(job, task, isUrgent: false) }
    }
    guard let wishes, isSettled.indices.contains(tensor), !isSettled[tensor],
      asked.insert(tensor).inserted
    else { return nil }
    return .ask(tensor: tensor, wishes, revision: revision)
  }

  /// Makes jobs of what a tensor needs.
  mutating func settle(tensor: Int, _ works: [Work], revision: Int) {
    asked.remove(tensor)
    guard revision == self.revision else {
      allPlace = min(allPlace, tensor)
      nextPlace = 0
      return
    }
    isSettled[tensor] = true
    let open = works.filter { !done.contains($0) }
    var jobs: [Job] = ladderJobs[tensor] ?? []
    for work in open {
      let job = owners[work] ?? makeJob(group(of: work, among: open))
      if !jobs.contains(where: { $0 === job }) { jobs.append(job) }
    }
    ladderJobs[tensor] = jobs.isEmpty ? nil : jobs
  }

  private mutating func claim(_ work: Work, alone: Bool) -> Next? {
    var job =
      owners[work]
      ?? makeJob(alone ? [work] : group(of: work, among: backgroundOf[work.tensor] ?? []))
    if alone, let own = job.split(work) {
      owners[work] = own
      if ladderJobs[work.tensor]?.contains(where: { $0 === job }) == true {
        ladderJobs[work.tensor, default: []].append(own)
      }
      job = own
    }
    return job.claim().map { .task(job, $0, isUrgent: alone) }
  }

  /// The work that can be done in the same passes as `work`, itself included, in order.
  private func group(of work: Work, among candidates: [Work]) -> [Work] {
    guard work.sharesPasses else { return [work] }
    let isCut = model.tensors[work.tensor].rowLength > WeightReader.longestWholeRow
    var seen: Set<Work> = []
    let group = candidates.filter { candidate in
      candidate.sharesPasses && owners[candidate] == nil && !done.contains(candidate)
        && (!isCut || candidate.needsWholeRows == work.needsWholeRows)
        && seen.insert(candidate).inserted
    }
    return group.contains(work) ? group : [work]
  }

  /// How much passing work has been begun and isn't done.
  var halfMade: Int { owners.keys.count(where: \.isPassing) }

  private mutating func makeJob(_ works: [Work]) -> Job {
    let job = Job(tensor: works.first?.tensor ?? 0, works: works)
    for work in works { owners[work] = job }
    return job
  }

  // MARK: - What is done

  mutating func end(_ job: Job, _ works: [Work]) {
    done.formUnion(works.lazy.filter { !$0.isPassing })
    // Until whoever asked knows that it is done.
    if works.contains(where: \.isPassing) { urgent.removeAll { works.contains($0) } }
    for work in job.works where owners[work] === job { owners[work] = nil }
    if var jobs = ladderJobs[job.tensor] {
      jobs.removeAll { $0 === job }
      ladderJobs[job.tensor] = jobs.isEmpty ? nil : jobs
    }
  }

  /// Forgets how far work has come that nobody wants any longer, if that is very much.
  private mutating func forgetAbandoned() {
    guard owners.count > ownersAtMost else { return }
    let urgent = Set(urgent)
    let kept = Set(ladderJobs.values.joined().map(ObjectIdentifier.init))
    owners = owners.filter { work, job in
      urgent.contains(work) || backgroundWanted.contains(work)
        || kept.contains(ObjectIdentifier(job)) || !job.isIdle
    }
    ownersAtMost = max(1024, 2 * owners.count)
  }
}
