import Dispatch
import Measurement
import ModelFiles
import Quantization
import Synchronization

/// What a store knows of one model, and what it is told of it.
///
/// Findings are recalled for the importance at hand alone, as each tensor has it. What is recorded is written in
/// batches, some tenths of a second later, on the store's queue. A tensor whose file was changed after this was
/// made isn't recorded: what was found then may be of the bytes before or after.
public final class ModelStore: ModelMemory {
  private let store: MeasurementStore
  private let model: Model
  private let importance: ModelImportance?

  private struct State {
    /// Of each file: as it was when this was made.
    var identities: [FileIdentity?] = []
    var keys: [FileKey?] = []
    /// What each tensor's content is, as far as it is known.
    var contents: [Int: ContentHash] = [:]
    /// Tensors whose place isn't in the store yet.
    var unplaced: Set<Int> = []
    var pending: [(Work, Finding)] = []
    var isDue = false
  }

  private let state: Mutex<State>
  private let isCancelled = Atomic<Bool>(false)

  /// How much is hashed before a batch is written, in bytes: half a second from a fast disk.
  private static let hashedAtOnce = 1 << 30
  private static let pendingAtMost = 4096
  private static let recalledAtOnce = 2048
  private static let delay = DispatchTimeInterval.milliseconds(250)

  /// The view of a store for a model.
  public init(_ store: MeasurementStore, model: Model, importance: ModelImportance? = nil) {
    self.store = store
    self.model = model
    self.importance = importance
    var state = State()
    state.identities = model.files.map(\.identity)
    self.state = Mutex(state)
  }

  // MARK: - Recalling

  /// All that is known of the model's tensors, in the order of the file.
  /// - Parameter thorough: whether to look for contents that came from elsewhere as well: tensors of files that
  ///   weren't seen before, of which a sample agrees with something known, are read whole.
  public func recall(thorough: Bool = true) -> [(Work, Finding)] {
    store.queue.sync {
      var all: [(Work, Finding)] = []
      recallNow(thorough: thorough) { all += $0 }
      return all
    }
  }

  /// Recalls in the background: hands what is known over in parts, from the store's queue, and tells when that
  /// was all.
  public func recall(
    inParts part: @escaping @Sendable ([(Work, Finding)]) -> Void,
    then done: @escaping @Sendable () -> Void
  ) {
    store.queue.async {
      self.recallNow(thorough: true, part)
      done()
    }
  }

  /// Ends recalling soon, if it is under way: what wasn't found by then will be measured.
  public func cancel() { isCancelled.store(true, ordering: .relaxed) }

  private func recallNow(thorough: Bool, _ part: ([(Work, Finding)]) -> Void) {
    guard store.opened() != nil else { return }
    makeKeys()
    recallByPlace(part)
    if thorough { recallByContent(part) }
  }

  private func makeKeys() {
    let identities = state.withLock { $0.keys.isEmpty ? $0.identities : [] }
    guard !identities.isEmpty else { return }
    let places = max(1, 64 / identities.count)
    let keys = zip(model.files, identities).map { file, identity -> FileKey? in
      guard let identity, let sample = TensorContent.sample(of: file, places: places) else {
        return nil
      }
      return FileKey(identity: identity, sample: sample)
    }
    state.withLock { $0.keys = keys }
  }

  /// The tensors of files that were seen before, in the state that they are in.
  private func recallByPlace(_ part: ([(Work, Finding)]) -> Void) {
    let byFile = Dictionary(grouping: model.tensors.filter(TensorContent.isFilable), by: \.file)
    let keys = state.withLock { $0.keys }
    for (index, key) in keys.enumerated() {
      guard let key, let tensors = byFile[index] else { continue }
      let offsets = Dictionary(tensors.map { ($0.offset, $0.id) }) { first, _ in first }
      var contents: [Int: ContentHash] = [:]
      let isKnown = store.read { tables -> Int64? in
        contents = [:]
        guard let file = try tables.file(key) else { return nil }
        var reader = FindingReader(model, importance, names: try tables.names(), store.engine)
        try tables.places(of: file) { offset, shape, number, content in
          guard let id = offsets[offset], shape == TensorContent.shape(of: model.tensors[id])
          else { return }
          contents[id] = content
          reader.contents[number] = content
        }
        var found: [(Work, Finding)] = []
        found.reserveCapacity(Self.recalledAtOnce)
        try tables.findings(of: file) { offset, stored in
          guard let id = offsets[offset], contents[id] != nil,
            let finding = reader.finding(stored, tensor: id)
          else { return }
          found.append(finding)
          if found.count >= Self.recalledAtOnce {
            part(found)
            found.removeAll(keepingCapacity: true)
          }
        }
        if !found.isEmpty { part(found) }
        return file
      }
      state.withLock { $0.contents.merge(contents) { $1 } }
      if let file = isKnown ?? nil, store.canWrite { _ = store.write { try $0.touch(file: file) } }
    }
  }

  /// The tensors that are known from another file: told by a sample, proved by the whole.
  private func recallByContent(_ part: ([(Work, Finding)]) -> Void) {
    let known = state.withLock { $0.contents }
    let names = store.read { try $0.isEmpty() ? nil : $0.names() } ?? nil
    guard let names else { return }
    var reader = FindingReader(model, importance, names: names, store.engine)
    for tensor in model.tensors
    where TensorContent.isFilable(tensor) && known[tensor.id] == nil {
      if isCancelled.load(ordering: .relaxed) { break }
      guard let sample = TensorContent.sample(of: tensor, in: model),
        store.read({ try $0.hasContent(sample: sample) }) == true,
        let content = content(of: tensor)
      else { continue }
      var found: [(Work, Finding)] = []
      _ = store.read { tables in
        found = []
        guard let number = try tables.content(content) else { return }
        reader.contents[number] = content
        try tables.findings(of: number) { stored in
          if let finding = reader.finding(stored, tensor: tensor.id) { found.append(finding) }
        }
      }
      if !found.isEmpty { part(found) }
    }
    place()
  }

  // MARK: - Recording

  /// Takes note of a finding: on any thread, without waiting. What isn't exact is kept only for tensors whose
  /// content is known: it would need a pass over all of their bytes, which is what a sample saves.
  public func record(_ work: Work, _ finding: Finding) {
    // An estimate's interval isn't kept, and it is made again as soon as it is read.
    if case .estimate = work { return }
    // What depends on calibration data isn't the tensor's own.
    if case .measurement(_, let format) = work, format.needsActivations { return }
    switch finding {
    case .measurement, .statistics: break
    case .histogram, .channels, .unreadable, .lost, .inestimable: return
    }
    let (starts, isFull) = state.withLock { state in
      state.pending.append((work, finding))
      let starts = !state.isDue
      state.isDue = true
      return (starts, state.pending.count == Self.pendingAtMost)
    }
    if isFull {
      store.queue.async { self.flush() }
    } else if starts {
      store.queue.asyncAfter(deadline: .now() + Self.delay) { self.flush() }
    }
  }

  /// A report that records what it passes on.
  public func recording(_ report: @escaping Measurer.Report) -> Measurer.Report {
    { [self] work, finding in
      record(work, finding)
      report(work, finding)
    }
  }

  /// Waits until all that was recorded is written.
  public func finish() {
    store.queue.sync {
      flush()
      place()
      store.keepUnderLimit(always: true)
    }
  }

  private func flush() {
    let pending = state.withLock { state in
      let pending = state.pending
      state.pending = []
      state.isDue = false
      return pending
    }
    guard !pending.isEmpty, store.canWrite else { return }
    makeKeys()
    var batch = StoreBatch()
    var batched: [(Work, Finding)] = []
    var hashed = 0
    func write() {
      addPlaces(to: &batch)
      if store.write({ try $0.write(batch) }) == nil, store.canWrite {
        // Others held the store for long: later.
        state.withLock { $0.pending += batched }
      }
      batch = StoreBatch()
      batched = []
      hashed = 0
    }
    for (work, finding) in pending.sorted(by: { $0.0.tensor < $1.0.tensor }) {
      let tensor = model.tensors[work.tensor]
      if !finding.isExact,
        state.withLock({ $0.contents[tensor.id] }) == nil
      {
        continue
      }
      if state.withLock({ $0.contents[tensor.id] }) == nil { hashed += tensor.byteCount }
      guard let content = content(of: tensor), isUnchanged(tensor),
        let sample = TensorContent.sample(of: tensor, in: model)
      else { continue }
      batch.add(
        work, finding, content: content, sample: sample, byteCount: tensor.byteCount,
        importance: digest(of: tensor), engine: store.engine)
      batched.append((work, finding))
      if hashed >= Self.hashedAtOnce { write() }
    }
    write()
    store.keepUnderLimit()
  }

  /// The content of a tensor, read whole if it isn't known; nil if the file was changed.
  private func content(of tensor: Tensor) -> ContentHash? {
    if let known = state.withLock({ $0.contents[tensor.id] }) { return known }
    guard TensorContent.isFilable(tensor), isUnchanged(tensor),
      let hash = TensorContent.hash(of: tensor, in: model), isUnchanged(tensor)
    else { return nil }
    state.withLock { state in
      state.contents[tensor.id] = hash
      state.unplaced.insert(tensor.id)
    }
    return hash
  }

  private func isUnchanged(_ tensor: Tensor) -> Bool {
    guard model.files.indices.contains(tensor.file) else { return false }
    let before = state.withLock { $0.identities[tensor.file] }
    guard let before, let now = model.files[tensor.file].identity else { return false }
    // A file that was renamed or removed meanwhile has the same contents.
    return now.size == before.size && now.modified == before.modified
  }

  private func digest(of tensor: Tensor) -> ContentHash? {
    importance?[tensor].map { TensorContent.hash(of: $0) }
  }

  /// Says where the tensors are that were read, once their files have been at rest for long enough.
  private func addPlaces(to batch: inout StoreBatch) {
    state.withLock { state in
      for id in state.unplaced.sorted() {
        let tensor = model.tensors[id]
        guard let key = state.keys.indices.contains(tensor.file) ? state.keys[tensor.file] : nil,
          key.identity.isSettled, let content = state.contents[id]
        else { continue }
        batch.places.append(
          StoreBatch.Place(
            file: key, offset: tensor.offset, shape: TensorContent.shape(of: tensor),
            content: content))
        state.unplaced.remove(id)
      }
    }
  }

  private func place() {
    guard store.canWrite else { return }
    var batch = StoreBatch()
    addPlaces(to: &batch)
    if !batch.isEmpty { _ = store.write { try $0.write(batch) } }
  }
}

extension StoreBatch {
  fileprivate mutating func add(
    _ work: Work, _ finding: Finding, content: ContentHash, sample: ContentHash,
    byteCount: Int, importance: ContentHash?, engine: Int
  ) {
    var key = FindingKey(format: "", importance: nil, engine: engine)
    let value: Entry
    switch finding {
    case .measurement(let measurement):
      key.format = measurement.format.description
      key.importance = importance
      value = Entry(
        content: content, key: key, isExact: measurement.exact, weights: measurement.sums.count,
        value: StoredValue.data(measurement, seal: key.seal(content: content)))
    case .statistics(let summary):
      value = Entry(
        content: content, key: key, isExact: true, weights: summary.count,
        value: StoredValue.data(summary, seal: key.seal(content: content)))
    case .histogram, .channels, .unreadable, .lost, .inestimable: return
    }
    if contents.last?.hash != content {
      contents.append(Content(hash: content, sample: sample, byteCount: byteCount))
    }
    findings.append(value)
  }
}
