/// A tensor of a model made for a test.
public struct SampleTensor: Sendable {
  /// Its name, as it stands in the file.
  public var name: String
  /// Its shape.
  public var shape: [Int]
  /// The dtype of safetensors: `F32`, `BF16`.
  public var type: String
  /// Its data, little-endian.
  public var data: [UInt8]

  /// A tensor of given bytes.
  public init(_ name: String, _ shape: [Int], type: String, data: [UInt8]) {
    self.name = name
    self.shape = shape
    self.type = type
    self.data = data
  }

  /// A tensor of given values, in F32 or BF16 (cut, not rounded: the sample is what is stored).
  public init(_ name: String, _ shape: [Int], bf16: Bool = false, values: [Float]) {
    var data: [UInt8] = []
    data.reserveCapacity(values.count * 4)
    for value in values {
      let bits = value.bitPattern
      if !bf16 {
        data.append(UInt8(truncatingIfNeeded: bits))
        data.append(UInt8(truncatingIfNeeded: bits >> 8))
      }
      data.append(UInt8(truncatingIfNeeded: bits >> 16))
      data.append(UInt8(truncatingIfNeeded: bits >> 24))
    }
    self.init(name, shape, type: bf16 ? "BF16" : "F32", data: data)
  }

  /// A tensor of bell-shaped values of a given deviation.
  public static func random(
    _ name: String, _ shape: [Int], bf16: Bool = true, deviation: Float = 0.05,
    from generator: inout SeededGenerator
  ) -> SampleTensor {
    let count = shape.reduce(1, *)
    return SampleTensor(
      name, shape, bf16: bf16, values: (0..<count).map { _ in generator.bell() * deviation })
  }
}
