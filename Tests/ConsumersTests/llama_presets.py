"""Makes LlamaQuantize/presets.txt, which LlamaPresetTests holds the file types of LlamaFileType to.

    python3 llama_presets.py PATH/TO/llama-quantize [MODEL...]

GGUFs of made-up models, all zeros and mostly holes, are given to llama-quantize --dry-run for each file type, without
and with an importance matrix. With names of models only those are printed, and nothing is written.

    model NAME ARCHITECTURE KEY=VALUE...      keys of the metadata, without the architecture before them
    tensor NAME SHAPE [FIRST-LAST]            F32; # in a name: the blocks FIRST to LAST
    FILE_TYPE none|imatrix|both TYPE=PLACES...   the tensors that are written as TYPE, by their places above, those of
                                              several blocks block by block; the others stay f32. Then "needs" where a
                                              run would want an importance matrix, or just "stops"

Needs the pip packages gguf and numpy.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

FILE_TYPES = """
Q1_0 Q2_0 Q4_0 Q4_1 MXFP4_MOE Q5_0 Q5_1 IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ1_S IQ1_M TQ1_0 TQ2_0 Q2_K Q2_K_S IQ3_XXS IQ3_S
IQ3_M IQ3_XS Q3_K_S Q3_K_M Q3_K_L IQ4_NL IQ4_XS Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K Q8_0 F16 BF16 F32
""".split()

LLAMA = "attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down"
QKV = "attn_qkv attn_output ffn_up ffn_down"


def model(name, architecture, layers, heads, kv, blocks, row=256, down=None, tied=False, top=(), experts=0, **more):
    """The names of blocks have their shapes as (rows, row) unless they say others: NAME:SHAPE."""
    keys = {
        "context_length": 64, "embedding_length": row, "block_count": layers, "feed_forward_length": down or row,
        "attention.head_count": heads, "attention.head_count_kv": kv, "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.layer_norm_epsilon": 1e-5, "vocab_size": 64,
    }
    if experts:
        keys |= {"expert_count": experts, "expert_used_count": 2, "expert_feed_forward_length": down or row}
    keys |= {key.replace("__", "."): value for key, value in more.items()}
    tensors = [("token_embd.weight", (64, row), None), *top, ("output_norm.weight", (row,), None)]
    if not tied:
        tensors.append(("output.weight", (64, row), None))
    for entry in blocks.split():
        part, _, shape = entry.partition(":")
        shape = tuple(map(int, shape.split("x"))) if shape else (16, down if down and "down" in part else row)
        if part.endswith("_exps"):
            shape = (experts, *shape)
        tensors.append((f"blk.#.{part}.weight", shape, (0, layers - 1)))
    tensors.append(("blk.#.attn_norm.weight", (row,), (0, layers - 1)))
    return name, architecture, keys, tensors


EXPERTS = "attn_q attn_k attn_v attn_output ffn_gate_inp ffn_gate_exps ffn_up_exps ffn_down_exps"
MLA = "attn_q_a attn_q_b attn_kv_a_mqa attn_kv_b attn_output"

MODELS = [
    model("heads", "llama", 12, 8, 8, LLAMA),
    model("few", "llama", 3, 8, 8, LLAMA, tied=True),
    model("shared", "llama", 32, 32, 8, LLAMA),
    model("shared-more", "llama", 22, 32, 4, LLAMA, down=768),
    model("narrow", "llama", 16, 9, 3, LLAMA, row=288, down=1000, tied=True),
    model("llama-70b", "llama", 80, 64, 8, LLAMA),
    model("llama-65b", "llama", 80, 64, 64, LLAMA),
    model("embed-70b", "llama-embed", 80, 64, 8, LLAMA),
    model("qwen2-70b", "qwen2", 80, 64, 8, LLAMA),
    model("qwen2-small", "qwen2", 24, 14, 2, LLAMA, row=896, down=4864, tied=True),
    model("olmo-70b", "olmo", 80, 64, 8, LLAMA, tied=True),
    model("jais2-70b", "jais2", 68, 64, 8, "attn_q attn_k attn_v attn_output ffn_up ffn_down"),
    model("mixtral", "llama", 32, 32, 8, EXPERTS, experts=8),
    model("mixtral-heads", "llama", 10, 8, 8, EXPERTS, experts=8),
    model("experts-apart", "llama", 8, 8, 8, LLAMA.replace("ffn_", "ffn_gate_inp ffn_", 1) + " ffn_down_exps", experts=8),
    model("experts-4", "llama", 16, 8, 8, EXPERTS, experts=4),
    model("outside", "llama", 4, 8, 8, EXPERTS, experts=4, top=[("v.blk.0.ffn_down.weight", (16, 256), None)]),
    model("qwen3moe", "qwen3moe", 24, 32, 4, EXPERTS, experts=16),
    model(
        "qwen2moe", "qwen2moe", 24, 16, 16, EXPERTS + " ffn_gate_shexp ffn_up_shexp ffn_down_shexp", experts=60,
        expert_shared_feed_forward_length=256),
    model("falcon", "falcon", 32, 71, 1, QKV),
    model("falcon-heads", "falcon", 60, 8, 8, QKV, row=640),
    model("gemma2", "gemma2", 26, 8, 4, LLAMA, tied=True, attention__sliding_window=64, attention__key_length=256),
    model("phi3", "phi3", 32, 32, 32, QKV, rope__dimension_count=8),
    model("phi3-shared", "phi3", 40, 40, 10, QKV, rope__dimension_count=8),
    model("gpt2", "gpt2", 12, 12, 12, QKV, row=768, tied=True, top=[("position_embd.weight", (64, 768), None)]),
    model(
        "bert", "bert", 6, 12, 12, LLAMA.replace("ffn_gate ", ""), row=384, down=1536, tied=True,
        top=[("position_embd.weight", (64, 384), None), ("token_types.weight", (2, 384), None)]),
    model(
        "deepseek2", "deepseek2", 27, 16, 1, MLA + " attn_k_b:16x512x128 attn_v_b:16x128x512 " + EXPERTS[30:], experts=64,
        attention__key_length=192, attention__value_length=128, attention__kv_lora_rank=512, leading_dense_block_count=1,
        expert_shared_count=2, expert_weights_scale=1.0, rope__dimension_count=64, attention__key_length_mla=192,
        attention__value_length_mla=128),
    model("deci-70b", "deci", 80, 64, 8, LLAMA),
    model(
        "jamba", "jamba", 16, 8, [0, 2] * 8, "ssm_in ssm_out " + EXPERTS, experts=16, ssm__conv_kernel=4,
        ssm__inner_size=512, ssm__state_size=16, ssm__time_step_rank=8),
    model(
        "gemma3n", "gemma3n", 30, 8, 2, LLAMA + " laurel_l proj", tied=True, attention__sliding_window=64,
        top=[("per_layer_token_embd.weight", (64, 512), None), ("altup_proj.weight", (2, 16, 256), None)]),
    model(
        "glm5-next", "glm5-next", 8, 8, 1, "attn_q_a attn_q_b attn_k_b:8x64x64 attn_v_b:8x64x64 nextn.eh_proj "
        "hc_fn " + EXPERTS[24:], experts=16, attention__key_length_mla=64, attention__value_length_mla=64,
        attention__q_lora_rank=64, attention__kv_lora_rank=64, ssm__conv_kernel=4, kda__head_dim=64,
        expert_shared_count=1, attention__indexer__head_count=8, attention__indexer__key_length=64,
        attention__indexer__top_k=8, attention__indexer__kpool=4, hyper_connection__count=4,
        hyper_connection__sinkhorn_iterations=2, hyper_connection__epsilon=1e-5),
    model(
        "bailingmoe3", "bailingmoe3", 8, 8, 1, "attn_k_b:8x64x64 " + EXPERTS, experts=16, attention__key_length_mla=64,
        attention__value_length_mla=64, attention__kv_lora_rank=64, ssm__conv_kernel=4, kda__head_dim=64,
        kda__gate_lower_bound=-1.0, leading_dense_block_count=1, expert_shared_count=1, expert_gating_func=2,
        swiglu_clamp_exp=1.0, swiglu_clamp_shexp=1.0),
    model("mamba", "mamba", 8, 0, 0, "ssm_in ssm_x:16x512 ssm_out ssm_conv1d", tied=True, ssm__conv_kernel=4,
          ssm__inner_size=512, ssm__state_size=16, ssm__time_step_rank=8),
]


def expanded(tensors):
    for name, shape, blocks in tensors:
        for block in range(blocks[0], blocks[1] + 1) if blocks else [0]:
            yield name.replace("#", str(block)), shape


def write(path, architecture, keys, tensors):
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in keys.items():
        kind = float if isinstance(value, float) else list if isinstance(value, list) else int
        add = {float: writer.add_float32, list: writer.add_array, int: writer.add_uint32}[kind]
        add(f"{architecture}.{key}", value)
    sizes = []
    for name, shape in expanded(tensors):
        sizes.append(4 * int(np.prod(shape)))
        writer.add_tensor_info(name, shape, np.dtype(np.float32), sizes[-1])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    os.truncate(path, sum(-(-size // 32) * 32 for size in [os.path.getsize(path), *sizes]))


def write_importance(path):
    writer = gguf.GGUFWriter(path, "imatrix")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["x"])
    writer.add_uint32("imatrix.chunk_count", 1)
    writer.add_uint32("imatrix.chunk_size", 512)
    writer.add_tensor("x.in_sum2", np.ones((1, 32), np.float32))
    writer.add_tensor("x.counts", np.ones((1, 1), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def places(numbers):
    """1,3-5 of 1, 3, 4, 5."""
    runs = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def asked(program, folder, names, file_type, importance):
    command = [program, "--dry-run"] + (["--imatrix", "imatrix.gguf"] if importance else [])
    done = subprocess.run(
        command + ["in.gguf", "out.gguf", file_type], cwd=folder, capture_output=True, text=True, errors="replace",
        env={**os.environ, "GGML_NO_BACKTRACE": "1"})
    log = done.stdout + done.stderr
    if done.returncode != 0:
        reasons = ["no tensor type fallback is defined", "Failed to determine layer"]
        assert any(reason in log for reason in reasons), log[-800:]
        return "stops"
    types = {}
    for name in names:
        line = next(line for line in log.split("\n") if f"] {name} " in line)
        if line.endswith(")"):
            types.setdefault(line[line.rindex("(") + 1:-1], []).append(names[name])
    words = [f"{kind}={places(sorted(numbers))}" for kind, numbers in sorted(types.items())]
    return " ".join(words + (["needs"] if "will require an imatrix" in log else []))


def lines(program, folder, name, architecture, keys, tensors):
    write(f"{folder}/in.gguf", architecture, keys, tensors)
    yield f"model {name} {architecture} " + " ".join(
        f"{key}={value}".replace(" ", "") for key, value in keys.items())
    for tensor, shape, blocks in tensors:
        range_of_blocks = f" {blocks[0]}-{blocks[1]}" if blocks else ""
        yield f"tensor {tensor} {'x'.join(map(str, shape))}{range_of_blocks}"
    names = {tensor: number for number, (tensor, _) in enumerate(expanded(tensors))}
    for file_type in FILE_TYPES:
        without, given = [asked(program, folder, names, file_type, importance) for importance in (False, True)]
        if without == given:
            yield f"{file_type} both {given}"
        else:
            yield f"{file_type} none {without}"
            yield f"{file_type} imatrix {given}"


def main():
    program, wanted = str(Path(sys.argv[1]).resolve()), sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        write_importance(f"{folder}/imatrix.gguf")
        text = "\n".join(
            line for one in MODELS if not wanted or one[0] in wanted for line in lines(program, folder, *one)) + "\n"
    if wanted:
        print(text, end="")
    else:
        (Path(__file__).parent / "LlamaQuantize/presets.txt").write_text(text)


main()
