#!/usr/bin/env python3
"""Train a small llama-architecture language model on Jane Austen's six novels.

The text comes from the Debian package r-cran-janeaustenr. Name the downloaded
package with --deb, or install it; otherwise the script runs
`apt-get download r-cran-janeaustenr` itself.

Of every novel the last chapters (at least 4 % of it) are held out, and one
chapter in the middle is kept for validation: the checkpoint with the lowest
validation loss is the one that is stored. The held-out text is neither trained
on nor used for any choice; it is scored once, at the end (see score.py).

Writes into --out:
  model.safetensors      the weights, BF16, under transformers' names
  config.json            a LlamaConfig; generation_config.json beside it
  tokenizer.json         byte-level BPE; tokenizer_config.json beside it
  heldout.txt            the held-out text
  train.txt              the training text
"""

import argparse
import gzip
import hashlib
import json
import math
import re
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

import rdata
import torch
import torch.nn.functional as F
from safetensors.torch import save
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

EOT = "<|endoftext|>"
INSTALLED = Path("/usr/lib/R/site-library/janeaustenr/data")
NOVELS = ["sensesensibility", "prideprejudice", "mansfieldpark",
          "emma", "northangerabbey", "persuasion"]  # in the order of publication
HELD_OUT_SHARE = 0.04

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 2048,
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "hidden_act": "silu",
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "attention_dropout": 0.0,
    "initializer_range": 0.02,
    "use_cache": True,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "torch_dtype": "bfloat16",
}


# ---------------------------------------------------------------- the text

def unpack_r(data):
    """The Python value of a serialized R object."""
    return rdata.conversion.convert(
        rdata.parser.parse_data(data, extension=".rds"))


def read_novels(folder):
    """{name: text} from an R package's lazy-load database (Rdata.rdx, Rdata.rdb)."""
    index = unpack_r(gzip.decompress((folder / "Rdata.rdx").read_bytes()))
    base = (folder / "Rdata.rdb").read_bytes()
    novels = {}
    for name, (offset, length) in index["variables"].items():
        # Each entry: its unpacked length in four bytes, then a zlib stream.
        packed = base[int(offset) + 4:int(offset) + int(length)]
        novels[str(name)] = "\n".join(str(s) for s in unpack_r(zlib.decompress(packed)))
    return novels


def find_novels(deb):
    """The novels from the package file, or installed, or downloaded with apt-get."""
    if deb is None and (INSTALLED / "Rdata.rdb").exists():
        return read_novels(INSTALLED)
    with tempfile.TemporaryDirectory() as scratch:
        if deb is None:
            subprocess.run(["apt-get", "download", "r-cran-janeaustenr"],
                           cwd=scratch, check=True)
            deb = next(Path(scratch).glob("r-cran-janeaustenr_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(deb), scratch + "/files"], check=True)
        return read_novels(Path(scratch + "/files" + str(INSTALLED)))


def chapters(novel):
    """A novel's chapters, cleaned: one line to a paragraph, a blank line between
    paragraphs; without title pages, headings, editors' notes and underlines."""
    novel = re.sub(r"\[(At this point in the|End volume)[^\]]*\]", "", novel)
    novel = re.split(r"\n\s*A NOTE ON THE TEXT\s*\n", novel)[0]
    parts = re.split(r"(?mi)^[ \t]*CHAPTER (?:[IVXLC]+|[0-9]+)[ \t]*$", novel)
    cleaned = []
    for part in parts[1:]:  # parts[0] is the title page
        part = re.sub(r"(?m)^[ \t]*(VOLUME [IVX]+|FINIS|Finis|THE END)[ \t]*$", "", part)
        paragraphs = []
        for paragraph in re.split(r"\n\s*\n", part):
            line = " ".join(paragraph.replace("_", "").split())
            if line.strip("* "):
                paragraphs.append(line)
        cleaned.append("\n\n".join(paragraphs) + "\n")
    return cleaned


def split_text(novels):
    """(training, validation, held-out) chapters."""
    train, valid, held = [], [], []
    for name in NOVELS:
        parts = chapters(novels[name])
        wanted = HELD_OUT_SHARE * sum(map(len, parts))
        last = []
        while sum(map(len, last)) < wanted:
            last.insert(0, parts.pop())
        valid.append(parts.pop(len(parts) // 2))
        train += parts
        held += last
    return train, valid, held


def train_tokenizer(texts):
    """Byte-level BPE with GPT-2's pre-tokenization; token 0 parts the documents."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=CONFIG["vocab_size"], special_tokens=[EOT], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


# ---------------------------------------------------------------- the model

class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        x = x.float()
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


def rope(x, cos, sin):
    """Rotary embedding; the two halves of a head are the pairs' two parts."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
        self.head_dim = c["head_dim"]
        hidden = c["hidden_size"]
        self.q_proj = nn.Linear(hidden, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, hidden, bias=False)

    def forward(self, x, cos, sin):
        n, length, _ = x.shape
        q = self.q_proj(x).view(n, length, self.heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(n, length, self.kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(n, length, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = rope(q, cos, sin).to(v.dtype), rope(k, cos, sin).to(v.dtype)
        # Each key and value head serves a run of query heads.
        k, v = (t.repeat_interleave(self.heads // self.kv_heads, dim=1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(n, length, -1))


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        hidden, inner = c["hidden_size"], c["intermediate_size"]
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c, dropout):
        super().__init__()
        self.self_attn = Attention(c)
        self.mlp = MLP(c)
        self.input_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.post_attention_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, cos, sin):
        x = x + self.dropout(self.self_attn(self.input_layernorm(x), cos, sin))
        return x + self.dropout(self.mlp(self.post_attention_layernorm(x)))


class Llama(nn.Module):
    """The llama architecture with tied embeddings; the parameters' names are
    those of transformers' LlamaForCausalLM. Dropout is for the training only."""

    def __init__(self, c, dropout=0.0):
        super().__init__()
        self.config = c
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList(
            Layer(c, dropout) for _ in range(c["num_hidden_layers"]))
        self.model.norm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.dropout = nn.Dropout(dropout)
        half = torch.arange(0, c["head_dim"], 2).float() / c["head_dim"]
        angles = torch.outer(torch.arange(c["max_position_embeddings"]).float(),
                             c["rope_theta"] ** -half)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        deep = c["initializer_range"] / math.sqrt(2 * c["num_hidden_layers"])
        for name, p in self.named_parameters():
            if p.dim() == 2:
                std = deep if name.endswith(("o_proj.weight", "down_proj.weight")) \
                    else c["initializer_range"]
                nn.init.normal_(p, std=std)

    def forward(self, tokens):
        cos, sin = self.cos[:tokens.shape[1]], self.sin[:tokens.shape[1]]
        x = self.dropout(self.model.embed_tokens(tokens))
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


# ---------------------------------------------------------------- the training

def windows(stream, context, generator):
    """One epoch: the stream cut at a random phase into windows, in random order."""
    phase = int(torch.randint(context, (1,), generator=generator))
    count = (len(stream) - 1 - phase) // context
    for i in torch.randperm(count, generator=generator).tolist():
        start = phase + i * context
        yield stream[start:start + context + 1]


def batches(stream, context, batch, generator):
    """Batches without end; yields (epoch, tokens [batch, context + 1])."""
    epoch, held = 0, []
    while True:
        for window in windows(stream, context, generator):
            held.append(window)
            if len(held) == batch:
                yield epoch, torch.stack(held)
                held = []
        epoch += 1


def loss_of(model, tokens):
    logits = model(tokens[:, :-1]).float()
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


@torch.no_grad()
def validate(model, stream, context, batch):
    model.eval()
    count = (len(stream) - 1) // context
    tokens = torch.stack([stream[i * context:(i + 1) * context + 1] for i in range(count)])
    total = 0.0
    for part in tokens.split(batch):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            total += float(loss_of(model, part)) * len(part)
    model.train()
    return total / count


def write_model(model, out):
    weights = {name: p.detach().to(torch.bfloat16).contiguous()
               for name, p in model.named_parameters()}
    (out / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deb", type=Path, help="the downloaded r-cran-janeaustenr_*.deb")
    parser.add_argument("--out", type=Path, default=here,
                        help="folder to write to (default: this script's)")
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--batch", type=int, default=16, help="windows in a step")
    parser.add_argument("--context", type=int, default=256, help="tokens in a window")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--warmup", type=int, default=150, help="steps")
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--validate-every", type=int, default=200, help="steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true",
                        help="train through torch.compile, which needs a C++ compiler: "
                             "about a sixth faster")
    parser.add_argument("--text-only", action="store_true",
                        help="write the tokenizer and the texts (also train.txt and "
                             "valid.txt), and stop")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)

    texts = dict(zip(("train", "valid", "heldout"), split_text(find_novels(args.deb))))
    for name, parts in texts.items():
        joined = "\n".join(parts).encode()
        print(f"{name}: {len(parts)} chapters, {len(joined):,} bytes, "
              f"sha256 {hashlib.sha256(joined).hexdigest()}")
        if name != "valid" or args.text_only:
            (args.out / (name + ".txt")).write_bytes(joined)

    tokenizer = train_tokenizer(texts["train"])
    tokenizer.save(str(args.out / "tokenizer.json"))
    for name, content in {
        "config.json": CONFIG,
        "generation_config.json": {
            "bos_token_id": 0, "eos_token_id": 0, "do_sample": True,
            "temperature": 0.8, "top_k": 40, "max_length": CONFIG["max_position_embeddings"]},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": EOT,
            "eos_token": EOT, "add_bos_token": False, "add_eos_token": False,
            "add_prefix_space": False, "clean_up_tokenization_spaces": False,
            "model_max_length": CONFIG["max_position_embeddings"]},
    }.items():
        (args.out / name).write_text(json.dumps(content, indent=2) + "\n")
    streams = {}
    for name, parts in texts.items():
        ids = []
        for encoding in tokenizer.encode_batch(parts):
            ids += [tokenizer.token_to_id(EOT)] + encoding.ids
        streams[name] = torch.tensor(ids)
        print(f"{name}: {len(ids):,} tokens")
    if args.text_only:
        return

    model = Llama(CONFIG, args.dropout)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.weight_decay},
         {"params": norms, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.95), fused=True)

    def rate(step):  # linear warm-up, then a cosine down to 1 %
        if step < args.warmup:
            return (step + 1) / args.warmup
        done = (step - args.warmup) / max(1, args.steps - args.warmup)
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    trained = torch.compile(model) if args.compile else model
    best, recent, started = math.inf, 0.0, time.time()
    feed = batches(streams["train"], args.context, args.batch, generator)
    for step in range(1, args.steps + 1):
        epoch, tokens = next(feed)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(trained, tokens)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        schedule.step()
        recent += float(loss.detach())
        if step % 50 == 0:
            speed = step * args.batch * args.context / (time.time() - started)
            print(f"step {step:5d}  epoch {epoch:3d}  training loss {recent / 50:.4f}  "
                  f"{speed:,.0f} tokens/s", flush=True)
            recent = 0.0
        if step % args.validate_every == 0 or step == args.steps:
            valid = validate(model, streams["valid"], args.context, args.batch)
            kept = valid < best
            if kept:
                best = valid
                write_model(model, args.out)
            print(f"step {step:5d}  validation loss {valid:.4f}"
                  f"{'  (stored)' if kept else ''}", flush=True)


if __name__ == "__main__":
    main()
