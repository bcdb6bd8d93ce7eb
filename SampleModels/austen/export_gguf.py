#!/usr/bin/env python3
"""Write the model of this folder as a GGUF file that llama.cpp loads.

Matrices stay BF16, bit for bit; the norms become F32, as llama.cpp wants them.
The rows of the query and key projections are reordered from transformers' rotary
layout (the halves of a head are the pairs) to llama.cpp's (neighbours are the
pairs), as llama.cpp's own converter does. The embeddings are tied, so there is
no output matrix: llama.cpp takes token_embd.weight for it.
"""

import argparse
import json
from pathlib import Path

import gguf
import torch
from safetensors.torch import load_file

LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def permute(weight, heads):
    """Rows of each head from (first half, second half) to neighbouring pairs."""
    rows, columns = weight.shape
    return (weight.reshape(heads, 2, rows // heads // 2, columns)
            .swapaxes(1, 2).reshape(rows, columns))


def gguf_name(name):
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[rest.removesuffix('.weight')]}.weight"


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=here,
                        help="folder with model.safetensors, config.json and tokenizer.json "
                             "(default: this script's)")
    parser.add_argument("--out", type=Path,
                        help="file to write (default: austen-bf16.gguf in that folder)")
    args = parser.parse_args()
    out = args.out or args.model / "austen-bf16.gguf"

    config = json.loads((args.model / "config.json").read_text())
    tokenizer = json.loads((args.model / "tokenizer.json").read_text())
    weights = load_file(args.model / "model.safetensors")
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]

    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("Austen")
    writer.add_description("A small llama-architecture language model "
                           "trained on Jane Austen's six novels")
    writer.add_license("CC0-1.0")
    writer.add_languages(["en"])
    writer.add_size_label(gguf.size_label(sum(t.numel() for t in weights.values()), 0, 0, 0))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])

    ids = tokenizer["model"]["vocab"]
    special = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    tokens = sorted(ids, key=ids.get)
    assert [ids[token] for token in tokens] == list(range(config["vocab_size"]))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in special
                            else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair)
                             for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)

    def order(name):  # the embedding, the layers in their order, the last norm
        parts = name.split(".")
        if parts[1] == "layers":
            return (1, int(parts[2]), list(LAYER_NAMES).index(".".join(parts[3:-1])))
        return (0 if parts[1] == "embed_tokens" else 2, 0, 0)

    for name in sorted(weights, key=order):
        weight = weights[name].to(torch.float32)
        if name.endswith("q_proj.weight"):
            weight = permute(weight, heads)
        elif name.endswith("k_proj.weight"):
            weight = permute(weight, kv_heads)
        kind = gguf.GGMLQuantizationType.BF16 if weight.dim() == 2 \
            else gguf.GGMLQuantizationType.F32
        data = gguf.quants.quantize(weight.numpy(), kind)  # BF16 values: nothing is lost
        writer.add_tensor(gguf_name(name), data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
