import Planning
import Quantization
import Testing

@testable import Explorer

struct StepChangesTests {
  @Test func whatGoesInComesOut() throws {
    let formats = try ["int4", "int3:g64", "q4_K"].map { try Format(parsing: $0) }
    let changes = (0..<500).map { index in
      Step.Change(
        tensor: (index * 37) % 1_000,
        before: Assignment(
          choice: index % 5 == 0 ? .source : .format(formats[index % 3]), isPinned: index % 7 == 0),
        after: Assignment(choice: .format(formats[(index + 1) % 3])))
    }
    let packed = StepChanges(changes)
    #expect(Array(packed) == changes)
    #expect(packed.reversed().map(\.tensor) == changes.reversed().map(\.tensor))
    #expect(packed == StepChanges(changes))
    #expect(packed != StepChanges(Array(changes.dropLast())))
    #expect(StepChanges([]).isEmpty)
  }
}
