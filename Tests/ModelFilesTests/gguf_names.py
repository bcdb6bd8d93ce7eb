"""Makes Names/converted.txt and Names/mapped.txt, which GGUFNamesTests holds GGUFNames to.

    python3 gguf_names.py LLAMA_CPP_FOLDER

converted.txt: small models of many families are made with transformers and led through llama.cpp's own
conversion code, each weight carrying the number of its tensor, row and column. So a line says what really
becomes of a tensor:

    MODEL_TYPE  HF_NAME  GGUF_NAME|-  [expert=E] [rows=FIRST,SECOND,...] [transposed]

"-" is a tensor that conversion leaves out; rows lists where each row comes from, if not from the same place.
mapped.txt: what gguf-py's table of names (the pip package gguf) says of the same families, with block 7:

    ARCHITECTURE  HF_NAME  GGUF_NAME

Needs torch, transformers, gguf; nothing is downloaded.
"""

import json
import logging
import os
import re
import sys
import tempfile
from pathlib import Path

root = Path(sys.argv[1])
sys.path.insert(0, str(root / "gguf-py"))
sys.path.insert(0, str(root))
logging.disable(logging.WARNING)
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import gguf  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from conversion import ModelBase, ModelType, get_model_class  # noqa: E402

SMALL = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)
EXPERTS = dict(num_experts_per_tok=2, moe_intermediate_size=24)
GPT = dict(n_embd=32, n_layer=2, n_head=4, n_positions=64, vocab_size=64, n_inner=48)

# model_type: (class of the model, changes to its configuration)
FAMILIES = {
    "llama": ("LlamaForCausalLM", dict(attention_bias=True)),
    "mistral": ("MistralForCausalLM", {}),
    "mixtral": ("MixtralForCausalLM", dict(num_local_experts=3)),
    "qwen2": ("Qwen2ForCausalLM", {}),
    "qwen2_moe": ("Qwen2MoeForCausalLM", dict(num_experts=3, shared_expert_intermediate_size=40, **EXPERTS)),
    "qwen3": ("Qwen3ForCausalLM", dict(head_dim=16)),
    "qwen3_moe": ("Qwen3MoeForCausalLM", dict(num_experts=3, head_dim=8, **EXPERTS)),
    "gemma": ("GemmaForCausalLM", dict(head_dim=8)),
    "gemma2": ("Gemma2ForCausalLM", dict(head_dim=8)),
    "gemma3_text": ("Gemma3ForCausalLM", dict(head_dim=8)),
    "phi": ("PhiForCausalLM", {}),
    "phi3": ("Phi3ForCausalLM", {}),
    "phimoe": ("PhimoeForCausalLM", dict(num_local_experts=3, num_experts_per_tok=2)),
    "gpt2": ("GPT2LMHeadModel", GPT),
    "gpt_bigcode": ("GPTBigCodeForCausalLM", GPT),
    "starcoder2": ("Starcoder2ForCausalLM", {}),
    "bert": ("BertModel", dict(type_vocab_size=2)),
    "roberta": ("RobertaModel", dict(type_vocab_size=1)),
    "distilbert": ("DistilBertModel", dict(dim=32, hidden_dim=48, n_layers=2, n_heads=4)),
    "modernbert": ("ModernBertModel", {}),
    "falcon": ("FalconForCausalLM", dict(new_decoder_architecture=True, num_kv_heads=2, bias=False)),
    "gpt_neox": ("GPTNeoXForCausalLM", {}),
    "bloom": ("BloomForCausalLM", dict(n_layer=2, n_head=4, hidden_size=32, vocab_size=64)),
    "mpt": ("MptForCausalLM", dict(d_model=32, n_layers=2, n_heads=4, expansion_ratio=2, vocab_size=64)),
    "deepseek_v2": ("DeepseekV2ForCausalLM", dict(
        n_routed_experts=3, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=24,
        kv_lora_rank=16, q_lora_rank=24, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=8,
        first_k_dense_replace=1, num_key_value_heads=4)),
    "deepseek_v3": ("DeepseekV3ForCausalLM", dict(
        n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=24, n_group=1,
        topk_group=1, kv_lora_rank=16, q_lora_rank=24, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=8,
        first_k_dense_replace=1, num_key_value_heads=4)),
    "olmo": ("OlmoForCausalLM", {}),
    "olmo2": ("Olmo2ForCausalLM", {}),
    "olmoe": ("OlmoeForCausalLM", dict(num_experts=3, num_experts_per_tok=2)),
    "cohere": ("CohereForCausalLM", dict(use_qk_norm=True)),
    "cohere2": ("Cohere2ForCausalLM", {}),
    "granite": ("GraniteForCausalLM", {}),
    "granitemoe": ("GraniteMoeForCausalLM", dict(num_local_experts=3, num_experts_per_tok=2)),
    "stablelm": ("StableLmForCausalLM", dict(qk_layernorm=False, use_qkv_bias=True)),
    "smollm3": ("SmolLM3ForCausalLM", {}),
    "glm4": ("Glm4ForCausalLM", dict(head_dim=8)),
    "nemotron": ("NemotronForCausalLM", {}),
}

# What llama.cpp calls them.
ALIASES = {"PhimoeForCausalLM": "PhiMoEForCausalLM", "MptForCausalLM": "MPTForCausalLM"}


def names_and_shapes(kind, architecture, changes, folder):
    """The tensors as a checkpoint of the family stores them."""
    values = {**SMALL, **changes}
    config = transformers.AutoConfig.for_model(kind, **values)
    config.architectures = [architecture]
    model = getattr(transformers, architecture)(config)
    model.save_pretrained(folder)
    path = Path(folder) / "config.json"
    found = json.loads(path.read_text())
    for key in ("hidden_size", "num_attention_heads", "num_hidden_layers"):
        found.setdefault(key, values.get(key))
    if kind == "distilbert":
        found["num_hidden_layers"], found["num_attention_heads"] = 2, 4
    path.write_text(json.dumps(found))
    with open(Path(folder) / "model.safetensors", "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


def convert(kind, architecture, changes):
    with tempfile.TemporaryDirectory() as folder:
        shapes = names_and_shapes(kind, architecture, changes, folder)
        vocabulary = {"model": {"vocab": {str(i): i for i in range(64)}}, "added_tokens": []}
        (Path(folder) / "tokenizer.json").write_text(json.dumps(vocabulary))
        cls = get_model_class(ALIASES.get(architecture, architecture))
        model = cls(Path(folder), gguf.LlamaFileType.ALL_F32, Path(folder) / "x.gguf", dry_run=True)
        return list(lines(kind, model, shapes))


def lines(kind, model, shapes):
    numbers = {name: index + 1 for index, name in enumerate(shapes)}
    by_number = {number: name for name, number in numbers.items()}
    seen, found = set(), []
    for name, shape in shapes.items():
        rows = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
        width = shape[-1] if shape else 1
        count = rows * width
        data = torch.arange(count, dtype=torch.float64) + numbers[name] * 2.0**30
        kept = type(model).filter_tensors((name, lambda: None))
        if kept is None or kept[0].endswith((".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq")):
            continue
        new = kept[0]
        bid = next((int(part) for part in new.split(".") if part.isdecimal()), None)
        for result, tensor in model.modify_tensors(data.reshape(shape), new, bid):
            found.append((result, tensor.numpy()))
    for result, tensor in found:
        for line in describe(kind, result, tensor, shapes, by_number, seen):
            yield line
    for name in shapes:
        if name not in seen:
            yield f"{kind}\t{name}\t-"


def describe(kind, result, tensor, shapes, by_number, seen):
    matrices = tensor if tensor.ndim >= 3 else tensor[None]
    sources = [by_number[int(matrix.flat[0] // 2**30)] for matrix in matrices]
    if len(set(sources)) > 1:
        for expert, (matrix, name) in enumerate(zip(matrices, sources)):
            seen.add(name)
            yield f"{kind}\t{name}\t{result}\texpert={expert}{order(matrix, shapes[name])}"
    else:
        seen.add(sources[0])
        yield f"{kind}\t{sources[0]}\t{result}{order(tensor, shapes[sources[0]])}"


def order(tensor, shape):
    """How rows, by their last dimension, lie in the source."""
    if tensor.ndim < 2:
        # A vector: elements are its rows. Norms may have 1 added.
        start = np.floor(tensor / 2**30) * 2**30
        places = (tensor - start).astype(np.int64)
        if len(set(np.diff(places))) <= 1:
            return ""
        return "\trows=" + ",".join(map(str, places))
    width = shape[-1]
    flat = tensor.reshape(-1, tensor.shape[-1])
    start = np.floor(flat[0, 0] / 2**30) * 2**30
    places = (flat - start).astype(np.int64)
    if np.all(np.diff(places, axis=1) == 1):
        rows = places[:, 0] // width
        if np.array_equal(rows, np.arange(len(rows))) and len(rows) == int(np.prod(shape[:-1])):
            return ""
        return "\trows=" + ",".join(map(str, rows))
    return "\ttransposed"


ARCHITECTURES = """
llama qwen2 qwen2moe qwen3 qwen3moe gemma gemma2 gemma3 phi2 phi3 phimoe gpt2 bert nomic-bert
nomic-bert-moe jina-bert-v2 modern-bert falcon gptneox mpt bloom starcoder starcoder2 deepseek deepseek2
olmo olmo2 olmoe command-r cohere2 stablelm granite granitemoe internlm2 glm4 smollm3 nemotron mistral3
""".split()
# Names of other families that a family's table holds too are left out: no such checkpoint exists.
STYLES = {
    "gpt2": ("transformer.", "h.", "wte", "wpe", "ln_f", "lm_head"), "starcoder": ("transformer.", "lm_head"),
    "bert": ("encoder.layer.", "embeddings.", "transformer.layer."),
    "nomic-bert": ("encoder.layers.", "embeddings.", "emb_ln"),
    "nomic-bert-moe": ("encoder.layers.", "embeddings.", "emb_ln"),
    "jina-bert-v2": ("encoder.layer.", "embeddings."), "modern-bert": ("layers.", "embeddings.", "final_norm"),
    "falcon": ("transformer.", "lm_head"), "gptneox": ("gpt_neox.", "embed_out"),
    "mpt": ("transformer.blocks.", "transformer.wte", "transformer.norm_f"), "bloom": ("h.", "word_emb", "ln_f"),
    "phi2": ("model.", "transformer.h.", "transformer.embd", "lm_head"),
}
# Names within these styles that belong to other families.
OTHERS = re.compile(
    r"(cogvlm|language_|talkie|attn_(query|key|value|resid)|head_gain|mamba|rwkv|backbone|mixer\.[qko]|"
    r"layers\.layers|model\.blocks|model\.transformer|no_perm|transformer\.h\.\d+\.attn\.attention|"
    r"model\.embed$|moe_statics|primary_router|mtp|nextn|norm_attn_norm|decoder_layer|in_out_embed|"
    r"mlp\.mlp_|residual_mlp|transformer\.layers|\.moe\.|model\.layers\.\d+\.norm$|\.pre_ln|pre_norm|"
    r"feed_forward\.down_proj|expert_bias|ffn\.act|model\.ln_out|embed_tokens$)")


def mapped():
    import importlib
    for arch, name in gguf.MODEL_ARCH_NAMES.items():
        if name not in ARCHITECTURES:
            continue
        table = gguf.get_tensor_name_map(arch, 8)
        styles = STYLES.get(name, ("model.", "lm_head", "layers.", "language_model."))
        for key, (_, to) in table.mapping.items():
            if key == to or OTHERS.search(key) and key != "model.embed_tokens":
                continue
            if re.search(r"\.[0-6]\.", to) or not key.startswith(styles):
                continue
            suffix = ".bias" if key.endswith("e_score_correction") else ".weight"
            if to.endswith((".weight", "rope_freqs", "attn_rot_embd", "attn_sinks", "ffn.act")) or key.endswith(".weight"):
                continue
            if name == "deepseek2" and "kv_b_proj" in key:
                continue  # Split by the conversion code.
            yield f"{name}\t{key}{suffix}\t{to}{suffix}"


def main():
    here = Path(__file__).parent / "Names"
    out = []
    for kind, (architecture, changes) in FAMILIES.items():
        try:
            found = convert(kind, architecture, changes)
            print(kind, len(found))
            out += found
        except Exception as error:
            print(kind, "FAILED", type(error).__name__, error)
            if "-v" in sys.argv:
                import traceback; traceback.print_exc()
    (here / "converted.txt").write_text("\n".join(out) + "\n")
    if "--converted" not in sys.argv:
        (here / "mapped.txt").write_text("\n".join(mapped()) + "\n")


main()
