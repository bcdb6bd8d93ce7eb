import CKernels
import Foundation
import Synchronization

/// Rotary position embedding: how far each pair of numbers turns from one position to the next.
struct Rotation: Sendable, Equatable {
  /// One angle for each pair.
  var frequencies: [Float]
  /// What cosines and sines are multiplied by (YaRN's).
  var magnitude: Float = 1

  /// The unscaled embedding: θ^(-2i/size).
  init(headSize: Int, base: Double) {
    frequencies = (0..<headSize / 2).map {
      Float(1 / pow(base, Double(2 * $0) / Double(headSize)))
    }
  }

  /// Positions that lie closer by a factor.
  mutating func scaleLinearly(_ factor: Double) {
    for index in frequencies.indices { frequencies[index] /= Float(factor) }
  }

  /// Llama 3's way: long waves are stretched, short ones stay, those between are mixed.
  mutating func scaleByWavelength(
    _ factor: Double, low: Double, high: Double, originalLength: Double
  ) {
    for index in frequencies.indices {
      let frequency = Double(frequencies[index])
      let wavelength = 2 * Double.pi / frequency
      if wavelength > originalLength / low {
        frequencies[index] = Float(frequency / factor)
      } else if wavelength >= originalLength / high {
        let share = (originalLength / wavelength - low) / (high - low)
        frequencies[index] = Float((1 - share) * frequency / factor + share * frequency)
      }
    }
  }

  /// YaRN (Peng and others, 2023): pairs that turn often within the original length stay, those that
  /// turn less than once are stretched.
  mutating func scaleByYaRN(
    _ factor: Double, base: Double, originalLength: Double, fast: Double, slow: Double,
    magnitude: Double?
  ) {
    let size = Double(2 * frequencies.count)
    func place(_ turns: Double) -> Double {
      size * log(originalLength / (turns * 2 * .pi)) / (2 * log(base))
    }
    let low = max(0, place(fast).rounded(.down))
    var high = min(size - 1, place(slow).rounded(.up))
    if low == high { high += 0.001 }
    for index in frequencies.indices {
      let ramp = min(1, max(0, (Double(index) - low) / (high - low)))
      let frequency = Double(frequencies[index])
      frequencies[index] = Float(frequency / factor * ramp + frequency * (1 - ramp))
    }
    self.magnitude = Float(magnitude ?? (factor > 1 ? 0.1 * log(factor) + 1 : 1))
  }

  /// Factors that a GGUF gives for each pair (`rope_freqs.weight`).
  mutating func divide(by factors: [Float]) {
    for (index, factor) in factors.prefix(frequencies.count).enumerated() where factor != 0 {
      frequencies[index] /= factor
    }
  }
}

/// The cosines and sines of a rotation, as far as they were needed.
final class RotationTable: Sendable {
  /// A row of half a head for each position.
  struct Values: Sendable {
    var rows = 0
    var cosines: [Float] = []
    var sines: [Float] = []
  }

  private let rotation: Rotation
  private let known = Mutex(Values())

  init(_ rotation: Rotation) { self.rotation = rotation }

  /// The values of at least so many positions.
  func values(rows: Int) -> Values {
    known.withLock { known in
      guard known.rows < rows else { return known }
      known.cosines.reserveCapacity(rows * rotation.frequencies.count)
      known.sines.reserveCapacity(rows * rotation.frequencies.count)
      for row in known.rows..<rows {
        for frequency in rotation.frequencies {
          // In single precision, as models were trained.
          let angle = Double(Float(row) * frequency)
          known.cosines.append(Float(cos(angle)) * rotation.magnitude)
          known.sines.append(Float(sin(angle)) * rotation.magnitude)
        }
      }
      known.rows = rows
      return known
    }
  }
}
