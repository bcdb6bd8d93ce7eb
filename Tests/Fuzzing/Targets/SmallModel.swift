import ModelFiles
import SampleSupport

/// Models for the parsers of what is said of a model.
enum SmallModel {
  /// The file of a model that can be run: small, with weights.
  static let file: [UInt8] = {
    var model = SampleModel.llama(blocks: 2)
    // The norms of all families.
    for block in 0..<2 {
      for (name, count) in [
        ("post_attention_layernorm", 64), ("pre_feedforward_layernorm", 64),
        ("post_feedforward_layernorm", 64), ("self_attn.q_norm", 16), ("self_attn.k_norm", 16),
      ] {
        model.tensors.append(
          SampleTensor(
            "model.layers.\(block).\(name).weight", [count],
            values: [Float](repeating: 1, count: count)))
      }
    }
    return model.bytes
  }()

  /// A checkpoint as Hugging Face has them.
  static let checkpoint: Model = {
    var shapes: [(String, [Int])] = [("model.embed_tokens.weight", [512, 256])]
    for block in 0..<2 {
      let prefix = "model.layers.\(block)."
      shapes += [
        (prefix + "input_layernorm.weight", [256]),
        (prefix + "self_attn.q_proj.weight", [256, 256]),
        (prefix + "self_attn.k_proj.weight", [128, 256]),
        (prefix + "self_attn.v_proj.weight", [128, 256]),
        (prefix + "self_attn.o_proj.weight", [256, 256]),
        (prefix + "mlp.gate_proj.weight", [768, 256]),
        (prefix + "mlp.down_proj.weight", [256, 768]),
        (prefix + "mlp.experts.3.down_proj.weight", [256, 96]),
      ]
    }
    shapes += [("model.norm.weight", [256]), ("lm_head.weight", [512, 256])]
    let configuration: JSONValue = [
      "model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 256,
      "intermediate_size": 768, "max_position_embeddings": 4096, "vocab_size": 512,
    ]
    let tensors = shapes.enumerated().map { id, tensor in
      Tensor(id: id, name: tensor.0, shape: tensor.1, source: .bf16)
    }
    return Model(
      name: "small", path: "small", architecture: "llama", configuration: configuration,
      tensors: tensors)
  }()
}
