extension PackedForm {
  /// The bytes of a matrix's parts, as they lie in the file.
  ///
  /// Pointers, because a span can't be stored yet; they are good for as long as the spans they came from.
  private struct Parts {
    var codes: UnsafeRawBufferPointer
    var scales: UnsafeRawBufferPointer
    var zeroPoints: UnsafeRawBufferPointer
    var groupIndex: UnsafeRawBufferPointer
    var globalScale: Float
  }

  /// Decodes the weights in `rows` and `columns`, row by row.
  ///
  /// Each part is given whole, at any alignment. If one hasn't the size that `sizes` says, or if the ranges
  /// reach beyond the matrix or the room is too small, the room is filled with zeros. A weight whose group index
  /// points beyond the scales is NaN.
  /// - Parameter globalScale: the scale of the tensor, where the form has one.
  public func decode(
    rows: Range<Int>, columns: Range<Int>, codes: RawSpan, scales: RawSpan, zeroPoints: RawSpan,
    groupIndex: RawSpan, globalScale: Float = 1, into out: inout MutableSpan<Float>
  ) {
    codes.withUnsafeBytes { codes in
      scales.withUnsafeBytes { scales in
        zeroPoints.withUnsafeBytes { zeroPoints in
          groupIndex.withUnsafeBytes { groupIndex in
            let parts = Parts(
              codes: codes, scales: scales, zeroPoints: zeroPoints, groupIndex: groupIndex,
              globalScale: globalScale)
            out.withUnsafeMutableBufferPointer { decode(rows, columns, parts, $0) }
          }
        }
      }
    }
  }

  private func decode(
    _ rows: Range<Int>, _ columns: Range<Int>, _ parts: Parts,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    guard let sizes, parts.codes.count == sizes.codes, parts.scales.count == sizes.scales,
      parts.zeroPoints.count == sizes.zeroPoints, parts.groupIndex.count == sizes.groupIndex,
      rows.lowerBound >= 0, rows.upperBound <= self.rows, columns.lowerBound >= 0,
      columns.upperBound <= self.columns, rows.count <= out.count / max(1, columns.count)
    else {
      return out.update(repeating: 0)
    }
    switch order {
    case .rows: unpackRows(rows, columns, parts.codes, out)
    case .columns: unpackColumns(rows, columns, parts.codes, out)
    case .interleaved: unpackInterleaved(rows, columns, parts.codes, out)
    }
    scale(rows, columns, parts, out)
  }

  // MARK: - Codes

  private func unpackRows(
    _ rows: Range<Int>, _ columns: Range<Int>, _ codes: UnsafeRawBufferPointer,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    var next = 0
    for row in rows {
      let start = row * rowByteCount
      let bytes = UnsafeRawBufferPointer(rebasing: codes[start..<start + rowByteCount])
      let target = UnsafeMutableBufferPointer(rebasing: out[next..<next + columns.count])
      next += columns.count
      switch code {
      case .signed8:
        for column in columns {
          target[column - columns.lowerBound] = Float(Int8(bitPattern: bytes[column]))
        }
      case .f8E4M3: look(Decode.f8E4M3Values, columns, bytes, target)
      case .f8E5M2: look(Decode.f8E5M2Values, columns, bytes, target)
      case .f4E2M1: halves(Self.f4Values, columns, bytes, target)
      case .unsigned(4): halves(Self.wholeNumbers, columns, bytes, target)
      case .unsigned(let bits): unpack(bits, columns, bytes, target)
      }
    }
  }

  private static let f4Values: [Float] = [
    0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6,
  ]
  private static let wholeNumbers = (0..<16).map(Float.init)

  private func look(
    _ values: [Float], _ columns: Range<Int>, _ bytes: UnsafeRawBufferPointer,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    values.withUnsafeBufferPointer { values in
      for column in columns { out[column - columns.lowerBound] = values[Int(bytes[column])] }
    }
  }

  private func halves(
    _ values: [Float], _ columns: Range<Int>, _ bytes: UnsafeRawBufferPointer,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    values.withUnsafeBufferPointer { values in
      for column in columns {
        let byte = bytes[column >> 1] >> (column & 1 == 0 ? 0 : 4)
        out[column - columns.lowerBound] = values[Int(byte & 15)]
      }
    }
  }

  /// Codes of any width, which may cross a byte's end.
  private func unpack(
    _ bits: Int, _ columns: Range<Int>, _ bytes: UnsafeRawBufferPointer,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    let mask = (1 << bits) - 1
    for column in columns {
      let bit = column * bits
      let first = bit >> 3
      var window = Int(bytes[first])
      if bit & 7 + bits > 8 { window |= Int(bytes[first + 1]) << 8 }
      out[column - columns.lowerBound] = Float(window >> (bit & 7) & mask)
    }
  }

  /// Thirty-two codes of a row fill as many words as a code has bits; one of these words lies above the other.
  private func unpackColumns(
    _ rows: Range<Int>, _ columns: Range<Int>, _ codes: UnsafeRawBufferPointer,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    let bits = code.bits
    let mask = UInt64(1) << UInt64(bits) - 1
    var start = columns.lowerBound / 32 * 32
    while start < columns.upperBound {
      let end = min(start + 32, columns.upperBound)
      if bits == 4, start >= columns.lowerBound, end == start + 32 {
        let target = start - columns.lowerBound
        unpackColumnsOf4(rows, line: start / 8, columns.count, codes, out[target...])
        start = end
        continue
      }
      for row in rows {
        let target = (row - rows.lowerBound) * columns.count - columns.lowerBound
        var window: UInt64 = 0
        var held = 0
        var line = start / 32 * bits
        for column in start..<end {
          if held < bits {
            window |= UInt64(codes.word(line * self.rows + row)) << UInt64(held)
            held += 32
            line += 1
          }
          if column >= columns.lowerBound { out[target + column] = Float(window & mask) }
          window >>= UInt64(bits)
          held -= bits
        }
      }
      start = end
    }
  }

  /// Thirty-two codes of four bits, for which the general way takes long.
  private func unpackColumnsOf4(
    _ rows: Range<Int>, line: Int, _ stride: Int, _ codes: UnsafeRawBufferPointer,
    _ out: Slice<UnsafeMutableBufferPointer<Float>>
  ) {
    let out = UnsafeMutableBufferPointer(rebasing: out)
    for row in rows {
      let target = (row - rows.lowerBound) * stride
      for index in 0..<4 {
        let word = codes.word((line + index) * self.rows + row)
        for place in 0..<8 {
          out[target + 8 * index + place] = Float(word >> UInt32(4 * place) & 15)
        }
      }
    }
  }

  /// Where the code of each of eight rows stands in AWQ's words.
  private static let places: [UInt32] = [0, 4, 1, 5, 2, 6, 3, 7]

  private func unpackInterleaved(
    _ rows: Range<Int>, _ columns: Range<Int>, _ codes: UnsafeRawBufferPointer,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    let wordsInLine = self.rows / 8
    var row = rows.lowerBound
    while row < rows.upperBound {
      let end = min((row / 8 + 1) * 8, rows.upperBound)
      for column in columns {
        let word = codes.word(column * wordsInLine + row / 8)
        var target = (row - rows.lowerBound) * columns.count + column - columns.lowerBound
        for row in row..<end {
          out[target] = Float(word >> (4 * Self.places[row % 8]) & 15)
          target += columns.count
        }
      }
      row = end
    }
  }

  // MARK: - Scales

  private func scale(
    _ rows: Range<Int>, _ columns: Range<Int>, _ parts: Parts,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    guard let last = columns.last else { return }
    let groups =
      hasGroupIndex
      ? 0..<scaleColumns : columns.lowerBound / groupColumns..<last / groupColumns + 1
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * groups.count) { room in
      let scales = UnsafeMutableBufferPointer(rebasing: room[..<groups.count])
      let shifts = UnsafeMutableBufferPointer(rebasing: room[groups.count...])
      var next = 0
      for row in rows {
        for group in groups {
          let place = place(row, group)
          scales[group - groups.lowerBound] = scale(at: place, parts)
          shifts[group - groups.lowerBound] = shift(row, group, at: place, parts)
        }
        let target = UnsafeMutableBufferPointer(rebasing: out[next..<next + columns.count])
        next += columns.count
        if hasGroupIndex {
          apply(scales, shifts, parts.groupIndex, columns, target)
        } else {
          apply(scales, shifts, columns, target)
        }
      }
    }
  }

  private func apply(
    _ scales: UnsafeMutableBufferPointer<Float>, _ shifts: UnsafeMutableBufferPointer<Float>,
    _ columns: Range<Int>, _ out: UnsafeMutableBufferPointer<Float>
  ) {
    var start = columns.lowerBound
    var group = 0
    while start < columns.upperBound {
      let end = min((start / groupColumns + 1) * groupColumns, columns.upperBound)
      let range = start - columns.lowerBound..<end - columns.lowerBound
      apply(scales[group], shifts[group], range, out)
      start = end
      group += 1
    }
  }

  private func apply(
    _ scales: UnsafeMutableBufferPointer<Float>, _ shifts: UnsafeMutableBufferPointer<Float>,
    _ groupIndex: UnsafeRawBufferPointer, _ columns: Range<Int>,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    // Mostly the groups follow each other all the same.
    var start = columns.lowerBound
    while start < columns.upperBound {
      let word = groupIndex.word(start)
      var end = start + 1
      while end < columns.upperBound, groupIndex.word(end) == word { end += 1 }
      let group = Int(Int32(bitPattern: word))
      let isKnown = group >= 0 && group < scaleColumns
      apply(
        isKnown ? scales[group] : .nan, isKnown ? shifts[group] : 0,
        start - columns.lowerBound..<end - columns.lowerBound, out)
      start = end
    }
  }

  private func apply(
    _ scale: Float, _ shift: Float, _ range: Range<Int>, _ out: UnsafeMutableBufferPointer<Float>
  ) {
    if zeroPoint == .bias {
      for index in range { out[index] = out[index] * scale + shift }
    } else {
      for index in range { out[index] = (out[index] - shift) * scale }
    }
  }

  /// The place of a scale among all.
  private func place(_ row: Int, _ group: Int) -> Int {
    guard order == .rows else { return group * rows + row }
    let line = row / matrixRows * scaleRows + row % matrixRows / groupRows
    return line * scaleColumns + group
  }

  private func scale(at place: Int, _ parts: Parts) -> Float {
    let scale = number(parts.scales, place)
    switch globalScale {
    case .none: return scale
    case .multiplies: return scale * parts.globalScale
    case .divides: return scale / parts.globalScale
    }
  }

  private func number(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Float {
    switch scaleType {
    case .f32: return Float(bitPattern: bytes.word(place))
    case .f16: return Decode.half(bytes.half(place))
    case .bf16: return Float(bitPattern: UInt32(bytes.half(place)) << 16)
    case .f8E4M3: return Decode.f8E4M3Values[Int(bytes[place])]
    case .f8E8M0:
      let exponent = Int(bytes[place]) - 127
      return exponent == 128 ? .nan : Float(sign: .plus, exponent: exponent, significand: 1)
    }
  }

  private func shift(_ row: Int, _ group: Int, at place: Int, _ parts: Parts) -> Float {
    switch zeroPoint {
    case .constant(let value): return Float(value)
    case .signed8: return Float(Int8(bitPattern: parts.zeroPoints[place]))
    case .bias: return number(parts.zeroPoints, place)
    case .packed(let plusOne):
      let code = packedZeroPoint(row, group, parts.zeroPoints) + (plusOne ? 1 : 0)
      return Float(code & ((1 << UInt32(self.code.bits)) - 1))
    }
  }

  /// Codes of rows one after the other: the words of a group lie in a line (GPTQ, AWQ), or one above the other.
  private func packedZeroPoint(
    _ row: Int, _ group: Int, _ bytes: UnsafeRawBufferPointer
  ) -> UInt32 {
    if order == .interleaved {
      return bytes.word(group * (rows / 8) + row / 8) >> (4 * Self.places[row % 8]) & 15
    }
    let bits = code.bits
    let bit = row % 32 * bits
    let word = row / 32 * bits + bit / 32
    func load(_ word: Int) -> UInt32 {
      bytes.word(order == .rows ? word * scaleColumns + group : group * words(rows) + word)
    }
    var window = UInt64(load(word))
    if bit % 32 + bits > 32 { window |= UInt64(load(word + 1)) << 32 }
    return UInt32(truncatingIfNeeded: window >> UInt64(bit % 32)) & ((1 << UInt32(bits)) - 1)
  }
}

extension UnsafeRawBufferPointer {
  /// The 32-bit number at an index, little-endian.
  fileprivate func word(_ index: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
  }

  /// The 16-bit number at an index, little-endian.
  fileprivate func half(_ index: Int) -> UInt16 {
    UInt16(littleEndian: loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
  }
}
