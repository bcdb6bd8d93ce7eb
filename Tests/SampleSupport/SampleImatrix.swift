/// An importance matrix in llama.cpp's older form, made for a test.
public struct SampleImatrix: Sendable {
  /// Names in GGUF and mean squared activations.
  public var entries: [(name: String, values: [Float])]
  /// What it says that it was collected on.
  public var dataset = "made-up.txt"

  /// An importance matrix of some entries.
  public init(_ entries: [(name: String, values: [Float])]) { self.entries = entries }

  /// The bytes of its file.
  public var bytes: [UInt8] {
    func integer(_ value: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func text(_ text: String) -> [UInt8] { integer(text.utf8.count) + Array(text.utf8) }
    var bytes = integer(entries.count)
    for entry in entries {
      bytes += text(entry.name) + integer(1) + integer(entry.values.count)
      for value in entry.values { bytes += integer(Int(value.bitPattern)) }
    }
    return bytes + integer(7) + text(dataset)
  }

  /// Importance for the model of `SampleModel.llama`: channels 3 and 40 of the attention of each block stand out.
  public static func llama(blocks: Int = 3) -> SampleImatrix {
    var entries: [(name: String, values: [Float])] = []
    for block in 0..<blocks {
      for part in ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up"] {
        var values = (0..<64).map { 0.5 + Float($0 % 5) / 8 }
        if part.hasPrefix("attn") {
          values[3] = 60
          values[40] = 20
        }
        entries.append(("blk.\(block).\(part).weight", values))
      }
      entries.append(("blk.\(block).ffn_down.weight", (0..<96).map { 1 + Float($0) / 96 }))
    }
    return SampleImatrix(entries)
  }
}
