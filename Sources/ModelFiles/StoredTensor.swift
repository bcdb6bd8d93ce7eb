/// A tensor as its file describes it, checked, before it is known what the tensor does.
struct StoredTensor {
  var name: String
  /// Row-major, the last dimension contiguous.
  var shape: [Int]
  var source: SourceType
  /// From the start of the file.
  var offset: Int
  var byteCount: Int
  var weightCount: Int
}

/// What one file holds.
struct FileContents {
  var tensors: [StoredTensor]
  var metadata: Metadata
}
