"""Makes Golden/ggml and ../MeasurementTests/Quantized, what the tests of ggml's block types compare with.

    python3 ggml_golden.py REFERENCE MIXED.gguf

REFERENCE: a folder with golden.json and its files: ggml 0.25.3, x86-64 baseline build, ggml_quantize_chunk of 8
rows of 1,024 weights, with and without importance. MIXED.gguf: a model that llama-quantize wrote in many types.
Also needed: numpy, gguf (0.19.0) and xllamacpp (2026.10), whose library exports ggml's functions.

Golden/ggml (all little-endian; names.txt has a line for each item, in the order of the files):
  inputs.bin   "input NAME": 8,192 float32
  importance.bin  1,024 float32: that of each column
  encoded.bin  "encoded TYPE INPUT RMSE MAXERROR": the bytes of that input in that type; nan: no figure
               "weighted TYPE INPUT RMSE MAXERROR": the same with importance
  decoded.bin  "decoded TYPE BLOCKS": random blocks, then what dequantize_row_TYPE makes of them, in float32
Quantized: mixed.gguf, the first rows of MIXED.gguf's block-type tensors; expected.f32, gguf-py's decoding of them,
one tensor after another in the order of the file.
"""

import ctypes, json, math, pathlib, sys
import gguf, numpy as np, xllamacpp

reference = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).parent
out = here / "Golden" / "ggml"
quantized = here.parent / "MeasurementTests" / "Quantized"
out.mkdir(exist_ok=True)
quantized.mkdir(exist_ok=True)
library = ctypes.CDLL(xllamacpp.__path__[0] + "/xllamacpp.abi3.so")
meta = json.loads((reference / "golden.json").read_text())
rng = np.random.default_rng(20261123)
COUNT, ROW = 8192, 1024

types = [t for t in meta["types"] if t["type"] not in ("f16", "bf16")]
for t in types:
    t["name"] = t["type"][:-1] + "K" if t["type"].endswith("_k") else t["type"]
# Types whose search for a point of a grid may abort on weights that aren't finite.
grids = "iq1_s iq1_m iq2_xxs iq2_xs iq2_s iq3_xxs iq3_s".split()
k_types = "2_K 3_K 4_K 5_K 6_K q4_xs".split()
importance = np.fromfile(reference / meta["imatrix"]["file"], np.float32)


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def quantize(t, weights, importance=None):
    blocks = np.empty(COUNT // t["block_size"] * t["type_size"], np.uint8)
    rows = ctypes.c_int64(COUNT // ROW)
    library.ggml_quantize_chunk(
        t["id"], pointer(weights), pointer(blocks), ctypes.c_int64(0), rows, ctypes.c_int64(ROW),
        None if importance is None else pointer(importance))
    return blocks


def figure(value):
    return "nan" if value is None else repr(value)


names, inputs, encoded, decoded = [], [], [], []
for i in meta["inputs"]:
    names.append(f"input {i['name']}")
    inputs.append(np.fromfile(reference / i["file"], np.float32))

# Beyond the reference's inputs: any bits at all, zeros of both signs, and weights of few values (ties).
zeros = rng.integers(0, 2, COUNT).astype(np.float32) * np.float32(0.25)
zeros[rng.random(COUNT) < 0.5] = -0.0
zeros.reshape(-1, 256)[::7] = -0.0
coarse = rng.integers(-4, 5, COUNT) * np.repeat(2.0 ** rng.integers(-20, 20, COUNT // 16), 16)
own = {
    "any_bits": rng.integers(0, 1 << 32, COUNT, dtype=np.uint32).view(np.float32),
    "signed_zeros": zeros,
    "coarse": coarse.astype(np.float32),
}
for name, weights in own.items():
    names.append(f"input {name}")
    inputs.append(weights)

for t in types:
    for e in meta["entries"]:
        if e["type"] != t["type"] or e.get("aborts") or not e.get("file"):
            continue
        kind = "weighted" if e["imatrix"] else "encoded"
        names.append(f"{kind} {t['name']} {e['input']} {figure(e['rmse'])} {figure(e['max_abs'])}")
        encoded.append((reference / e["file"]).read_bytes())
    if t["name"] not in grids:
        for name, weights in own.items():
            for kind, values in ("encoded", None), ("weighted", importance):
                # What NaN comes to there differs between compilers of the reference.
                if name == "any_bits" and (values is not None or t["name"][1:] in k_types):
                    continue
                names.append(f"{kind} {t['name']} {name} nan nan")
                encoded.append(quantize(t, weights, values).tobytes())
    blocks = max(8, 2048 // t["block_size"])
    random = rng.integers(0, 256, blocks * t["type_size"], dtype=np.uint8)
    values = np.empty(blocks * t["block_size"], np.float32)
    getattr(library, "dequantize_row_" + t["name"])(
        pointer(random), pointer(values), ctypes.c_int64(values.size))
    names.append(f"decoded {t['name']} {blocks}")
    decoded += [random.tobytes(), values.tobytes()]

(out / "names.txt").write_text("\n".join(names) + "\n")
(out / "inputs.bin").write_bytes(np.concatenate(inputs).tobytes())
(out / "importance.bin").write_bytes(importance.tobytes())
(out / "encoded.bin").write_bytes(b"".join(encoded))
(out / "decoded.bin").write_bytes(b"".join(decoded))

writer = gguf.GGUFWriter(quantized / "mixed.gguf", "llama")
expected = []
for tensor in gguf.GGUFReader(sys.argv[2]).tensors:
    if gguf.GGML_QUANT_SIZES[tensor.tensor_type][0] == 1:
        continue
    rows = tensor.data[:6]
    writer.add_tensor(tensor.name, rows, raw_dtype=tensor.tensor_type)
    expected.append(gguf.dequantize(rows, tensor.tensor_type).astype(np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
(quantized / "expected.f32").write_bytes(b"".join(e.tobytes() for e in expected))
