import Foundation
import Synchronization

/// Numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A nearly normally distributed number of variance 1/3: the sum of four even ones.
  mutating func normal() -> Float {
    let bits = next()
    let sum = bits & 0xFFFF + (bits >> 16) & 0xFFFF + (bits >> 32) & 0xFFFF + bits >> 48
    return Float(sum) / 65_536 - 2
  }
}

/// A safetensors file made by the test.
struct SampleModel {
  enum Kind: String {
    case f32 = "F32"
    case bf16 = "BF16"
    case i32 = "I32"

    var byteCount: Int { self == .bf16 ? 2 : 4 }
  }

  struct Tensor {
    let name: String
    let kind: Kind
    let shape: [Int]
    /// The numbers as they stand in the file.
    let values: [Float]

    var byteCount: Int { values.count * kind.byteCount }
  }

  private(set) var tensors: [Tensor] = []

  private static let made = Mutex<[String: SampleModel]>([:])

  var weights: Int { tensors.reduce(0) { $0 + $1.values.count } }
  var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  subscript(name: String) -> Tensor? { tensors.first { $0.name == name } }

  /// A small model of Llama's kind: an embedding, blocks, a last norm and an output matrix.
  static func llama(
    blocks: Int = 3, width: Int = 128, kind: Kind = .f32, seed: UInt64 = 1
  ) -> SampleModel {
    let key = "\(blocks) \(width) \(kind) \(seed)"
    if let model = made.withLock({ $0[key] }) { return model }
    var model = SampleModel()
    var generator = SeededGenerator(seed: seed)
    func add(_ name: String, _ shape: Int...) {
      model.add(name + ".weight", kind, shape, using: &generator)
    }
    add("model.embed_tokens", 2 * width, width)
    for block in 0..<blocks {
      let prefix = "model.layers.\(block)."
      add(prefix + "input_layernorm", width)
      add(prefix + "mlp.down_proj", width, 2 * width)
      add(prefix + "mlp.gate_proj", 2 * width, width)
      add(prefix + "mlp.up_proj", 2 * width, width)
      add(prefix + "post_attention_layernorm", width)
      add(prefix + "self_attn.k_proj", width / 2, width)
      add(prefix + "self_attn.o_proj", width, width)
      add(prefix + "self_attn.q_proj", width, width)
      add(prefix + "self_attn.v_proj", width / 2, width)
    }
    add("model.norm", width)
    add("lm_head", 2 * width, width)
    made.withLock { [model] in $0[key] = model }
    return model
  }

  mutating func add(
    _ name: String, _ kind: Kind, _ shape: [Int], using generator: inout SeededGenerator
  ) {
    let values = (0..<shape.reduce(1, *)).map { _ in
      let number = 0.08 * generator.normal()
      return kind == .bf16 ? Float(bitPattern: number.bitPattern & 0xFFFF_0000) : number
    }
    add(name, kind, shape, values)
  }

  mutating func add(_ name: String, _ kind: Kind, _ shape: [Int], _ values: [Float]) {
    tensors.append(Tensor(name: name, kind: kind, shape: shape, values: values))
  }

  /// The file's bytes.
  var file: [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    data.reserveCapacity(byteCount)
    for tensor in tensors {
      let start = data.count
      switch tensor.kind {
      case .f32: data += bytes(tensor.values)
      case .bf16: data += bytes(tensor.values.map { UInt16($0.bitPattern >> 16) })
      case .i32: data += bytes(tensor.values.map { Int32($0) })
      }
      entries.append(
        "\(jsonText(tensor.name)):{\"dtype\":\"\(tensor.kind.rawValue)\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(start),\(data.count)]}")
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    return bytes([UInt64(header.count)]) + header + data
  }

  /// Numbers as they lie in memory: the tests run on little-endian machines.
  private func bytes<Number>(_ numbers: [Number]) -> [UInt8] {
    numbers.withUnsafeBytes { Array($0) }
  }

  /// A text in quotation marks, all beyond printable ASCII escaped.
  private func jsonText(_ text: String) -> String {
    let units = text.utf16.map { unit in
      (0x20..<0x7F).contains(unit) && unit != 0x22 && unit != 0x5C
        ? String(UnicodeScalar(UInt8(unit))) : String(format: "\\u%04x", Int(unit))
    }
    return "\"\(units.joined())\""
  }
}
