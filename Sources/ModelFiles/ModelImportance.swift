/// STUB
public struct TensorImportance: Sendable, Equatable {
  /// values
  public let values: [Float]
  /// matrices
  public let matrices: Int
}

/// STUB
public struct ModelImportance: Sendable {
  /// f
  public let file: String
  /// m
  public let mapping: String
  /// d
  public let datasets: [String]
  /// c
  public let chunks: Int?
  /// STUB
  public subscript(tensor: Tensor) -> TensorImportance? { nil }
}
extension ModelImportance {
  /// s
  public init(_ imatrix: Imatrix, file: String, model: Model) {
    self.file = file; mapping = ""; datasets = []; chunks = nil
  }
  /// n
  public var notes: [String] { [] }
}
