"""Writes Golden/formats.txt, Golden/formats.bin: python3 formats_golden.py

What other programs make of the same weights, for the formats of Sources/Quantization that other programs define:
  nf4, fp4        bitsandbytes 0.50 (quantize_4bit on the CPU)
  mxfp8 ... ocp   torchao 0.18 (to_mx, ScaleCalculationMode.FLOOR) where it has the elements, and everywhere the
                  specification's rules with the casts of ml_dtypes; the two must agree
  nvfp4:tensor    compressed-tensors 0.20's arithmetic, its functions transcribed (importing them takes the whole
                  of transformers)
  ...:hqq         hqq 0.2.8 (optimize_weights_proximal_v2, one group at a time)
  palB            kmeans1d as coremltools 9.0 ships it
Needs torch and these packages; coremltools/_deps must be on the path for kmeans1d. The files are what the tests
need: this isn't run by them.

formats.txt  "input NAME ROWS ROWLENGTH", then "case FORMAT INPUT KIND COUNT", in order
formats.bin  for each input: float32; for each case: COUNT bytes (the stored form), or float32 if KIND is
             "levels" (the means of the clusters)
All little-endian.
"""
import os

import ml_dtypes
import numpy as np

f32 = np.float32


def inputs():
    rng = np.random.default_rng(20260202)
    normal = lambda *shape: rng.standard_normal(shape).astype(f32)
    yield "gauss", normal(4, 256) * f32(0.02)
    yield "bfloat", (normal(4, 256) * f32(0.05)).astype(ml_dtypes.bfloat16).astype(f32)
    laplace = rng.laplace(size=(2, 512)).astype(f32)
    laplace.flat[::97] *= f32(30)
    yield "laplace", laplace
    yield "wide", (10 ** rng.uniform(-8, 8, (2, 256)) * rng.choice([-1, 1], (2, 256))).astype(f32)
    steps = (rng.integers(-64, 65, (2, 256)) / 16).astype(f32)
    steps[0, :64] = 0
    yield "steps", steps
    yield "shifted", rng.uniform(0.5, 1.5, (2, 256)).astype(f32)


def bitsandbytes_bytes(w, kind):
    import torch
    from bitsandbytes.functional import quantize_4bit
    codes, state = quantize_4bit(torch.from_numpy(w), blocksize=64, quant_type=kind)
    return codes.numpy().tobytes() + state.absmax.numpy().astype("<f4").tobytes()


def pack(codes, bits):
    fields = (codes.reshape(-1, 1) >> np.arange(bits)) & 1
    return np.packbits(fields.astype(np.uint8).ravel(), bitorder="little").tobytes()


ELEMENTS = {
    "mxfp8": (ml_dtypes.float8_e4m3fn, 8, 8), "mxfp8:e5m2": (ml_dtypes.float8_e5m2, 8, 15),
    "mxfp6": (ml_dtypes.float6_e2m3fn, 6, 2), "mxfp6:e3m2": (ml_dtypes.float6_e3m2fn, 6, 4),
    "mxfp4:ocp": (ml_dtypes.float4_e2m1fn, 4, 2),
}


def cast(values, kind):
    greatest = f32(ml_dtypes.finfo(kind).max)
    return np.clip(values, -greatest, greatest).astype(kind)


def microscaling_bytes(w, name):
    kind, bits, emax = ELEMENTS[name]
    blocks = w.reshape(-1, 32).astype(np.float64)
    peak = np.abs(blocks).max(axis=1, keepdims=True)
    exponent = np.where(peak > 0, np.frexp(peak)[1] - 1 - emax, -127)
    exponent = np.clip(exponent, -127, 127)
    codes = cast((blocks / 2.0 ** exponent).astype(f32), kind).view(np.uint8)
    scales = (exponent + 127).astype(np.uint8)
    check_torchao(w, name, codes, scales)
    return pack(codes, bits) + scales.tobytes()


def check_torchao(w, name, codes, scales):
    import torch
    from torchao.prototype.mx_formats.mx_tensor import ScaleCalculationMode, to_mx
    kinds = {
        "mxfp8": torch.float8_e4m3fn, "mxfp8:e5m2": torch.float8_e5m2, "mxfp4:ocp": torch.float4_e2m1fn_x2,
    }
    if name not in kinds:
        return
    scale, data = to_mx(torch.from_numpy(w), kinds[name], 32, ScaleCalculationMode.FLOOR)
    data = data.view(torch.uint8).numpy().ravel()
    if name == "mxfp4:ocp":
        data = np.stack([data & 15, data >> 4], axis=1).ravel()
    assert (scale.view(torch.uint8).numpy().ravel() == scales.ravel()).all(), name
    assert (data == codes.ravel()).all(), name


def nvfp4_bytes(w):
    """generate_gparam, calculate_qparams and _quantize of compressed-tensors for NVFP4A16."""
    tiny, e4m3 = np.finfo(f32).tiny, ml_dtypes.float8_e4m3fn
    tensor = f32(1) / np.maximum(np.abs(w).max(), tiny) * f32(448 * 6)  # as torch divides a number by a tensor
    groups = w.reshape(-1, 16)
    scales = cast(tensor * (np.abs(groups).max(axis=1) / f32(6)), e4m3)
    scales = np.where(scales.astype(f32) == 0, e4m3(0.125), scales).astype(e4m3)
    codes = cast(groups / (scales.astype(f32) / tensor)[:, None], ml_dtypes.float4_e2m1fn).view(np.uint8)
    return pack(codes, 4) + scales.tobytes() + f32(tensor).tobytes()


def half(value):
    return np.clip(value, f32(-65504), f32(65504)).astype(np.float16).astype(f32)


def hqq_bytes(w, bits, group):
    import torch
    from hqq.core.optimize import optimize_weights_proximal_v2
    top, codes, scales, zeros = 2 ** bits - 1, [], [], []
    for g in w.reshape(-1, group):
        extent = g.max() - g.min()
        inverse = min(f32(top) / extent, f32(2e4)) if extent > f32(1e-4) else f32(1)
        scale = half(f32(1) / inverse)
        inverse = f32(1) / scale
        tensor = lambda value: torch.tensor([[value]], dtype=torch.float32)
        _, _, zero = optimize_weights_proximal_v2(
            torch.from_numpy(g[None, :].copy()), tensor(inverse), tensor(-g.min() * inverse), [0, top], axis=1)
        zero = half(zero.numpy().ravel()[0])
        codes.append(np.clip(np.rint(g * inverse + zero), 0, top).astype(np.uint8))
        scales.append(scale)
        zeros.append(zero)
    halves = lambda values: np.array(values, np.float16).tobytes()
    return pack(np.concatenate(codes), bits) + halves(scales) + halves(zeros)


def cluster_means(w, bits):
    import kmeans1d
    found = kmeans1d.cluster(w.ravel().astype(float).tolist(), 2 ** bits)
    return np.array(found.centroids, "<f4").tobytes()


def cases(name, w):
    for kind in ["nf4", "fp4"]:
        yield kind, "bytes", bitsandbytes_bytes(w, kind)
    for kind in ELEMENTS:
        yield kind, "bytes", microscaling_bytes(w, kind)
    yield "nvfp4:tensor", "bytes", nvfp4_bytes(w)
    # hqq fails where the mean error is over 10^4 from the start.
    for bits, group in [] if name == "wide" else [(2, 64), (3, 64), (4, 64), (4, 256), (8, 64)]:
        yield f"int{bits}:affine:g{group}:hqq", "bytes", hqq_bytes(w, bits, group)
    for bits in [2, 3, 4, 6, 8]:
        yield f"pal{bits}", "levels", cluster_means(w, bits)


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Golden")
    np.seterr(all="ignore")
    sources = list(inputs())
    lines, data = [], []
    for name, w in sources:
        lines.append(f"input {name} {w.shape[0]} {w.shape[1]}")
        data.append(w.astype("<f4").tobytes())
    for name, w in sources:
        for kind, what, stored in cases(name, w):
            lines.append(f"case {kind} {name} {what} {len(stored)}")
            data.append(stored)
    with open(os.path.join(folder, "formats.txt"), "w") as file:
        print(*lines, sep="\n", file=file)
    with open(os.path.join(folder, "formats.bin"), "wb") as file:
        file.write(b"".join(data))


if __name__ == "__main__":
    main()
