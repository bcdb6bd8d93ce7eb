import Measurement

extension Contribution {
  /// Takes over what was measured, or estimated, of the tensor in the format that it gets.
  public mutating func take(_ measurement: Measurement?) {
    squaredError = measurement?.squaredError
    squares = measurement?.sums.squares
    uncertainty = measurement.flatMap { measurement in
      measurement.interval.map { interval in
        let nmse = measurement.figures.nmse
        return max(interval.high - nmse, nmse - interval.low) * measurement.sums.squares
      }
    }
  }
}
