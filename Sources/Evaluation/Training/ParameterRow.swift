/// Where the numbers of trained tensors stand, all in one row.
struct ParameterLayout: Sendable {
  /// The tensors, by their indices in the model, in the order of their places.
  let tensors: [Int]
  let places: [Int: Range<Int>]
  let count: Int

  init(_ counts: [(tensor: Int, count: Int)]) {
    var places: [Int: Range<Int>] = [:]
    var end = 0
    for (tensor, count) in counts where places[tensor] == nil {
      places[tensor] = end..<end + count
      end += count
    }
    tensors = places.keys.sorted { (places[$0]?.lowerBound ?? 0) < (places[$1]?.lowerBound ?? 0) }
    self.places = places
    count = end
  }

  /// Pieces that threads share, always the same ones.
  var pieces: [Range<Int>] {
    stride(from: 0, to: count, by: Self.pieceLength).map {
      $0..<min(count, $0 + Self.pieceLength)
    }
  }

  private static let pieceLength = 1 << 16
}

/// A number for each trained weight: the weights themselves, their gradients, or what an optimizer keeps.
final class ParameterRow {
  let layout: ParameterLayout
  let values: UnsafeMutableBufferPointer<Float>

  init(_ layout: ParameterLayout) {
    self.layout = layout
    values = .allocate(capacity: layout.count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }

  func clear() { values.update(repeating: 0) }

  func copy(_ other: ParameterRow) { _ = values.update(fromContentsOf: other.values) }

  /// Where a tensor's numbers begin; nil if it isn't trained.
  func place(of tensor: Int) -> UnsafeMutablePointer<Float>? {
    guard let place = layout.places[tensor] else { return nil }
    return values.baseAddress.map { $0 + place.lowerBound }
  }

  subscript(tensor: Int) -> [Float] {
    get { layout.places[tensor].map { Array(values[$0]) } ?? [] }
    set {
      guard let place = layout.places[tensor], place.count == newValue.count else { return }
      _ = values[place].update(fromContentsOf: newValue)
    }
  }
}
