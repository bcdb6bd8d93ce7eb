"""Writes Golden/mlx.txt, Golden/mlx.bin: python3 mlx_golden.py

What mlx 0.32 (mx.quantize on the CPU, PyPI: mlx[cpu]) makes of the inputs of formats_golden.py and two more,
rounded to each type of scales first. Needs ml_dtypes, too. The files have the form of formats.txt and formats.bin;
of the stored form MLX gives the codes, the scales and the biases one by one.
"""
import os

import ml_dtypes
import mlx.core as mx
import numpy as np

from formats_golden import f32, inputs

TYPES = {"f16": (mx.float16, mx.uint16), "bf16": (mx.bfloat16, mx.uint16), "f32": (mx.float32, mx.uint32)}
GREATEST = {"f16": f32(65504), "bf16": f32(ml_dtypes.finfo(ml_dtypes.bfloat16).max), "f32": np.finfo(f32).max}


def sources():
    yield from inputs()
    rng = np.random.default_rng(20261125)
    yield "minute", rng.standard_normal((2, 256)).astype(f32) * f32(1e-7)
    yield "even", np.repeat(f32([0.3, -0.3, 0, 7]), 128).reshape(2, 256)


def quantized(w, bits, group, kind):
    kind_of_weights, pattern = TYPES[kind]
    # MLX has no saturation.
    weights = mx.array(np.clip(w, -GREATEST[kind], GREATEST[kind])).astype(kind_of_weights)
    codes, scales, biases = mx.quantize(weights, group_size=group, bits=bits)
    lines = mx.stack([scales.view(pattern), biases.view(pattern)], axis=-1)
    return np.array(codes).tobytes() + np.array(lines).tobytes()


def main():
    mx.set_default_device(mx.cpu)
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Golden")
    lines, data, cases = [], [], []
    for name, w in sources():
        lines.append(f"input {name} {w.shape[0]} {w.shape[1]}")
        data.append(w.astype("<f4").tobytes())
        for bits in [2, 3, 4, 5, 6, 8]:
            for group in [32, 64, 128]:
                for kind in TYPES:
                    stored = quantized(w, bits, group, kind)
                    cases.append((f"case mlx{bits}:g{group}:{kind} {name} bytes {len(stored)}", stored))
    with open(os.path.join(folder, "mlx.txt"), "w") as file:
        print(*lines, *(line for line, _ in cases), sep="\n", file=file)
    with open(os.path.join(folder, "mlx.bin"), "wb") as file:
        file.write(b"".join(data) + b"".join(stored for _, stored in cases))


if __name__ == "__main__":
    main()
