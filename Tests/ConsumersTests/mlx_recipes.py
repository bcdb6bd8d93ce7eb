"""Makes MLX/recipes.txt, which MLXRecipeTests holds mlx-lm's recipes to.

    python3 mlx_recipes.py

Models with random weights are quantized by mlx-lm 0.32's quantize_model, with its default and its recipes.

    model NAME LAYERS
    tensor NAME SHAPE [FIRST-LAST]     # in a name: the blocks FIRST to LAST
    RECIPE BITS MODULE [BLOCKS]        the modules that get codes of so many bits; the others stay as they are

Needs the pip packages mlx[cpu] and mlx-lm.
"""

import re
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.convert import QUANT_RECIPES, mixed_quant_predicate_builder
from mlx_lm.models import llama, phi3, qwen2
from mlx_lm.utils import quantize_model

SIZES = {"hidden_size": 128, "intermediate_size": 192, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": 64, "rms_norm_eps": 1e-5}
MODELS = {
    "llama": lambda: llama.Model(llama.ModelArgs(
        model_type="llama", num_hidden_layers=16, tie_word_embeddings=False, **SIZES)),
    "few": lambda: llama.Model(llama.ModelArgs(
        model_type="llama", num_hidden_layers=3, tie_word_embeddings=True, **SIZES)),
    "odd": lambda: qwen2.Model(qwen2.ModelArgs(
        model_type="qwen2", num_hidden_layers=21, tie_word_embeddings=True, **SIZES | {"intermediate_size": 100})),
    "fused": lambda: phi3.Model(phi3.ModelArgs(
        model_type="phi3", num_hidden_layers=10, **SIZES | {"num_key_value_heads": 4})),
}


def runs(numbers):
    """1,3-5 of 1, 3, 4, 5."""
    found = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def gathered(entries):
    """Lines of (text before, name, text after), those that differ in their block alone as one."""
    lines = {}
    for before, name, after in entries:
        block = re.search(r"layers\.(\d+)\.", name)
        key = (before, re.sub(r"layers\.\d+\.", "layers.#.", name), after)
        lines.setdefault(key, []).extend([int(block[1])] if block else [])
    for (before, name, after), blocks in lines.items():
        yield " ".join(filter(None, [before, name, after, runs(blocks)]))


def main():
    mx.set_default_device(mx.cpu)
    lines = []
    for name, make in MODELS.items():
        model = make()
        lines.append(f"model {name} {len(model.layers)}")
        lines += gathered(
            ("tensor", path, "x".join(map(str, value.shape))) for path, value in tree_flatten(model.parameters()))
        for recipe in ["mlx_4bit", *QUANT_RECIPES]:
            model = make()
            rule = None if recipe == "mlx_4bit" else mixed_quant_predicate_builder(recipe, model)
            quantize_model(model, {}, None, None, quant_predicate=rule)
            lines += gathered(
                (f"{recipe} {module.bits}", path, "") for path, module in model.named_modules()
                if hasattr(module, "bits"))
    (Path(__file__).parent / "MLX/recipes.txt").write_text("\n".join(lines) + "\n")


main()
