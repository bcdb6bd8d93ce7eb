"""Makes LlamaQuantize/*.txt, which LlamaQuantizeTests holds LlamaQuantizeRules to.

    python3 llama_quantize.py PATH/TO/llama-quantize [PART...]

Small GGUFs are quantized with --tensor-type-file; what is written and what stops it are read from
the log.

    fits.txt     TYPE  ROW_LENGTH  WRITTEN|stops    with importance for the tensor, blk.0.attn_q.weight
    names.txt    NAME  SHAPE  WRITTEN               asked for q4_0, or kept as it is: f32
    needs.txt    TYPE  NAME  IMPORTANCE  WRITTEN|stops: WHY
                 IMPORTANCE: none (no file), other (a file without the tensor), own, short (another size)
    sample.txt   TYPE  NAME  WRITTEN  BYTES         the sample model, all tensors asked for the type

Needs the pip package gguf and numpy.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np

TYPES = """
q4_0 q4_1 q5_0 q5_1 q8_0 q2_K q3_K q4_K q5_K q6_K iq1_s iq1_m iq2_xxs iq2_xs iq2_s iq3_xxs iq3_s iq4_nl iq4_xs
tq1_0 tq2_0 mxfp4 nvfp4 q1_0 q2_0 f32 f16 bf16
""".split()
LENGTHS = [1, 16, 32, 64, 96, 100, 128, 160, 192, 256, 288, 320, 384, 448, 512, 576, 640, 1000, 1024]
NAMES = """
blk.0.attn_q.weight 8x64
blk.0.attn_q.bias 8x64
blk.0.attn_q 8x64
blk.0.attn_rot_embd 8x64
weight 8x64
rope_freqs.weight 64
blk.0.attn_sinks.weight 64
blk.0.attn_sinks.weight 1x64
blk.0.odd.weight 1x1x64
blk.0.odd.weight 64x1
blk.0.odd.weight 2x1x64
blk.0.attn_norm.weight 8x64
blk.0.attn_q_norm.weight 8x64
blk.0.norm.weight 8x64
output_norm.weight 64
token_embd.weight 8x64
token_embd_norm.weight 64
per_layer_token_embd.weight 8x64
per_layer_model_proj.weight 8x64
per_layer_proj_norm.weight 64
output.weight 8x64
cls.weight 8x64
cls.output.weight 8x64
position_embd.weight 8x64
token_types.weight 8x64
v.position_embd.weight 8x64
blk.0.ffn_gate_inp.weight 4x64
blk.0.ffn_gate_inp_shexp.weight 4x64
blk.0.ffn_gate_tid2eid.weight 4x64
blk.0.ffn_gate_exps.weight 3x8x64
blk.0.ffn_up_shexp.weight 8x64
blk.0.exp_probs_b.bias 64
blk.0.altup_router.weight 4x64
blk.0.altup_predict_coef.weight 16x64
altup_proj.weight 3x8x64
altup_unembd_proj.weight 3x8x64
blk.0.laurel_l.weight 8x64
blk.0.laurel_r.weight 8x64
blk.0.inp_gate.weight 8x64
blk.0.proj.weight 8x64
blk.0.ssm_conv1d.weight 8x64
blk.0.ssm_conv1d_q.weight 8x64
blk.0.ssm_in.weight 8x64
blk.0.ssm_a 8x64
blk.0.ssm_x.weight 8x64
blk.0.shortconv.conv.weight 8x64
blk.0.shortconv.in_proj.weight 8x64
blk.0.indexer.k_proj.weight 8x64
blk.0.indexer.q_proj.weight 8x64
blk.0.indexer.attn_k.weight 8x64
blk.0.time_mix_first.weight 8x64
blk.0.time_mix_w0.weight 8x64
blk.0.time_mix_w1.weight 8x64
blk.0.time_mix_w2.weight 8x64
blk.0.time_mix_v0.weight 8x64
blk.0.time_mix_v1.weight 8x64
blk.0.time_mix_v2.weight 8x64
blk.0.time_mix_a0.weight 8x64
blk.0.time_mix_a1.weight 8x64
blk.0.time_mix_a2.weight 8x64
blk.0.time_mix_g1.weight 8x64
blk.0.time_mix_g2.weight 8x64
blk.0.time_mix_decay_w1.weight 8x64
blk.0.time_mix_decay_w2.weight 8x64
blk.0.time_mix_lerp_fused.weight 8x64
blk.0.time_mix_key.weight 8x64
enc.blk.0.attn_rel_b.weight 8x64
dec.blk.0.cross_attn_rel_b.weight 8x64
v.sam.pos_embd.weight 8x64
v.sam.neck.0.weight 8x64
v.sam.net_2.weight 8x64
v.blk.0.rel_pos.weight 8x64
v.patch_embd.weight 8x64
mm.patch_merger.weight 8x64
a.rvq.codebook.weight 8x64
mm.a.code_embd.weight 8x64
v.blk.0.attn_q.weight 8x64
blk.0.four.weight 2x2x8x64
""".split("\n")


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)

    def write_model(self, tensors):
        writer = gguf.GGUFWriter(self.folder / "in.gguf", "llama")
        for add in (writer.add_context_length, writer.add_embedding_length, writer.add_feed_forward_length):
            add(64)
        for add in (writer.add_block_count, writer.add_head_count, writer.add_head_count_kv):
            add(1)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_vocab_size(8)
        numbers = np.random.default_rng(1)
        for name, shape in tensors:
            writer.add_tensor(name, numbers.standard_normal(shape).astype(np.float32))
        self.finish(writer)

    def write_importance(self, entries):
        writer = gguf.GGUFWriter(self.folder / "imatrix.gguf", "imatrix")
        writer.add_type("imatrix")
        writer.add_array("imatrix.datasets", ["x"])
        writer.add_uint32("imatrix.chunk_count", 1)
        writer.add_uint32("imatrix.chunk_size", 512)
        for name, length in entries:
            writer.add_tensor(name + ".in_sum2", np.ones((1, length), np.float32))
            writer.add_tensor(name + ".counts", np.ones((1, 1), np.float32))
        self.finish(writer)

    @staticmethod
    def finish(writer):
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def run(self, kind, importance=False):
        (self.folder / "plan.txt").write_text(f".*={kind}\n")
        command = [self.program]
        if importance:
            command += ["--imatrix", str(self.folder / "imatrix.gguf")]
        # The base type is another than what is asked for, so that what the plan doesn't reach shows.
        base = "Q8_0" if kind != "q8_0" else "Q4_0"
        command += ["--tensor-type-file", "plan.txt", "in.gguf", "out.gguf", base, "1"]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, errors="replace",
            env={**os.environ, "GGML_NO_BACKTRACE": "1"})
        return done.returncode, done.stdout + done.stderr


def result(code, log, name):
    if code != 0:
        for words, why in [
            ("imatrix != NULL", "crash without importance"),
            ("no tensor type fallback is defined", "no fallback"),
            ("this quantization requires an imatrix", "needs an imatrix"),
            ("Missing importance matrix for tensor", "needs its entry"),
            ("is different from tensor size", "size of its entry"),
            ("== new_size", "crash of four dimensions"),
        ]:
            if words in log:
                return "stops: " + why
        return "stops: ? " + log[-300:].replace("\n", " ")
    # What is said of missing importance may stand between the tensor and its type.
    rest = log[log.index(f"] {name} "):]
    if "converting to " in rest:
        return rest.split("converting to ")[1].split(" ")[0]
    return rest.split("type = ")[1].split(",")[0].strip()


def fits(bench):
    for length in LENGTHS:
        name = "blk.0.attn_q.weight"
        bench.write_model([(name, (4, length))])
        bench.write_importance([(name, length)])
        for kind in TYPES:
            yield f"{kind}\t{length}\t{result(*bench.run(kind, importance=True), name)}"


def names(bench):
    for line in filter(None, NAMES):
        name, shape = line.split()
        bench.write_model([(name, tuple(map(int, shape.split("x"))))])
        yield f"{name}\t{shape}\t{result(*bench.run('q4_0'), name)}"


def needs(bench):
    for name in ["blk.0.attn_q.weight", "token_embd.weight", "per_layer_token_embd.weight", "output.weight",
                 "blk.0.attn_output.weight"]:
        bench.write_model([(name, (4, 256))])
        for importance, entries in {
            "none": None, "other": [("blk.9.x.weight", 256)], "own": [(name, 256)], "short": [(name, 128)],
        }.items():
            if entries:
                bench.write_importance(entries)
            for kind in TYPES:
                yield f"{kind}\t{name}\t{importance}\t{result(*bench.run(kind, bool(entries)), name)}"


def sample(bench):
    source = Path(__file__).parents[2] / "SampleModels/austen/austen-bf16.gguf"
    (bench.folder / "in.gguf").write_bytes(source.read_bytes())
    for kind in ["q4_K", "q6_K", "iq4_xs", "q8_0", "mxfp4", "f16"]:
        code, log = bench.run(kind)
        assert code == 0, log[-500:]
        for tensor in gguf.GGUFReader(bench.folder / "out.gguf").tensors:
            name = tensor.tensor_type.name
            name = name if name.endswith("_K") else name.lower()
            name = "q" + name[1:] if name.endswith("_K") else name
            yield f"{kind}\t{tensor.name}\t{name}\t{tensor.n_bytes}"


def main():
    here = Path(__file__).parent / "LlamaQuantize"
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(str(Path(sys.argv[1]).resolve()), folder)
        for part in (fits, names, needs, sample):
            if sys.argv[2:] and part.__name__ not in sys.argv[2:]:
                continue
            (here / f"{part.__name__}.txt").write_text("\n".join(part(bench)) + "\n")


main()
