import ModelFiles
import Quantization
import Synchronization

/// The work on one tensor that is done in the same passes over it, by as many threads as there are.
///
/// The pieces are dealt out in slices; what they come to is joined in their order. Work that is done in several
/// passes has a job of its own.
final class Job: Sendable {
  /// What a thread is to do for a job.
  enum Task: Sendable {
    /// Find out how the tensor is read, then call `begin`.
    case prepare
    /// Advance a slice, then call `park` or `finish`.
    case advance(Slice, TensorSource, [Pass])
    /// Do all of it at once, then call `release` if it was abandoned.
    case whole(Work)
  }

  let tensor: Int
  let works: [Work]

  private struct State {
    var source: TensorSource?
    var isPreparing = false
    /// Between two passes, and after the last one.
    var isResting = true
    var courses: [Course] = []
    var isActive: [Bool]
    var chunks: Chunks?
    var totals: [Tally] = []
    /// All chunks before this one are in the totals.
    var joined = 0
    /// All chunks before this one were dealt out.
    var dealt = 0
    /// Chunks that are done before others that precede them.
    var waiting: [Int: [Tally]] = [:]
    var parked: [Slice] = []
    /// Threads that are at it.
    var hands = 0
    /// How many chunks there were in what was told last.
    var told = 0
  }

  private let state: Mutex<State>
  /// Chunks that may be done before their turn: what they come to has to be kept.
  private static let lookahead = 32

  init(tensor: Int, works: [Work]) {
    self.tensor = tensor
    self.works = works
    state = Mutex(State(isActive: Array(repeating: true, count: works.count)))
  }

  /// Takes over what another job has found of one piece of work so far.
  private init(_ other: State, at index: Int, tensor: Int, work: Work) {
    self.tensor = tensor
    works = [work]
    var mine = State(isActive: [true])
    mine.source = other.source
    mine.source?.givesBack = false
    mine.isResting = false
    mine.courses = [other.courses[index]]
    mine.chunks = other.chunks
    mine.totals = [other.totals[index]]
    mine.joined = other.joined
    mine.dealt = other.joined
    state = Mutex(mine)
  }

  /// Makes a job of its own of one piece of work; nil if it is one already, or can't be taken out just now.
  func split(_ work: Work) -> Job? {
    guard works.count > 1, let index = works.firstIndex(of: work) else { return nil }
    return state.withLock { state in
      guard !state.isResting, state.isActive[index], state.isActive.count(where: { $0 }) > 1
      else { return nil }
      state.isActive[index] = false
      let job = Job(state, at: index, tensor: tensor, work: work)
      state.totals[index] = .none
      return job
    }
  }

  /// The work that hasn't been taken out.
  var activeWorks: [Work] {
    state.withLock { state in works.indices.filter { state.isActive[$0] }.map { works[$0] } }
  }

  /// What there is to do; nil if other threads are at all of it.
  func claim() -> Task? {
    state.withLock { state in
      if let work = works.first, work.isWhole {
        guard state.hands == 0 else { return nil }
        state.hands += 1
        return .whole(work)
      }
      guard let source = state.source, let chunks = state.chunks else {
        guard !state.isPreparing else { return nil }
        state.isPreparing = true
        state.hands += 1
        return .prepare
      }
      guard !state.isResting else { return nil }
      let passes = state.courses.map(\.pass)
      if let least = state.parked.indices.min(by: {
        state.parked[$0].chunk < state.parked[$1].chunk
      }) {
        state.hands += 1
        return .advance(state.parked.remove(at: least), source, passes)
      }
      guard state.dealt < min(chunks.count, state.joined + Self.lookahead) else { return nil }
      let chunk = state.dealt
      state.dealt += 1
      state.hands += 1
      let tallies = passes.indices.map { state.isActive[$0] ? passes[$0].empty : .none }
      return .advance(
        Slice(chunk: chunk, pieces: chunks[chunk], tallies: tallies), source, passes)
    }
  }

  /// Begins the first pass.
  /// - Returns: what was found, if there are no weights.
  func begin(
    _ source: TensorSource, ranges: HistogramRanges, calibration: (any DataCalibration)?
  ) -> [(Work, Finding)]? {
    let courses = works.map {
      Course($0, tensor: source.tensor, ranges: ranges, calibration: calibration)
    }
    return state.withLock { state -> State? in
      state.source = source
      state.courses = courses
      state.hands -= 1
      return startPass(&state)
    }.flatMap(endPass)
  }

  /// Whether a piece of work is still to be done here.
  func isActive(_ index: Int) -> Bool { state.withLock { $0.isActive[index] } }

  /// Leaves a slice off, to be taken up again.
  func park(_ slice: Slice) {
    state.withLock { state in
      state.parked.append(slice)
      state.hands -= 1
    }
  }

  /// Gives back work that was abandoned.
  func release() { state.withLock { $0.hands -= 1 } }

  /// Whether no thread is at it.
  var isIdle: Bool { state.withLock { $0.hands == 0 && !($0.isResting && $0.source != nil) } }

  /// Takes in a slice that is done.
  /// - Returns: what was found, if it was the last one.
  func finish(_ slice: Slice) -> [(Work, Finding)]? {
    var slice = slice
    return state.withLock { state -> State? in
      state.hands -= 1
      if slice.chunk != state.joined { slice.compact() }
      state.waiting[slice.chunk] = slice.tallies
      while let tallies = state.waiting.removeValue(forKey: state.joined) {
        for index in tallies.indices where state.isActive[index] {
          if state.joined == 0 {
            state.totals[index] = tallies[index]
          } else {
            state.totals[index].merge(tallies[index])
          }
        }
        state.joined += 1
      }
      return ended(&state)
    }.flatMap(endPass)
  }

  /// What is known before all is done, after each twentieth, if that is worth telling.
  func knownSoFar() -> (Work, Finding)? {
    state.withLock { state in
      guard works.count == 1, works[0].isPassing, !state.isResting,
        let chunks = state.chunks, state.joined - state.told >= max(4, chunks.count / 20),
        let finding = state.courses[0].known(state.totals[0])
      else { return nil }
      state.told = state.joined
      return (works[0], finding)
    }
  }

  private func startPass(_ state: inout State) -> State? {
    guard let source = state.source, let first = state.courses.first else { return nil }
    state.chunks = Chunks(source.reader, atMost: first.pass.longestRun)
    state.totals = state.courses.map(\.pass.empty)
    state.joined = 0
    state.dealt = 0
    state.told = 0
    state.isResting = false
    return ended(&state)
  }

  /// The state at the end of a pass, to be evaluated without holding others up; nil before it.
  private func ended(_ state: inout State) -> State? {
    guard let chunks = state.chunks, state.joined == chunks.count, !state.isResting else {
      return nil
    }
    state.isResting = true
    return state
  }

  /// Evaluates a pass, and begins the next one if there is one.
  private func endPass(_ ended: State) -> [(Work, Finding)]? {
    var courses = ended.courses
    var findings: [(Work, Finding)] = []
    for index in courses.indices where ended.isActive[index] {
      if let finding = courses[index].end(ended.totals[index], ended.source) {
        findings.append((works[index], finding))
      }
    }
    guard findings.isEmpty, !ended.isActive.allSatisfy({ !$0 }) else { return findings }
    return state.withLock { state -> State? in
      state.courses = courses
      return startPass(&state)
    }.flatMap(endPass)
  }
}
