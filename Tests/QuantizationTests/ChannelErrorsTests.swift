import Quantization
import Testing

struct ChannelErrorsTests {
  private func errors(
    _ weights: [Float], _ back: [Float], _ rowLength: Int, limit: Double = 6
  ) -> ChannelErrors {
    var errors = ChannelErrors(outliersBelow: -limit, above: limit)
    errors.add(weights.span, back.span, rowLength: rowLength)
    return errors
  }

  @Test func figuresWorkedByHand() {
    let errors = errors([3, -4, 0, 8, 1, 2], [3, -3, 1, 8, 1, 0], 3, limit: 3.5)
    #expect((errors.rowCount, errors.columnCount) == (2, 3))
    let row = errors.row(0)
    #expect((row.minimum, row.maximum, row.sum, row.squares) == (-4, 3, -1, 25))
    #expect((row.squaredError, row.nmse, row.maxError, row.outliers) == (2, 0.08, 1, 1))
    #expect(abs(row.deviation - (25.0 / 3 - 1.0 / 9).squareRoot()) < 1e-15)
    let column = errors.column(2)
    #expect((column.minimum, column.maximum, column.squaredError) == (0, 2, 5))
    #expect(errors.column(0).outliers == 1 && errors.column(1).outliers == 1)
    #expect(errors.column(0).nmse == 0)
  }

  @Test func whatIsNotFiniteIsKeptOut() {
    // Eight at a time, and one by one.
    for length in [3, 8, 11] {
      var w = [Float](repeating: 1, count: 2 * length)
      var r = w
      w[0] = .nan
      w[1] = .infinity
      r[2] = .infinity
      r[length] = 3
      let errors = errors(w, r, length, limit: 0.5)
      let row = errors.row(0)
      #expect((row.notFinite, row.count, row.outliers) == (2, length - 2, length - 2))
      #expect(row.squaredError == .infinity && row.maxError == .infinity && row.nmse == .infinity)
      #expect((row.minimum, row.maximum) == (1, 1))
      let first = errors.column(0)
      #expect((first.notFinite, first.count, first.squaredError) == (1, 1, 4))
      #expect(errors.column(2).nmse == .infinity)
      #expect(errors.row(1).nmse == 4 / Double(length))
    }
    let none = errors([.nan, .nan], [0, 0], 2).row(0)
    #expect((none.count, none.minimum, none.maximum, none.deviation, none.nmse) == (0, 0, 0, 0, 0))
  }

  @Test func degenerateShapes() {
    var errors = ChannelErrors(outliersBelow: -1, above: 1)
    let one: [Float] = [1, 2, 3]
    errors.add(one.span, one.span, rowLength: 0)
    errors.add(one.span, one.span, rowLength: 4)
    #expect((errors.rowCount, errors.columnCount) == (0, 0))
    errors.add(one.span, one.span, rowLength: 2)
    errors.add(one.span, one.span, rowLength: 3)
    errors.merge(ChannelErrors(outliersBelow: -1, above: 1))
    #expect((errors.rowCount, errors.columnCount) == (1, 2))
  }

  /// Limits that lie between two floats count as they are.
  @Test func noWeightChangesSides() {
    let next = Float(1).nextUp
    let between = (1 + Double(next)) / 2
    var errors = ChannelErrors(outliersBelow: -between, above: between)
    let w: [Float] = [1, next, -1, -next]
    errors.add(w.span, w.span, rowLength: 4)
    #expect(errors.row(0).outliers == 2)
    #expect(errors.column(0).outliers == 0 && errors.column(1).outliers == 1)
  }

  /// The sums over rows, and those over columns, are the tensor's; in whatever pieces they come.
  @Test(arguments: ["int4", "int3:channel", "q8_0", "f8_e4m3", "nf4"])
  func rowsAndColumnsAddUpToTheTensor(name: String) throws {
    var random = SplitMix(state: 12)
    let (rows, length) = (37, ["q8_0", "nf4"].contains(name) ? 128 : 101)
    let w = random.normal(rows * length, deviation: 0.1)
    var back = [Float](repeating: 0, count: w.count)
    var target = back.mutableSpan
    try Format(parsing: name).codec().reconstruct(w.span, rowLength: length, into: &target)
    let sums = errorSums(w, back)
    let whole = errors(w, back, length, limit: 0.2)
    var joined = ChannelErrors(outliersBelow: -0.2, above: 0.2)
    for start in stride(from: 0, to: rows, by: 5) {
      let part = start * length..<min(rows, start + 5) * length
      joined.merge(errors(Array(w[part]), Array(back[part]), length, limit: 0.2))
    }
    for errors in [whole, joined] {
      let byRow = (0..<rows).map { errors.row($0) }
      let byColumn = (0..<length).map { errors.column($0) }
      for channels in [byRow, byColumn] {
        func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-12 * abs(b) }
        #expect(close(channels.reduce(0) { $0 + $1.squaredError }, sums.squaredError))
        #expect(close(channels.reduce(0) { $0 + $1.squares }, sums.squares))
        #expect(channels.map(\.maxError).max() == Double(Float(sums.maxError)))
        #expect(channels.reduce(0) { $0 + $1.outliers } == w.count { abs($0) > 0.2 })
        #expect(channels.map(\.minimum).min() == w.min().map { Double($0) })
        #expect(channels.reduce(0) { $0 + $1.count } == w.count)
      }
      for (row, figures) in byRow.enumerated() {
        let part = w[row * length..<(row + 1) * length]
        #expect(figures.minimum == part.min().map { Double($0) })
        #expect(figures.maximum == part.max().map { Double($0) })
      }
      for (column, figures) in byColumn.enumerated() {
        let part = (0..<rows).map { w[$0 * length + column] }
        #expect(figures.minimum == part.min().map { Double($0) })
        #expect(figures.maximum == part.max().map { Double($0) })
      }
    }
    for row in 0..<rows { #expect(whole.row(row) == joined.row(row)) }
  }
}
