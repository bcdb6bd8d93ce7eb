import ModelFiles
import Planning
import Quantization

/// The choices for one tensor, from the most bits to the fewest; the first is the source itself.
struct Ladder: Sendable, Equatable {
  let rungs: [Choice]

  /// The ladder of a tensor.
  /// - Parameters:
  ///   - choice: the tensor's present choice: it always stands on the ladder.
  ///   - family: scheme, granularity and calibration of the integer formats, unless the choice is
  ///     an integer format itself and so brings its own.
  ///   - formats: the ladder that the user asked for, instead of the usual one.
  init(tensor: Tensor, choice: Choice, family: IntegerFormat, formats: [Format]?) {
    var candidates: [Format] = []
    for format in formats ?? Self.usual(family: Self.family(of: choice, default: family))
    where !candidates.contains(format) {
      candidates.append(format)
    }
    if let format = choice.format, !candidates.contains(format) { candidates.append(format) }
    // What doesn't fit isn't offered, nor what saves nothing: the source is at least as good.
    let sourceBytes = tensor.byteCount
    let sized = candidates.map { format in
      (
        format: format,
        bytes: format.storedByteCount(rows: tensor.rows, rowLength: tensor.rowLength)
      )
    }
    let useful = sized.filter {
      choice == .format($0.format)
        || $0.bytes < sourceBytes && $0.format.objection(rowLength: tensor.rowLength) == nil
    }
    let sorted = useful.enumerated().sorted { left, right in
      left.element.bytes == right.element.bytes
        ? left.offset < right.offset : left.element.bytes > right.element.bytes
    }
    rungs = [.source] + sorted.map { .format($0.element.format) }
  }

  /// The rung `steps` below a choice (above it, if negative), staying on the ladder.
  func step(from choice: Choice, by steps: Int) -> Choice {
    let index = rungs.firstIndex(of: choice) ?? 0
    return rungs[min(max(index + steps, 0), rungs.count - 1)]
  }

  /// Scheme, granularity and calibration that go with a choice.
  static func family(of choice: Choice, default family: IntegerFormat) -> IntegerFormat {
    if case .format(.integer(let format)) = choice { format } else { family }
  }

  private static func usual(family: IntegerFormat) -> [Format] {
    let integers = [8, 6, 5, 4, 3, 2].map { bits in
      Format.integer(family.with(bits: bits))
    }
    return [.float(.f16), .float(.bf16)] + integers + [.float(.f8E4M3), .float(.f8E5M2)]
  }
}
