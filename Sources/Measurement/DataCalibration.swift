import ModelFiles
import Quantization

/// What formats need whose codes are chosen by what flows through the model on some data
/// (`Format.needsActivations`).
public protocol DataCalibration: Sendable {
  /// The tensors that such formats can be had for, by their indices.
  var calibratedTensors: Set<Int> { get }

  /// What comes back of a whole tensor, row by row; nil where it can't be had.
  func reconstruct(_ tensor: Tensor, in format: Format) -> [Float]?
}

/// A tensor that is known as it comes back, whole: its codes don't depend on the weights alone.
///
/// Everywhere else it is the format's own codec, to which all input channels are equal.
struct KnownReconstruction: Codec {
  private let plain: any Codec
  private let values: [Float]?

  /// - Parameter values: nil where they can't be had: all weights come back as NaN then.
  init(_ format: Format, _ values: [Float]?) {
    plain = format.codec()
    self.values = values
  }

  var format: Format { plain.format }

  /// What comes back of some weights, by their places in the tensor.
  func copy(_ elements: Range<Int>, into reconstructed: inout MutableSpan<Float>) {
    let isKnown = elements.upperBound <= values?.count ?? 0
    for (place, element) in elements.enumerated() where place < reconstructed.count {
      reconstructed[place] = isKnown ? values?[element] ?? .nan : .nan
    }
  }

  func reconstruct(
    _ weights: Span<Float>, rowLength: Int, into reconstructed: inout MutableSpan<Float>
  ) {
    plain.reconstruct(weights, rowLength: rowLength, into: &reconstructed)
  }

  func encode(_ weights: Span<Float>, rowLength: Int) -> EncodedWeights {
    plain.encode(weights, rowLength: rowLength)
  }

  func decode(_ encoded: EncodedWeights, into weights: inout MutableSpan<Float>) {
    plain.decode(encoded, into: &weights)
  }
}
