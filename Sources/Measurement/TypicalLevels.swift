import ModelFiles
import Quantization

extension TensorSource {
  /// The levels of a format for this tensor; where each group has its own, those of the median group among some
  /// thousands, by its greatest magnitude.
  ///
  /// A few pieces all over the tensor are looked at: it takes some milliseconds.
  func levels(_ codec: any Codec) -> FormatLevels? {
    guard let group = typicalGroup(codec) else { return nil }
    var weights: [Float] = []
    let rowLength = reader.read(piece: group.piece, into: &weights)
    // As much of the row as has to be encoded together, about the group.
    let alignment = codec.format.pieceAlignment.map { max($0, 64) } ?? rowLength
    let row = group.weights.lowerBound / rowLength * rowLength
    let place = group.weights.lowerBound - row
    let start = place / alignment * alignment
    let end = min(rowLength, start + alignment)
    let part = row + start..<row + end
    guard part.upperBound <= weights.count else { return nil }
    let channels = channels(of: group.piece)
    let importance =
      channels.count == rowLength
      ? channels[channels.startIndex + start..<channels.startIndex + end] : []
    let encoded = codec.encode(
      weights.span.extracting(part), rowLength: part.count, importance: importance.span)
    let inPart = place - start..<min(end, place + group.weights.count) - start
    return FormatLevels(encoded, codec, weights: inPart)
  }

  private struct Group {
    let piece: Int
    /// Of the piece.
    let weights: Range<Int>
    let magnitude: Float
  }

  private func typicalGroup(_ codec: any Codec) -> Group? {
    let looked = min(reader.pieceCount, 8)
    guard looked > 0 else { return nil }
    var groups: [Group] = []
    var weights: [Float] = []
    for index in 0..<looked {
      let piece = index * reader.pieceCount / looked
      let rowLength = reader.read(piece: piece, into: &weights)
      guard rowLength > 0, !weights.isEmpty else { continue }
      guard let length = codec.format.scaleLength(rowLength: rowLength) else {
        return Group(piece: piece, weights: 0..<min(64, rowLength), magnitude: 0)
      }
      var back = [Float](repeating: 0, count: weights.count)
      var target = back.mutableSpan
      codec.reconstruct(
        weights.span, rowLength: rowLength, importance: channels(of: piece).span, into: &target)
      for row in stride(from: 0, to: weights.count - rowLength + 1, by: rowLength) {
        for start in stride(from: row, to: row + rowLength, by: length) {
          let end = min(row + rowLength, start + length)
          var magnitude: Float = 0
          for index in start..<end { magnitude = max(magnitude, abs(back[index])) }
          groups.append(Group(piece: piece, weights: start..<end, magnitude: magnitude))
        }
      }
    }
    groups.removeAll { !$0.magnitude.isFinite }
    // By place among equals, so that it is the same group each time.
    groups.sort {
      ($0.magnitude, $0.piece, $0.weights.lowerBound)
        < ($1.magnitude, $1.piece, $1.weights.lowerBound)
    }
    return groups.isEmpty ? nil : groups[groups.count / 2]
  }
}
