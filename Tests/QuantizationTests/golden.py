"""Writes the golden files that the tests of Quantization compare with: python3 golden.py

Needs numpy and ml_dtypes. Deterministic: the same versions write the same bytes. Everything is computed from
the definitions in the doc comments of Sources/Quantization (RangeFinder, IntegerFormat, FloatFormat), in the
plainest way, and shares nothing with the Swift or C sources.

Golden/names.txt     the inputs ("input NAME ROWS ROWLENGTH") and the formats ("format NAME"), in order
Golden/inputs.bin    float32, the inputs one after another
Golden/cases.bin     for each input, for each format: uint32 n, n stored bytes, six float64 figures
                     (mse, rmse, nmse, sqnr, max error, cosine)
Golden/floats.bin    uint32 n, n float32, then n codes each: f16 and bf16 (uint16), f8_e4m3 and f8_e5m2 (uint8)
Golden/f8values.bin  256 float32 of f8_e4m3, 256 of f8_e5m2
All little-endian.
"""
import math
import os
import struct

import ml_dtypes
import numpy as np

f32 = np.float32
GREATEST = {
    "f16": f32(65504),
    "bf16": f32(ml_dtypes.finfo(ml_dtypes.bfloat16).max),
    "f32": np.finfo(f32).max,
}
TYPES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": f32}


def inputs():
    rng = np.random.default_rng(20260101)
    normal = lambda *shape: rng.standard_normal(shape).astype(f32)
    yield "gauss", normal(3, 300) * f32(0.02)
    laplace = rng.laplace(size=(2, 512)).astype(f32)
    laplace.flat[::97] *= f32(30)
    yield "laplace", laplace
    yield "constant", np.full((2, 130), 0.37, f32)
    yield "negative", np.full((1, 64), -3, f32)
    outlier = normal(2, 256) * f32(0.01)
    outlier[1, 77] = -100
    yield "outlier", outlier
    yield "alone", np.eye(1, 200, 13, dtype=f32) * f32(5)
    yield "zero", np.zeros((2, 70), f32)
    yield "denormal", normal(2, 96) * f32(1e-41)
    yield "small", normal(2, 96) * f32(1e-6)
    yield "huge", normal(2, 96) * f32(1e30)
    extreme = normal(2, 64)
    extreme[0, 3], extreme[0, 9], extreme[1, 5] = 3.4e38, -3.4e38, 3.4e38
    yield "extreme", extreme
    mixed = normal(3, 160)
    mixed[0, 5], mixed[0, 9], mixed[0, 70] = np.nan, np.inf, -np.inf
    mixed[1, 32:64] = np.nan
    mixed[2, :] = [np.nan, np.inf, -np.inf, -np.nan] * 40
    yield "mixed", mixed
    yield "tiny", normal(5, 7)
    yield "single", np.array([[0.7]], f32)
    yield "positive", rng.uniform(0.5, 1.5, (2, 128)).astype(f32)
    yield "ties", (rng.integers(-14, 15, (2, 64)) / 2).astype(f32)
    spread = 10 ** rng.uniform(-30, 30, (2, 100)) * rng.choice([-1, 1], (2, 100))
    yield "spread", spread.astype(f32)


def formats():
    for granularity in ["tensor", "channel", "g32", "g64", "g128", "g256"]:
        for scheme in ["sym", "affine"]:
            for bits in range(2, 9):
                for calibration in ["minmax", "percentile", "mse", "entropy"]:
                    if calibration == "minmax" or bits in (2, 4, 8):
                        yield bits, scheme, granularity, calibration, "f16"
    for bits, scheme, granularity, calibration in [
        (4, "sym", "g128", "minmax"), (4, "affine", "g32", "minmax"), (8, "sym", "channel", "minmax"),
        (3, "affine", "tensor", "mse"), (4, "sym", "g64", "mse"), (4, "affine", "g64", "percentile=97.5"),
        (5, "sym", "channel", "percentile=90"), (3, "affine", "g128", "entropy"),
    ]:
        for scale in ["bf16", "f32"]:
            yield bits, scheme, granularity, calibration, scale


def name_of(bits, scheme, granularity, calibration, scale):
    parts = [scheme] * (scheme != "sym") + [granularity] * (granularity != "g128")
    parts += [calibration] * (calibration != "minmax") + [scale] * (scale != "f16")
    return ":".join([f"int{bits}"] + parts)


def stored(value, scale):
    value = value + f32(0)  # -0 to 0
    return np.minimum(f32(value), GREATEST[scale]).astype(TYPES[scale]).astype(f32)


def grid(lower, upper, bits, scheme, scale):
    if scheme == "sym":
        return stored(max(-lower, upper) / f32(2 ** (bits - 1) - 1), scale), 0
    top = 2 ** bits - 1
    step = stored((upper - lower) / f32(top), scale)
    zero = int(min(np.rint(-lower / step), f32(top))) if step > 0 else 0
    return step, zero


def codes_of(w, step, zero, bits, scheme):
    low, high = (0, 2 ** bits - 1) if scheme == "affine" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if step == 0:
        return np.zeros(len(w), int)
    q = np.rint(w / step)
    q = np.clip(np.where(np.isnan(w), 0, q), -1000, 1000).astype(int) + zero
    return np.clip(q, low, high)


def decoded(codes, step, zero):
    return (codes - zero).astype(f32) * step


def squared_error(w, lower, upper, bits, scheme, scale):
    step, zero = grid(lower, upper, bits, scheme, scale)
    r = decoded(codes_of(w, step, zero, bits, scheme), step, zero)
    return math.fsum((w.astype(float) - r.astype(float)) ** 2)


def entropy_kept(magnitudes, limit, levels):
    bins = 16 * levels
    place = np.floor(magnitudes.astype(float) * (bins / float(limit))).astype(int)
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(float)
    best, kept = np.inf, bins
    for i in range(bins, levels - 1, -max(1, bins // 128)):
        p, raw = counts[:i].copy(), counts[:i]
        p[-1] += counts[i:].sum()
        level = np.arange(i) * levels // i
        mass = np.bincount(level, raw, levels)
        filled = np.bincount(level, p > 0, levels)
        q = np.where(p > 0, (mass / np.maximum(filled, 1))[level], 0)
        p /= p.sum()
        if raw.sum() > 0:
            q /= raw.sum()
        some = p > 0
        divergence = (p[some] * np.log(p[some] / np.where(q[some] > 0, q[some], 1e-4))).sum()
        if divergence < best - 1e-9:
            best, kept = divergence, i
    return kept, bins


def range_of(w, bits, scheme, calibration, scale):
    w = w[np.isfinite(w)]
    if len(w) == 0:
        return f32(0), f32(0)
    lower, upper = min(w.min(), f32(0)), max(w.max(), f32(0))
    if calibration.startswith("percentile"):
        p = float(calibration.partition("=")[2] or 99.9)
        if scheme == "sym":
            return f32(0), f32(np.percentile(np.abs(w).astype(float), p))
        ends = np.percentile(w.astype(float), [100 - p, p])
        return min(f32(ends[0]), f32(0)), max(f32(ends[1]), f32(0))
    if calibration == "mse":
        best, ends = np.inf, (lower, upper)
        for k in range(100, 20, -1):
            candidate = f32(float(lower) * (k / 100)), f32(float(upper) * (k / 100))
            error = squared_error(w, *candidate, bits, scheme, scale)
            if error < best:
                best, ends = error, candidate
        return ends
    if calibration == "entropy" and max(-lower, upper) > 0:
        limit = max(-lower, upper)
        kept, bins = entropy_kept(np.abs(w), limit, 2 ** (bits - 1))
        if kept < bins:
            threshold = f32(float(limit) * kept / bins)
            return max(lower, -threshold), min(upper, threshold)
    return lower, upper


def packed(codes, bits):
    digits = (np.asarray(codes)[:, None] >> np.arange(bits)) & 1
    return np.packbits(digits.ravel().astype(np.uint8), bitorder="little").tobytes()


def case(w, bits, scheme, granularity, calibration, scale):
    rows, length = w.shape
    group = {"tensor": length, "channel": length}.get(granularity) or int(granularity[1:])
    shared = None
    if granularity == "tensor":
        shared = grid(*range_of(w.ravel(), bits, scheme, calibration, scale), bits, scheme, scale)
    steps, zeros, out, r = [], [], b"", np.empty_like(w)
    for row in range(rows):
        codes = []
        for start in range(0, length, group):
            part = w[row, start:start + group]
            step, zero = shared or grid(
                *range_of(part, bits, scheme, calibration, scale), bits, scheme, scale)
            q = codes_of(part, step, zero, bits, scheme)
            r[row, start:start + group] = decoded(q, step, zero)
            codes += list(q)
            steps.append(step)
            zeros.append(zero)
        out += packed(codes, bits)
    if shared:
        steps, zeros = steps[:1], zeros[:1]
    out += np.array(steps, f32).astype(TYPES[scale]).tobytes()
    if scheme == "affine":
        out += packed(zeros, bits)
    return out, figures(w, r)


def figures(w, r):
    w, r = w.astype(float).ravel(), r.astype(float).ravel()
    w, r = w[np.isfinite(w)], r[np.isfinite(w)]
    error, squares, other = ((w - r) ** 2).sum(), (w ** 2).sum(), (r ** 2).sum()
    mse = error / max(len(w), 1)
    nmse = 0.0 if error == 0 else error / squares
    sqnr = math.inf if nmse == 0 else -10 * math.log10(nmse)
    norms = math.sqrt(squares) * math.sqrt(other)
    cosine = (w * r).sum() / norms if norms > 0 else float(squares == other)
    return mse, math.sqrt(mse), nmse, sqnr, np.abs(w - r).max(initial=0), min(1.0, cosine)


def floats():
    rng = np.random.default_rng(7)
    some = [rng.integers(0, 2 ** 32, 2000, dtype=np.uint32).view(f32)]
    some.append((rng.standard_normal(1000) * 10 ** rng.uniform(-12, 6, 1000)).astype(f32))
    for kind in [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]:
        size = 8 * np.dtype(kind).itemsize
        patterns = np.arange(0, 2 ** size, 1 if size == 8 else 131).astype(f"uint{size}")
        values = patterns.view(kind).astype(f32)
        some.append(values)
        with np.errstate(all="ignore"):
            middle = ((values[:-1].astype(float) + values[1:].astype(float)) / 2).astype(f32)
        some += [middle, np.nextafter(middle, f32(np.inf)), np.nextafter(middle, f32(-np.inf))]
    some.append(np.array([0.0, -0.0, 65504, 65519.996, 65520, 448, 464, 464.0001, 57344, 61440,
                          3.4028235e38, 3.3961775e38, np.inf, -np.inf, np.nan, 1e-45, 2 ** -24,
                          2 ** -25, 2 ** -14, 2 ** -10, 2 ** -17], f32))
    return np.unique(np.concatenate(some).view(np.uint32)).view(f32)


def saturated(values, kind):
    greatest = f32(ml_dtypes.finfo(kind).max)
    return np.clip(values, -greatest, greatest).astype(kind)


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Golden")
    os.makedirs(folder, exist_ok=True)
    np.seterr(all="ignore")
    path = lambda name: os.path.join(folder, name)
    sources, kinds = list(inputs()), list(formats())
    with open(path("names.txt"), "w") as file:
        for name, w in sources:
            print("input", name, *w.shape, file=file)
        for kind in kinds:
            print("format", name_of(*kind), file=file)
    with open(path("inputs.bin"), "wb") as file:
        for _, w in sources:
            file.write(w.astype("<f4").tobytes())
    with open(path("cases.bin"), "wb") as file:
        for _, w in sources:
            for kind in kinds:
                data, numbers = case(w, *kind)
                file.write(struct.pack("<I", len(data)) + data + struct.pack("<6d", *numbers))
    values = floats()
    with open(path("floats.bin"), "wb") as file:
        file.write(struct.pack("<I", len(values)) + values.tobytes())
        file.write(values.astype(np.float16).tobytes() + values.astype(ml_dtypes.bfloat16).tobytes())
        for kind in [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]:
            file.write(saturated(values, kind).tobytes())
    with open(path("f8values.bin"), "wb") as file:
        for kind in [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]:
            file.write(np.arange(256).astype(np.uint8).view(kind).astype(f32).tobytes())


if __name__ == "__main__":
    main()
