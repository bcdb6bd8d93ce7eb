#!/usr/bin/env python3
"""Score the stored model on held-out text, and print a sample of what it writes.

The file is tokenized whole and cut into consecutive windows (256 tokens). In each
window every token but the first is predicted from those before it, in F32 from the
stored BF16 weights. Perplexity is exp(mean negative log-likelihood of a token);
bits per byte is that likelihood's sum in bits over the bytes of the same tokens.

With --gguf the GGUF file is loaded in llama.cpp (through the package xllamacpp) and
compared with PyTorch: the tokens of the whole text, and the probabilities of all
next tokens in the first windows.
"""

import argparse
import json
import math
import urllib.request
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer


@torch.no_grad()
def log_probabilities(model, window):
    """[window - 1, vocabulary]: what each token but the last predicts."""
    return F.log_softmax(model(window[None, :-1]).logits[0].float(), dim=-1)


class LlamaCpp:
    """A GGUF model in llama.cpp on the CPU, asked for one next token at a time."""

    def __init__(self, path, context, threads):
        import xllamacpp
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context
        params.n_parallel = 1
        params.n_gpu_layers = 0
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
        params.verbosity = 1
        self.server = xllamacpp.Server(params)

    def tokenize(self, text):
        request = urllib.request.Request(
            self.server.listening_address + "/tokenize",
            json.dumps({"content": text, "add_special": False}).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["tokens"]

    def log_probabilities(self, tokens, vocabulary):
        answer = self.server.handle_completions(
            {"prompt": tokens, "n_predict": 1, "n_probs": vocabulary,
             "temperature": 0.0, "cache_prompt": True})
        if isinstance(answer, list):
            answer = answer[0]
        row = torch.full((vocabulary,), -math.inf)
        for entry in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
            row[entry["id"]] = entry["logprob"]
        return row


def compare(model, gguf, text, ids, context, count, threads):
    vocabulary = model.config.vocab_size
    llama = LlamaCpp(gguf, context, threads)
    same = llama.tokenize(text) == ids.tolist()
    print(f"llama.cpp: tokens of the held-out text "
          f"{'equal to' if same else 'DIFFERENT from'} tokenizer.json's")
    agree, far, mean, ours, theirs, positions = 0, 0.0, 0.0, 0.0, 0.0, 0
    for window in ids.split(context)[:count]:
        expected = log_probabilities(model, window)
        for i, next_token in enumerate(window[1:].tolist()):
            row = llama.log_probabilities(window[:i + 1].tolist(), vocabulary)
            difference = (row - expected[i]).abs()
            agree += int(row.argmax() == expected[i].argmax())
            far = max(far, float(difference.max()))
            mean += float(difference.mean())
            ours -= float(expected[i, next_token])
            theirs -= float(row[next_token])
            positions += 1
    print(f"llama.cpp: {positions} positions; most likely token the same in {agree} "
          f"({agree / positions:.2%}); log-probabilities differ by {mean / positions:.4f} "
          f"on average, {far:.4f} at most")
    print(f"llama.cpp: perplexity {math.exp(theirs / positions):.4f}, "
          f"PyTorch {math.exp(ours / positions):.4f}")


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=here,
                        help="the model's folder (default: this script's)")
    parser.add_argument("--text", type=Path, help="default: heldout.txt in that folder")
    parser.add_argument("--context", type=int, default=256, help="tokens in a window")
    parser.add_argument("--prompt", default="Elizabeth was")
    parser.add_argument("--length", type=int, default=150, help="tokens of the sample")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gguf", type=Path, help="compare this file in llama.cpp")
    parser.add_argument("--gguf-windows", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    model, loading = AutoModelForCausalLM.from_pretrained(
        args.model, dtype=torch.float32, output_loading_info=True)
    model.eval()
    print(f"transformers: missing keys {sorted(loading['missing_keys'])}, "
          f"unexpected keys {sorted(loading['unexpected_keys'])}")
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    text = (args.text or args.model / "heldout.txt").read_bytes().decode()
    ids = torch.tensor(tokenizer.encode(text).ids)
    wrapped = AutoTokenizer.from_pretrained(args.model)
    if wrapped.encode(text, verbose=False) != ids.tolist() or tokenizer.decode(ids.tolist()) != text:
        print("WARNING: AutoTokenizer or decoding disagrees with tokenizer.json")

    nats, right, count, size = 0.0, 0, 0, 0
    for window in ids.split(args.context):
        if len(window) < 2:
            continue
        rows, targets = log_probabilities(model, window), window[1:]
        nats -= float(rows.gather(1, targets[:, None]).double().sum())
        right += int((rows.argmax(1) == targets).sum())
        count += len(targets)
        # In a byte-level vocabulary one character stands for one byte.
        size += sum(len(tokenizer.id_to_token(t)) for t in targets.tolist())
    print(f"held out: {len(text.encode()):,} bytes, {len(ids):,} tokens, {count:,} predicted")
    print(f"held out: loss {nats / count:.4f}, perplexity {math.exp(nats / count):.3f}, "
          f"{nats / math.log(2) / size:.4f} bits per byte, "
          f"most likely token right {right / count:.2%}")

    prompt = wrapped(args.prompt, return_tensors="pt")
    output = model.generate(**prompt, max_new_tokens=args.length, max_length=None,
                            do_sample=True, temperature=0.8, top_k=40, pad_token_id=0)
    print(f"sample (temperature 0.8, top-k 40, seed {args.seed}):")
    print(wrapped.decode(output[0], skip_special_tokens=True))
    if args.gguf:
        compare(model, args.gguf, text, ids, args.context, args.gguf_windows, args.threads)


if __name__ == "__main__":
    main()
