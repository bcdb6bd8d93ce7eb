import ModelFiles
import Quantization

/// The weights of tensors in formats, the last used ones, as far as they fit.
struct WeightCache {
  private struct Key: Hashable {
    let tensor: Int
    let format: Format?
    /// Whether they are those of the other model, that the plan's is compared with.
    let isOther: Bool
  }

  private struct Entry {
    let values: [Float]
    var lastUse: Int
  }

  private var entries: [Key: Entry] = [:]
  private var clock = 0
  /// The bytes that are kept.
  private(set) var byteCount = 0
  /// The most bytes that are kept.
  let limit: Int

  init(limit: Int) { self.limit = limit }

  mutating func values(
    of tensor: Int, in format: Format?, ofOther isOther: Bool,
    _ make: () throws(EvaluationError) -> [Float]
  ) throws(EvaluationError) -> [Float] {
    let key = Key(tensor: tensor, format: format, isOther: isOther)
    clock += 1
    if let values = entries[key]?.values {
      entries[key]?.lastUse = clock
      return values
    }
    let values = try make()
    let size = values.count * MemoryLayout<Float>.stride
    guard size <= limit / 2 else { return values }
    while byteCount + size > limit,
      let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
    {
      entries[oldest.key] = nil
      byteCount -= oldest.value.values.count * MemoryLayout<Float>.stride
    }
    entries[key] = Entry(values: values, lastUse: clock)
    byteCount += size
    return values
  }
}
