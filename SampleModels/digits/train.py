#!/usr/bin/env python3
"""Train the digit classifier and write its weights, its settings and its test set.

The data are the 1,797 handwritten digits (8x8 pixels, values 0 to 16) that
scikit-learn carries; nothing is downloaded. Four fifths are trained on, one
fifth (stratified, fixed seed) is the test set, which is looked at only once,
after the last epoch.

Writes into --out:
  model.safetensors  the weights, F16
  config.json        layer order, sizes, classes and the score of the stored weights
  test.safetensors   the test images (U8, [n, 1, 8, 8]) and their labels (U8, [n])
  train.safetensors  the same of the training images
"""

import argparse
import json
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

PIXEL_MAX = 16.0

# The network, in the order in which it runs. This list is what config.json
# carries under "layers", and both the training and the check below follow it.
LAYERS = [
    {"name": "conv1", "type": "conv2d", "in_channels": 1, "out_channels": 32,
     "kernel_size": 3, "stride": 1, "padding": 1, "bias": True},
    {"name": "relu1", "type": "relu"},
    {"name": "conv2", "type": "conv2d", "in_channels": 32, "out_channels": 64,
     "kernel_size": 3, "stride": 1, "padding": 1, "bias": True},
    {"name": "relu2", "type": "relu"},
    {"name": "pool", "type": "max_pool2d", "kernel_size": 2, "stride": 2},
    {"name": "flatten", "type": "flatten"},
    {"name": "fc1", "type": "linear", "in_features": 1024, "out_features": 256, "bias": True},
    {"name": "relu3", "type": "relu"},
    {"name": "fc2", "type": "linear", "in_features": 256, "out_features": 10, "bias": True},
]


def build(layers, dropout=0.0):
    """The network as a torch module. Dropout, if any, stands before each linear layer."""
    modules = OrderedDict()
    for layer in layers:
        name, kind = layer["name"], layer["type"]
        if kind == "conv2d":
            modules[name] = nn.Conv2d(layer["in_channels"], layer["out_channels"],
                                      layer["kernel_size"], layer["stride"],
                                      layer["padding"], bias=layer["bias"])
        elif kind == "linear":
            if dropout > 0:
                modules["dropout_" + name] = nn.Dropout(dropout)
            modules[name] = nn.Linear(layer["in_features"], layer["out_features"],
                                      bias=layer["bias"])
        elif kind == "max_pool2d":
            modules[name] = nn.MaxPool2d(layer["kernel_size"], layer["stride"])
        elif kind == "relu":
            modules[name] = nn.ReLU()
        elif kind == "flatten":
            modules[name] = nn.Flatten()
        else:
            raise ValueError(f"unknown layer type {kind!r}")
    return nn.Sequential(modules)


def augment(images, generator, degrees=12.0, shift=0.8, zoom=0.12):
    """Each image turned, shifted and scaled a little, at random."""
    n = images.shape[0]

    def uniform(limit):
        return (torch.rand(n, generator=generator) * 2 - 1) * limit

    angle = uniform(math.radians(degrees))
    scale = 1 + uniform(zoom)
    # grid_sample's coordinates go from -1 to 1, so one pixel is 2/8 wide.
    dx, dy = uniform(shift * 2 / 8), uniform(shift * 2 / 8)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([torch.stack([cos, -sin, dx], 1),
                         torch.stack([sin, cos, dy], 1)], 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


@torch.no_grad()
def evaluate(model, images, labels):
    """(number of right answers, mean cross-entropy)"""
    model.eval()
    logits = model(images)
    right = int((logits.argmax(1) == labels).sum())
    return right, float(F.cross_entropy(logits, labels))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent,
                        help="folder to write to (default: this script's)")
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(args.seed)

    digits = load_digits()
    pixels = digits.images.astype(np.uint8)[:, None]  # [1797, 1, 8, 8], whole numbers 0..16
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, digits.target, test_size=0.2, stratify=digits.target, random_state=0)
    train_pixels, test_pixels = (
        torch.from_numpy(np.ascontiguousarray(x)) for x in (train_x, test_x))
    train_x, test_x = (torch.from_numpy(x).float() / PIXEL_MAX for x in (train_x, test_x))
    train_y, test_y = (torch.from_numpy(y).long() for y in (train_y, test_y))
    print(f"{len(train_x)} training images, {len(test_x)} test images")

    model = build(LAYERS, args.dropout)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    steps = args.epochs * math.ceil(len(train_x) / args.batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr,
                                  weight_decay=args.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=steps,
                                                   pct_start=0.1)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for pick in torch.randperm(len(train_x), generator=generator).split(args.batch):
            logits = model(augment(train_x[pick], generator))
            loss = F.cross_entropy(logits, train_y[pick], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(pick)
        if epoch % 10 == 0:
            print(f"epoch {epoch:4d}  training loss {total / len(train_x):.4f}", flush=True)

    args.out.mkdir(parents=True, exist_ok=True)
    weights = {name: p.detach().to(torch.float16).contiguous()
               for name, p in model.state_dict().items()}
    train = {"images": train_pixels, "labels": train_y.to(torch.uint8)}
    test = {"images": test_pixels, "labels": test_y.to(torch.uint8)}
    for name, tensors in ("model", weights), ("train", train), ("test", test):
        (args.out / f"{name}.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))

    # The score is that of the F16 weights as stored, computed in F32.
    stored = build(LAYERS)
    stored.load_state_dict({name: t.float() for name, t in
                            load_file(args.out / "model.safetensors").items()})
    right, loss = evaluate(stored, test_x, test_y)
    print(f"test: {right} of {len(test_y)} right, {right / len(test_y):.2%}, "
          f"cross-entropy {loss:.4f}")

    config = {
        "model_type": "sequential",
        "task": "image-classification",
        "dtype": "float16",
        "input": {"shape": [1, 8, 8], "layout": "CHW", "scale": 1 / PIXEL_MAX,
                  "comment": "multiply the stored pixels (0 to 16) by scale"},
        "layers": LAYERS,
        "output": {"shape": [10], "kind": "logits"},
        "num_classes": 10,
        "classes": [str(d) for d in range(10)],
        "test": {"file": "test.safetensors", "images": "images", "labels": "labels",
                 "count": len(test_y), "correct": right,
                 "accuracy": round(right / len(test_y), 6),
                 "cross_entropy": round(loss, 6)},
    }
    (args.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
