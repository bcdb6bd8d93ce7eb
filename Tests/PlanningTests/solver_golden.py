"""Writes Golden/solver.txt, optima that the solver's tests compare with: python3 solver_golden.py

Needs scipy (HiGHS). Each instance is made from its seed by whole numbers only, the same here and in
GoldenInstance.swift, in the plainest way; nothing is shared with the Swift sources. A line of the file is

    SEED KIND BLOCKS FORMATS LIMIT OBJECTIVE BOUND

LIMIT: the budget in bytes, or the greatest sum of costs where KIND is `reverse`. OBJECTIVE: what HiGHS's
selection comes to, added up in whole numbers. BOUND: below which nothing is, as HiGHS says.
With `--time FILE` reads instances in that form and prints OBJECTIVE, BOUND and seconds for each.
"""
import itertools
import math
import sys
import time

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

# Sixteenths of bits per weight; 0 stands for the source of 16 bits and no error.
BITS = [256, 136, 105, 96, 88, 88, 80, 72, 72, 72, 68, 55, 55, 49, 42, 41, 37, 33, 28, 25, 27, 33, 68, 72,
        130, 114, 98, 82, 66, 50, 34]
POWERS = [1099511627776, 1008256608221, 924575386327, 847839367509, 777472127994, 712945084849, 653773525390,
          599512966123]  # 2^40 x 2^(-k/8)
ROLES = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
ROWS = [4096, 1024, 1024, 4096, 14336, 14336, 4096]
LENGTHS = [4096, 4096, 4096, 4096, 4096, 4096, 14336]
KINDS = ["plain", "odd", "together", "pinned", "uniform", "reverse"]
MASK = (1 << 64) - 1


class Generator:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def below(self, count):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        bits = self.state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
        return (bits ^ (bits >> 31)) % count


def instance(seed, kind, blocks, formats):
    """The groups, each a list of (bytes, cost)."""
    generator = Generator(seed)
    tensors = []
    for index in range(blocks * 7):
        part = index % 7
        length = LENGTHS[part]
        rows = 512 + generator.below(16384) if kind == "odd" else ROWS[part]
        scale = 256 + generator.below(3840)
        options = []
        for bits in BITS[:formats]:
            jitter = 192 + generator.below(128)
            size = rows * length
            cost = POWERS[bits % 8] >> (bits // 8 + 10)
            cost = ((cost * (size // 1024) * jitter >> 8) * scale) >> 12
            options.append((size // 128 * bits, 0 if bits == 256 else cost))
        tensors.append(options)
    groups = {}
    for index, options in enumerate(tensors):
        block, part = divmod(index, 7)
        role = ROLES[part]
        key = ("tensor", index)
        if kind == "together":
            key = ("qkv", block) if part < 3 else ("gate-up", block) if role in ("ffn_gate", "ffn_up") else key
        if kind == "uniform" and role in ("attn_output", "ffn_down"):
            key = role
        kept = set(range(formats))
        if kind == "pinned" and index % 17 == 0:
            kept = {1 + index % (formats - 1)}
        elif kind == "pinned" and role == "ffn_down":
            kept = {f for f in kept if BITS[f] >= 64}
        groups.setdefault(key, []).append((options, kept))
    result = []
    for members in groups.values():
        kept = sorted(set.intersection(*(k for _, k in members)))
        result.append([(sum(o[f][0] for o, _ in members), sum(o[f][1] for o, _ in members)) for f in kept])
    return result


def limit(seed, kind, groups):
    """A budget, or an error, somewhere between the extremes."""
    share = 50 + Generator(seed ^ 0xABCDEF).below(300)
    if kind == "reverse":
        least = sum(min(c for _, c in g) for g in groups)
        most = sum(min(g)[1] for g in groups)
        return least + (most - least) * share // 10000
    least = sum(min(b for b, _ in g) for g in groups)
    most = sum(max(b for b, _ in g) for g in groups)
    return least + (most - least) * share // 1000


def solve(groups, kind, limit, seconds):
    values = [(c, b) if kind == "reverse" else (b, c) for g in groups for b, c in g]
    weights = np.array([v[0] for v in values], float)
    costs = np.array([v[1] for v in values], float)
    classes = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
    rows = csr_array((np.ones(len(values)), (classes, np.arange(len(values)))))
    unit, scale = limit / 1e4, costs.sum() / 1e6
    start = time.perf_counter()
    found = milp(
        costs / scale, integrality=np.ones(len(values)), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(rows, 1, 1), LinearConstraint(weights[None] / unit, -np.inf, limit / unit)],
        options={"mip_rel_gap": 0, "time_limit": seconds})
    seconds = time.perf_counter() - start
    if found.x is None:
        return None, None, seconds
    chosen = np.flatnonzero(found.x > 0.5)
    assert len(chosen) == len(groups)
    weight = sum(values[i][0] for i in chosen)
    cost = sum(values[i][1] for i in chosen)
    bound = math.floor(found.mip_dual_bound * scale)
    return (cost if weight <= limit else None), bound, seconds


def main():
    if sys.argv[1:2] == ["--time"]:
        for line in open(sys.argv[2]):
            seed, kind, blocks, formats, most = line.split()[:5]
            groups = instance(int(seed), kind, int(blocks), int(formats))
            print(*solve(groups, kind, int(most), 60), flush=True)
        return
    with open("Golden/solver.txt", "w") as file:
        written = 0
        for seed in itertools.count(1):
            if written == 50:
                break
            generator = Generator(seed * 1000)
            kind = KINDS[seed % len(KINDS)]
            blocks = 43 + generator.below(60 if seed % 5 else 242)
            formats = 10 + generator.below(22)
            groups = instance(seed, kind, blocks, formats)
            most = limit(seed, kind, groups)
            cost, bound, seconds = solve(groups, kind, most, 40)
            print(seed, kind, blocks * 7, formats, cost, bound, f"{seconds:.2f} s", flush=True)
            if cost is None:
                print("  left out: the selection exceeds its limit by rounding", flush=True)
                continue
            file.write(f"{seed} {kind} {blocks} {formats} {most} {cost} {bound}\n")
            file.flush()
            written += 1


main()
