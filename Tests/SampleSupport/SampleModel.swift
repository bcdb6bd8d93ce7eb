import ModelFiles

/// A safetensors model made for a test.
public struct SampleModel: Sendable {
  /// Its tensors, in the order of the file.
  public var tensors: [SampleTensor]

  /// A model of some tensors.
  public init(_ tensors: [SampleTensor]) { self.tensors = tensors }

  /// The bytes of its file.
  public var bytes: [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
      let end = data.count + tensor.data.count
      entries.append(
        "\(Self.quoted(tensor.name)):{\"dtype\":\"\(tensor.type)\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(data.count),\(end)]}")
      data += tensor.data
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return length + header + data
  }

  /// The model, opened from a file that is gone by the time this returns.
  /// - Parameters:
  ///   - name: what the model is called.
  ///   - configuration: the config.json beside it.
  public func open(name: String = "sample", configuration: String? = nil) throws -> Model {
    let folder = try ScratchFolder()
    if let configuration { try folder.write("config.json", Array(configuration.utf8)) }
    return try Model.open(folder.write("\(name).safetensors", bytes))
  }

  /// A config.json for `llama`: 64 numbers are kept of each token in each layer.
  public static let llamaConfiguration =
    #"{"model_type": "llama", "num_hidden_layers": 3, "num_attention_heads": 4, "#
    + #""num_key_value_heads": 2, "hidden_size": 64, "vocab_size": 128, "#
    + #""max_position_embeddings": 65536}"#

  private static func quoted(_ text: String) -> String {
    JSONWriter(.compact).string(.string(text))
  }
}

extension SampleModel {
  /// A small model in the manner of llama: blocks of attention and a gated feed-forward network.
  public static func llama(blocks: Int = 3, seed: UInt64 = 1) -> SampleModel {
    var generator = SeededGenerator(seed: seed)
    var tensors: [SampleTensor] = []
    func add(_ name: String, _ shape: [Int], deviation: Float = 0.05) {
      tensors.append(.random(name, shape, deviation: deviation, from: &generator))
    }
    add("model.embed_tokens.weight", [128, 64], deviation: 0.02)
    for block in 0..<blocks {
      let prefix = "model.layers.\(block)."
      add(prefix + "input_layernorm.weight", [64], deviation: 0.3)
      add(prefix + "mlp.down_proj.weight", [64, 96])
      add(prefix + "mlp.gate_proj.weight", [96, 64])
      add(prefix + "mlp.up_proj.weight", [96, 64])
      add(prefix + "self_attn.k_proj.weight", [32, 64], deviation: 0.1)
      add(prefix + "self_attn.o_proj.weight", [64, 64])
      add(prefix + "self_attn.q_proj.weight", [64, 64], deviation: 0.1)
      add(prefix + "self_attn.v_proj.weight", [32, 64])
    }
    add("lm_head.weight", [128, 64], deviation: 0.02)
    add("model.norm.weight", [64], deviation: 0.3)
    return SampleModel(tensors)
  }

  /// A mixture of experts: the experts of a role stand together.
  public static func mixture(blocks: Int = 2, experts: Int = 4, seed: UInt64 = 2) -> SampleModel {
    var generator = SeededGenerator(seed: seed)
    var tensors: [SampleTensor] = []
    func add(_ name: String, _ shape: [Int]) {
      tensors.append(.random(name, shape, from: &generator))
    }
    add("model.embed_tokens.weight", [64, 32])
    for block in 0..<blocks {
      let prefix = "model.layers.\(block)."
      add(prefix + "self_attn.q_proj.weight", [32, 32])
      add(prefix + "block_sparse_moe.gate.weight", [experts, 32])
      for expert in 0..<experts {
        for part in ["w1", "w2", "w3"] {
          add(prefix + "block_sparse_moe.experts.\(expert).\(part).weight", [32, 32])
        }
      }
    }
    add("lm_head.weight", [64, 32])
    return SampleModel(tensors)
  }

  /// A mixture of very many tensors that share a few bytes of data each.
  public static func huge(blocks: Int = 50, experts: Int = 132) -> SampleModel {
    var tensors: [SampleTensor] = []
    let data = SampleTensor(
      "", [32, 32], bf16: true, values: (0..<1024).map { Float($0 % 37 - 18) / 64 }
    ).data
    for block in 0..<blocks {
      let prefix = "model.layers.\(block)."
      for part in ["q_proj", "k_proj", "v_proj", "o_proj"] {
        tensors.append(
          SampleTensor(prefix + "self_attn.\(part).weight", [32, 32], type: "BF16", data: data))
      }
      for expert in 0..<experts {
        for part in ["gate_proj", "up_proj", "down_proj"] {
          tensors.append(
            SampleTensor(
              prefix + "mlp.experts.\(expert).\(part).weight", [32, 32], type: "BF16", data: data))
        }
      }
    }
    return SampleModel(tensors)
  }

  /// Names that attack a terminal, and values that attack arithmetic.
  public static func hostile(seed: UInt64 = 3) -> SampleModel {
    var generator = SeededGenerator(seed: seed)
    func noise(_ count: Int) -> [Float] { (0..<count).map { _ in generator.bell() * 0.05 } }
    var broken = noise(2048)
    broken[3] = .nan
    broken[77] = .infinity
    broken[901] = -.infinity
    var outliers = noise(4096)
    outliers[5] = 1e30
    outliers[4000] = -70_000
    let tiny = noise(1024).map { $0 * 1e-38 }
    return SampleModel([
      SampleTensor("\u{1B}[2J\u{1B}]0;title\u{7}.weight", [32, 32], values: noise(1024)),
      SampleTensor("\u{202E}gnp.exe\u{2066}.weight", [32, 32], values: noise(1024)),
      SampleTensor("層.重み.0.\u{1F469}\u{200D}\u{1F680}e\u{301}", [32, 32], values: noise(1024)),
      SampleTensor("a\nb\tc\u{0}d\u{85}e\u{2028}f", [32, 32], values: noise(1024)),
      SampleTensor(
        String(repeating: "long.", count: 60) + "weight", [32, 32], values: noise(1024)),
      SampleTensor("nan_and_inf.weight", [64, 32], values: broken),
      SampleTensor("all_nan.weight", [32, 32], values: [Float](repeating: .nan, count: 1024)),
      SampleTensor("all_zero.weight", [32, 32], values: [Float](repeating: 0, count: 1024)),
      SampleTensor("outliers.weight", [64, 64], values: outliers),
      SampleTensor("subnormal.weight", [32, 32], values: tiny),
      SampleTensor("empty.weight", [0, 32], values: []),
      SampleTensor("scalar", [], values: [1]),
      SampleTensor("positions.ids", [16], type: "I64", data: [UInt8](repeating: 1, count: 128)),
      SampleTensor(
        "packed.weight", [16, 64], type: "F8_E8M0", data: [UInt8](repeating: 7, count: 1024)),
    ])
  }

  /// One tensor and nothing else.
  public static func single(seed: UInt64 = 4) -> SampleModel {
    var generator = SeededGenerator(seed: seed)
    return SampleModel([.random("weight", [48, 40], bf16: false, from: &generator)])
  }
}
