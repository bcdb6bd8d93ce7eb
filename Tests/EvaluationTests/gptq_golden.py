"""Writes Golden/gptq: what GPTQ and AWQ make of a matrix, worked out in the plainest way from the papers: python3 gptq_golden.py

Needs numpy, ml_dtypes and safetensors. Grids are those of Tests/QuantizationTests/golden.py. GPTQ goes column by column
over all columns behind, with the factor by way of the inverse; nothing is shared with the Swift or C sources.

gptq/golden.safetensors: weights [rows x inputs], hessian [inputs x inputs], magnitudes [inputs], and for each format what
comes back of the weights; "awq" has what comes back of scaled weights before ranges are cut, "awq.scales" the scales.
"""
import os
import sys

import numpy as np
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "QuantizationTests"))
from golden import codes_of, decoded, grid, squared_error  # noqa: E402

f32 = np.float32
ROWS, INPUTS = 24, 160
FORMATS = [
    ("int4:g64:gptq", 4, "sym", 64, False), ("int3:affine:g64:gptq", 3, "affine", 64, False),
    ("int3:g32:gptq", 3, "sym", 32, False), ("int2:affine:gptq", 2, "affine", 128, False),
    ("int4:channel:gptq", 4, "sym", INPUTS, False), ("int4:g64:gptq-act", 4, "sym", 64, True),
    ("int3:affine:g32:gptq-act", 3, "affine", 32, True), ("int3:channel:gptq-act", 3, "sym", INPUTS, True),
]


def best_grid(w, bits, scheme):
    """The `mse` calibration: of k / 100 of the range, k from 100 down to 21, the one with the least squared error."""
    lower, upper = min(w.min(), f32(0)), max(w.max(), f32(0))
    cuts = [(f32(lower * f32(f32(k) / f32(100))), f32(upper * f32(f32(k) / f32(100)))) for k in range(100, 20, -1)]
    errors = [squared_error(w, *cut, bits, scheme, "f16") for cut in cuts]
    return grid(*cuts[int(np.argmin(errors))], bits, scheme, "f16")


def rounded(w, step, zero, bits, scheme):
    return decoded(codes_of(w, step, zero, bits, scheme), step, zero)


def plain(weights, bits, scheme, group):
    out = np.zeros_like(weights)
    for row in range(len(weights)):
        for start in range(0, INPUTS, group):
            w = weights[row, start:start + group]
            out[row, start:start + group] = rounded(w, *best_grid(w, bits, scheme), bits, scheme)
    return out


def gptq(weights, hessian, bits, scheme, group, by_order):
    order = np.argsort(-np.diag(hessian), kind="stable") if by_order else np.arange(INPUTS)
    h = hessian.astype(float)[order][:, order]
    dead = np.diag(h) == 0
    h[dead, dead] = 1
    h += 0.01 * np.diag(h).mean() * np.eye(INPUTS)
    upper = np.linalg.cholesky(np.linalg.inv(h)).T
    out = np.zeros_like(weights)
    for row in range(len(weights)):
        static = {g: best_grid(weights[row, g * group:(g + 1) * group], bits, scheme)
                  for g in range(-(-INPUTS // group))}
        w = weights[row, order].astype(float)
        for j in range(INPUTS):
            if by_order:
                found = static[order[j] // group]
            elif j % group == 0:
                found = best_grid(w[j:j + group].astype(f32), bits, scheme)
            q = rounded(w[j:j + 1].astype(f32), *found, bits, scheme)[0]
            out[row, order[j]] = q
            w[j + 1:] -= (w[j] - q) / upper[j, j] * upper[j, j + 1:]
    return out


def awq(weights, hessian, magnitudes, bits, scheme, group):
    best = None
    for step in range(20):
        scales = np.maximum(magnitudes.astype(float) ** (step / 20), 1e-4)
        scales = (scales / np.sqrt(scales.max() * scales.min())).astype(f32)
        out = plain(weights * scales, bits, scheme, group) / scales
        difference = (out - weights).astype(float)
        error = np.einsum("ri,ij,rj->", difference, hessian.astype(float), difference)
        if best is None or error < best[0]:
            best = error, scales, out
    return best[1], best[2]


if __name__ == "__main__":
    rng = np.random.default_rng(20261125)
    # What flows in goes together, much through a few channels, nothing through two.
    mix = rng.standard_normal((40, INPUTS)) * rng.lognormal(0, 1, INPUTS)
    x = rng.standard_normal((600, 40)) @ mix + 0.3 * rng.standard_normal((600, INPUTS))
    x[:, [7, 101]] = 0
    hessian = (x.T @ x / len(x)).astype(f32)
    hessian = (hessian + hessian.T) / f32(2)
    magnitudes = np.abs(x).mean(0).astype(f32)
    weights = (rng.standard_normal((ROWS, INPUTS)) * 0.05).astype(f32)
    tensors = {"weights": weights, "hessian": hessian, "magnitudes": magnitudes}
    for name, bits, scheme, group, by_order in FORMATS:
        tensors[name] = gptq(weights, hessian, bits, scheme, group, by_order)
    tensors["awq.scales"], tensors["awq"] = awq(weights, hessian, magnitudes, 3, "affine", 64)
    os.makedirs(os.path.join(here, "Golden/gptq"), exist_ok=True)
    save_file(tensors, os.path.join(here, "Golden/gptq/golden.safetensors"))
