"""Makes LlamaQuantize/apply.txt: what llama-quantize makes of the sample model by four mixed plans.

    python3 apply_golden.py PATH/TO/llama-quantize

    PLAN  NAME  TYPE  SHA256       of the tensor's bytes, in the order of the file
    PLAN  -     -     SHA256       of the whole file

The last plan has importance: ((7919 i + 104729 t) mod 1000 + 1) / 100 for channel i of the t-th matrix.
Needs the pip package gguf.
"""

import hashlib
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent.parent / "SampleModels/austen/austen-bf16.gguf"
PLANS = {
    "k": "q4_K q5_K q6_K q8_0 iq4_nl mxfp4 q5_0",
    "small": "q2_K q3_K iq4_xs iq3_s f16 f32",
    "legacy": "q4_0 q4_1 q5_1 tq1_0 tq2_0 nvfp4 q1_0 q2_0 bf16",
    "weighted": "q6_K iq1_s iq2_xxs iq2_xs iq3_xxs iq1_m iq2_s iq3_s q4_0 q4_K q2_K q3_K q5_1 iq4_xs",
}


def importance(matrices):
    named = [t for t in matrices if t.name != "token_embd.weight"]
    data = struct.pack("<i", len(named))
    for place, tensor in enumerate(named):
        name = tensor.name.encode()
        numbers = (np.arange(tensor.shape[0], dtype=np.int64) * 7919 + place * 104729) % 1000 + 1
        values = numbers.astype(np.float32) / np.float32(100)
        data += struct.pack("<i", len(name)) + name + struct.pack("<ii", 1, len(values))
        data += values.astype("<f4").tobytes()
    return data


def main():
    program = Path(sys.argv[1]).resolve()
    source = gguf.GGUFReader(MODEL).tensors
    matrices = [t for t in source if len(t.shape) == 2]
    lines = []
    for plan, types in PLANS.items():
        types = types.split()
        with tempfile.TemporaryDirectory() as folder:
            asked = [f"^{t.name.replace('.', chr(92) + '.')}$={types[i % len(types)].lower()}"
                     for i, t in enumerate(matrices)]
            (Path(folder) / "plan.txt").write_text("\n".join(asked) + "\n")
            options = []
            if plan == "weighted":
                (Path(folder) / "importance.dat").write_bytes(importance(matrices))
                options = ["--imatrix", "importance.dat"]
            subprocess.run([program, *options, "--tensor-type-file", "plan.txt", MODEL, "out.gguf", "Q8_0", "2"],
                           cwd=folder, check=True, capture_output=True)
            out = Path(folder) / "out.gguf"
            for tensor in gguf.GGUFReader(out).tensors:
                digest = hashlib.sha256(tensor.data.tobytes()).hexdigest()
                lines.append(f"{plan}\t{tensor.name}\t{tensor.tensor_type.name}\t{digest}")
            lines.append(f"{plan}\t-\t-\t{hashlib.sha256(out.read_bytes()).hexdigest()}")
    (HERE / "LlamaQuantize/apply.txt").write_text("\n".join(lines) + "\n")


main()
