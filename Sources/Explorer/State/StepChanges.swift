/// The changes of one step, in little room: of the thousands of tensors that a step may change, most change from the
/// same to the same.
struct StepChanges: RandomAccessCollection, Sendable, Equatable {
  private struct Kind: Hashable, Sendable {
    let before: Assignment
    let after: Assignment
  }

  private var kinds: [Kind] = []
  private var tensors: [UInt32] = []
  /// What each of the tensors changes from and to, by its place among the kinds.
  private var places: [UInt32] = []

  init(_ changes: [Step.Change]) {
    tensors.reserveCapacity(changes.count)
    places.reserveCapacity(changes.count)
    var known: [Kind: UInt32] = [:]
    for change in changes {
      let kind = Kind(before: change.before, after: change.after)
      let place = known[kind] ?? UInt32(kinds.count)
      if place == kinds.count {
        known[kind] = place
        kinds.append(kind)
      }
      // A model has no more tensors than its header has bytes.
      tensors.append(UInt32(clamping: change.tensor))
      places.append(place)
    }
  }

  var startIndex: Int { 0 }
  var endIndex: Int { tensors.count }

  subscript(index: Int) -> Step.Change {
    let kind = kinds[Int(places[index])]
    return Step.Change(tensor: Int(tensors[index]), before: kind.before, after: kind.after)
  }

  static func == (left: StepChanges, right: StepChanges) -> Bool { left.elementsEqual(right) }
}
