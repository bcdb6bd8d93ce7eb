import Foundation

/// What an integer format makes of weights, computed in Double from the formulas of the formats.
struct Reference {
  var bits = 8
  var isAffine = false
  /// Weights that share a scale, within a row.
  var group = 128

  struct Figures {
    var squaredError = 0.0
    var squares = 0.0
    var reconstructedSquares = 0.0
    var products = 0.0
    var maxError = 0.0
    var count = 0

    var mse: Double { squaredError / Double(count) }
    var nmse: Double { squaredError / squares }
    var sqnr: Double { -10 * log10(nmse) }
    var cosine: Double { products / (squares * reconstructedSquares).squareRoot() }
  }

  func figures(_ values: [Float], rowLength: Int) -> Figures {
    var figures = Figures()
    for row in stride(from: 0, to: values.count, by: rowLength) {
      for start in stride(from: row, to: row + rowLength, by: group) {
        add(values[start..<min(start + group, row + rowLength)].map(Double.init), to: &figures)
      }
    }
    return figures
  }

  /// Stored bytes: codes by rows, scales of two bytes, zero points of so many bits.
  func byteCount(rows: Int, rowLength: Int) -> Int {
    let groups = rows * ((rowLength + group - 1) / group)
    let codes = rows * ((rowLength * bits + 7) / 8)
    return codes + 2 * groups + (isAffine ? (groups * bits + 7) / 8 : 0)
  }

  private func add(_ weights: [Double], to figures: inout Figures) {
    let low = min(0, weights.min() ?? 0)
    let high = max(0, weights.max() ?? 0)
    let steps = Double(1 << bits - 1)
    let half = Double(1 << (bits - 1))
    let scale = Self.half(isAffine ? (high - low) / steps : max(-low, high) / (half - 1))
    let zeroPoint = isAffine ? min(max((-low / scale).rounded(.toNearestOrEven), 0), steps) : 0
    let limits = isAffine ? 0...steps : -half...(half - 1)
    for weight in weights {
      let code = (weight / scale).rounded(.toNearestOrEven) + zeroPoint
      let decoded = scale * (min(max(code, limits.lowerBound), limits.upperBound) - zeroPoint)
      let error = weight - decoded
      figures.squaredError += error * error
      figures.squares += weight * weight
      figures.reconstructedSquares += decoded * decoded
      figures.products += weight * decoded
      figures.maxError = max(figures.maxError, abs(error))
      figures.count += 1
    }
  }

  /// The nearest number with the 11 bits of a normal F16.
  private static func half(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    let unit = exp2(Double(max(value.exponent, -14)) - 10)
    return (value / unit).rounded(.toNearestOrEven) * unit
  }
}

/// Whether two numbers agree but for what single precision loses.
func agree(_ a: Double?, _ b: Double, within tolerance: Double = 1e-4) -> Bool {
  guard let a else { return false }
  return abs(a - b) <= tolerance * max(abs(a), abs(b))
}
