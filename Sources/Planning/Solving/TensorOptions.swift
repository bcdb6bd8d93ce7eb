import Measurement
import ModelFiles
import Quantization

/// What a solver may give one tensor, and what each of it takes and costs.
public struct TensorOptions: Sendable {
  /// One thing that the tensor may get.
  public struct Option: Sendable {
    /// What it gets.
    public var choice: Choice
    /// The bytes it takes then.
    public var bytes: Int
    /// Σ(w-ŵ)².
    public var squaredError: Double
    /// The same, each input channel weighted by its importance; nil where that isn't known.
    public var weightedError: Double?

    /// An option from its parts.
    public init(choice: Choice, bytes: Int, squaredError: Double, weightedError: Double? = nil) {
      self.choice = choice
      self.bytes = bytes
      self.squaredError = squaredError
      self.weightedError = weightedError
    }

    /// An option that was measured.
    public init(_ measurement: Measurement) {
      self.init(
        choice: .format(measurement.format), bytes: measurement.byteCount,
        squaredError: measurement.squaredError,
        weightedError: measurement.sums.weighted.map {
          measurement.sums.notFiniteReconstructed == 0 ? $0.squaredError : .infinity
        })
    }
  }

  /// The tensor.
  public var tensor: Tensor
  /// Σw².
  public var squares: Double
  /// The same, each input channel weighted by its importance; nil where that isn't known.
  public var weightedSquares: Double?
  /// What it may get; the first of equals is preferred.
  public var options: [Option]

  /// Options from their parts.
  public init(
    tensor: Tensor, squares: Double, weightedSquares: Double? = nil, options: [Option]
  ) {
    self.tensor = tensor
    self.squares = squares
    self.weightedSquares = weightedSquares
    self.options = options
  }

  /// A tensor that stays as it is, or gets what was measured.
  public init(tensor: Tensor, measurements: [Measurement]) {
    let first = measurements.first?.sums
    let weighted = first?.weighted
    let source = Option(
      choice: .source, bytes: tensor.byteCount, squaredError: 0,
      weightedError: weighted.map { _ in 0 })
    self.init(
      tensor: tensor, squares: first?.squares ?? 0, weightedSquares: weighted?.squares,
      options: [source] + measurements.map(Option.init))
  }

  /// Σ(w-ŵ)²/Σw² of an option.
  func nmse(_ option: Option) -> Double {
    option.squaredError == 0 ? 0 : option.squaredError / squares
  }
}
