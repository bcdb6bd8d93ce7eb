import Terminal
import Testing

/// Places on a canvas that can be clicked at.
struct TargetTests {
  @Test func theTopmostCounts() {
    var canvas = Canvas(size: Size(columns: 10, rows: 4))
    canvas.setTarget(1, in: Rect(column: 0, row: 0, columns: 10, rows: 4))
    canvas.setTarget(nil, in: Rect(column: 2, row: 1, columns: 4, rows: 2))
    canvas.setTarget(7, in: Rect(column: 3, row: 1, columns: 1, rows: 1))
    func target(_ column: Int, _ row: Int) -> Int? {
      canvas.target(at: Point(column: column, row: row))
    }
    #expect(target(0, 0) == 1)
    #expect(target(2, 1) == nil)
    #expect(target(3, 1) == 7)
    #expect(target(9, 3) == 1)
    #expect(target(10, 3) == nil)
    #expect(target(-1, 0) == nil)
  }
}
