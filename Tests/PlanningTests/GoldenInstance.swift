import ModelFiles
import Planning
import Quantization
import SampleSupport

/// An instance of `solver_golden.py`, made by the same whole numbers.
struct GoldenInstance {
  /// What of the constraints it tries.
  enum Kind: String, CaseIterable {
    case plain, odd, together, pinned, uniform, reverse
  }

  let seed: UInt64
  let kind: Kind
  let tensors: [TensorOptions]
  let constraints: Constraints

  private static let formats: [String] = [
    "q8_0", "q6_K", "q5_1", "q5_K", "q5_0", "q4_1", "q4_K", "q4_0", "iq4_nl", "iq4_xs", "q3_K",
    "iq3_s", "iq3_xxs", "q2_K", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s", "tq1_0", "tq2_0",
    "mxfp4", "nvfp4", "int8", "int7", "int6", "int5", "int4", "int3", "int2",
  ]
  private static let powers: [Int] = [
    1_099_511_627_776, 1_008_256_608_221, 924_575_386_327, 847_839_367_509, 777_472_127_994,
    712_945_084_849, 653_773_525_390, 599_512_966_123,
  ]
  private static let parts: [(name: String, rows: Int, length: Int)] = [
    ("self_attn.q_proj", 4096, 4096), ("self_attn.k_proj", 1024, 4096),
    ("self_attn.v_proj", 1024, 4096), ("self_attn.o_proj", 4096, 4096),
    ("mlp.gate_proj", 14336, 4096), ("mlp.up_proj", 14336, 4096), ("mlp.down_proj", 4096, 14336),
  ]

  init(seed: UInt64, kind: Kind, blocks: Int, formats count: Int) throws {
    self.seed = seed
    self.kind = kind
    let choices = try [.source] + Self.formats.map { Choice.format(try Format(parsing: $0)) }
    var generator = SeededGenerator(seed: seed)
    func below(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }
    var tensors: [TensorOptions] = []
    var constraints = Constraints()
    for index in 0..<blocks * 7 {
      let part = Self.parts[index % 7]
      let rows = kind == .odd ? 512 + below(16384) : part.rows
      let scale = 256 + below(3840)
      let tensor = Tensor(
        id: index, name: "model.layers.\(index / 7).\(part.name).weight",
        shape: [rows, part.length], source: .bf16)
      let options = choices.prefix(count).map { choice in
        let jitter = 192 + below(128)
        let bytes = choice.byteCount(of: tensor)
        let bits = bytes * 128 / tensor.weightCount
        var cost = Self.powers[bits % 8] >> (bits / 8 + 10)
        cost = (cost * (tensor.weightCount / 1024) * jitter) >> 8
        cost = (cost * scale) >> 12
        return TensorOptions.Option(
          choice: choice, bytes: bytes, squaredError: choice == .source ? 0 : Double(cost))
      }
      tensors.append(TensorOptions(tensor: tensor, squares: 1, options: Array(options)))
      if kind == .pinned, index % 17 == 0 {
        constraints.pins[index] = choices[1 + index % (count - 1)]
      }
    }
    switch kind {
    case .plain, .odd, .reverse: break
    case .together: constraints.together = [.attention, .gateUp]
    case .pinned: constraints.atLeast[.ffnDown] = .bits(4)
    case .uniform: constraints.uniform = [.attentionOutput, .ffnDown]
    }
    self.tensors = tensors
    self.constraints = constraints
  }
}
