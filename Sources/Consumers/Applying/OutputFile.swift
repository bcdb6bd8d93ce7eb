import ModelFiles

/// A file that is to be written: what is known of it beforehand, and what is made of the model's weights.
public struct OutputFile: Sendable {
  /// The bytes that are known beforehand, and where they go: the header first.
  let fixed: [(offset: Int, bytes: [UInt8])]
  /// What is made of the weights.
  var jobs: [TensorJob]
  /// The size of the whole file.
  public let byteCount: Int
  /// How many weights are looked at or copied.
  public var weightCount: Int { jobs.reduce(0) { $0 + $1.tensor.weightCount } }

  init(fixed: [(offset: Int, bytes: [UInt8])], jobs: [TensorJob], byteCount: Int) {
    self.fixed = fixed
    self.jobs = jobs
    self.byteCount = byteCount
  }
}
