"""Makes Golden/gradients/: what torch makes of a few tokens and pictures: losses and gradients in float32, steps of AdamW.

    python gradients_golden.py

Needs torch and transformers (made with 2.15 and 5.24). Reads the models that networks_golden.py wrote. MODEL.json:
{"sequences": [[token, ...], ...], "losses": [kl, ce], "gradients": {tensor: [[...kl], [...ce]]}}, each the mean over all
positions but the last; kl is from the logits of the same model with every weight times 1.1, in the order
KL(source || model) with this as the source. Of large tensors about 64 numbers are kept, every (count // 64)th. sequential/ is a model of
its own with convolutions, pooling and each activation; adam.json has the weights after each of five steps.
"""

import json
import pathlib
from collections import OrderedDict

import torch
import torch.nn.functional as F
import transformers as tf
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent / "Golden"
OUT = HERE / "gradients"

def kept(x):
    x = x.detach().flatten()
    x = x[::max(1, len(x) // 64)]
    return [float(f"{v:.9g}") for v in x.tolist()]


def both(run, source, model, targets):
    """[kl, ce] and the gradients of each."""
    losses, gradients = [], {name: [] for name, _ in model.named_parameters()}
    with torch.no_grad():
        base = F.log_softmax(run(source), -1)
    for kind in "kl", "ce":
        model.zero_grad()
        logits = run(model)
        if kind == "kl":
            loss = F.kl_div(F.log_softmax(logits, -1), base, log_target=True, reduction="batchmean")
        else:
            loss = F.cross_entropy(logits, targets)
        loss.backward()
        losses.append(float(loss))
        for name, parameter in model.named_parameters():
            gradients[name].append(kept(parameter.grad))
    return {"losses": losses, "gradients": gradients}


def language(name):
    def load(factor):
        model = tf.AutoModelForCausalLM.from_pretrained(
            HERE / name, dtype=torch.float32, attn_implementation="eager").eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(factor)
        return model

    generator = torch.Generator().manual_seed(3)
    sequences = [torch.randint(1, 61, (n,), generator=generator) for n in (9, 9)]
    batch = torch.stack(sequences)
    result = both(lambda m: m(batch).logits[:, :-1].flatten(0, 1), load(1.1), load(1), batch[:, 1:].flatten())
    result["sequences"] = batch.tolist()
    (OUT / f"{name}.json").write_text(json.dumps(result) + "\n")


LAYERS = [
    {"name": "c1", "type": "conv2d", "out_channels": 5, "kernel_size": 3, "stride": 1, "padding": 1},
    {"name": "a1", "type": "relu"},
    {"name": "p1", "type": "max_pool2d", "kernel_size": 2, "stride": 2},
    {"name": "c2", "type": "conv2d", "out_channels": 6, "kernel_size": 2, "stride": 2, "padding": 1},
    {"name": "a2", "type": "silu"},
    {"name": "f", "type": "flatten"},
    {"name": "l1", "type": "linear", "out_features": 11},
    {"name": "a3", "type": "gelu"},
    {"name": "l2", "type": "linear", "out_features": 9},
    {"name": "a4", "type": "gelu_new"},
    {"name": "l3", "type": "linear", "out_features": 4},
]


def sequential():
    torch.manual_seed(4)
    shape = (2, 8, 8)

    def build():
        return nn.Sequential(OrderedDict([
            ("c1", nn.Conv2d(2, 5, 3, 1, 1)), ("a1", nn.ReLU()), ("p1", nn.MaxPool2d(2, 2)),
            ("c2", nn.Conv2d(5, 6, 2, 2, 1)), ("a2", nn.SiLU()), ("f", nn.Flatten()),
            ("l1", nn.Linear(54, 11)), ("a3", nn.GELU()), ("l2", nn.Linear(11, 9)),
            ("a4", nn.GELU(approximate="tanh")), ("l3", nn.Linear(9, 4))]))

    model, source = build(), build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    source.load_state_dict({k: v * 1.1 for k, v in model.state_dict().items()})
    pictures = torch.randint(0, 17, (5, *shape))
    labels = torch.tensor([0, 3, 1, 2, 3])
    result = both(lambda m: m(pictures.float() / 16), source, model, labels)
    result["pictures"] = pictures.flatten(1).tolist()
    result["labels"] = labels.tolist()
    folder = OUT / "sequential"
    folder.mkdir(exist_ok=True)
    save_file(dict(model.state_dict()), folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "sequential", "input": {"shape": list(shape), "scale": 1 / 16}, "layers": LAYERS}) + "\n")
    (OUT / "sequential.json").write_text(json.dumps(result) + "\n")


def adam():
    generator = torch.Generator().manual_seed(6)
    weights = nn.Parameter(torch.randn(40, generator=generator))
    result = {"start": kept(weights), "rate": 0.01, "decay": 0.1, "gradients": [], "weights": []}
    optimizer = torch.optim.AdamW([weights], lr=0.01, weight_decay=0.1, betas=(0.9, 0.99))
    for step in range(5):
        weights.grad = torch.randn(40, generator=generator) * (10 if step == 2 else 0.1)
        result["gradients"].append(kept(weights.grad))
        nn.utils.clip_grad_norm_([weights], 1.0)
        optimizer.step()
        result["weights"].append(kept(weights))
    (OUT / "adam.json").write_text(json.dumps(result) + "\n")


OUT.mkdir(exist_ok=True)
for name in "llama", "llama3", "mistral", "qwen2", "gemma":
    language(name)
sequential()
adam()
