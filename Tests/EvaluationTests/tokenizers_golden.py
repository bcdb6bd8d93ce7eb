"""Makes Golden/tokenizers: small tokenizers of every kind, and what the libraries make of texts with them.

    python tokenizers_golden.py

Needs tokenizers and sentencepiece (made with 0.23.3 and 0.2.3). Each NAME.json is a tokenizer.json; expected.json
holds {"texts": [...], "tokens": {NAME: [[id, ...], ...]}}, with what begins and ends a text. sentencepiece.json holds
the pieces of a SentencePiece model with scores and types, as a GGUF has them.
"""

import io
import json
import pathlib
import shutil

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE / "Golden" / "tokenizers"
TRAINING = (HERE.parents[1] / "SampleModels/austen/heldout.txt").read_text()[:60000].splitlines() + [
    "Größe über naïve café façade Москва Привет 東京 漢字 1234567890 3.14159 don't I'LL we've they'd"] * 5

TEXTS = [
    "", " ", "Hello world", "  two  spaces   and a tab\t.", "It's, they'll I'VE Don'T 'tis '", "a\n\nb\r\n  c \n d  ",
    "1234567 12 and 3.14159, 2nd", "x  12   345", "naïve café — “quotes” … 100 € ½ Ⅻ ²",
    "東京 is 漢字。Привет, Москва!", "emoji 👩‍🚀👍🏽 e\u0301 n\u0303 \u00a0nbsp\u2003em \u200bzero",
    "<s>special</s> <|endoftext|> [MASK] <s> x", "\u0000\u0007 control \ufffd \ud7ff", "ﬁ ligature ǅ titlecase İstanbul ß ẞ",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" * 2, "   ", "\n", " \n \n x",
    "snake_case camelCase HTTPServer2 a.b.c //comment\\n {\"k\": [1,2]}", "한국어 ภาษาไทย العربية עברית हिन्दी", "x" * 120,
    TRAINING[3][:400],
]

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def byte_level(split, ignore_merges=False, normalizer=None, bos=None):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = split
    special = ["<|endoftext|>"] + ([bos] if bos else [])
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    level = processors.ByteLevel(trim_offsets=False)
    tokenizer.post_processor = processors.Sequence(
        [level, processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, 1)])]) if bos else level
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def sentence_pieces(normalizer=None, pre=None, bos="<s>", ends=False):
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    train = Tokenizer(models.BPE(unk_token="<unk>"))
    train.normalizer = normalizers.Replace(" ", "▁")
    train.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    train.train_from_iterator(TRAINING, trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False))
    data = json.loads(train.to_str())["model"]
    tokenizer.model = models.BPE(
        vocab=data["vocab"], merges=[tuple(m) for m in data["merges"]], byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in ("<unk>", "<s>", "</s>")])
    single = f"{bos} $A" + (" </s>" if ends else "")
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=[("<s>", 1), ("</s>", 2)])
    return tokenizer


def word_pieces(lowercase):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        TRAINING, trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def split(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


TOKENIZERS = {
    "gpt2": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "smollm": lambda: byte_level(pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])),
    "llama3": lambda: byte_level(split(CONTRACTIONS + LETTERS + r"|\p{N}{1,3}" + REST), ignore_merges=True, bos="<s>"),
    "qwen2": lambda: byte_level(split(CONTRACTIONS + LETTERS + r"|\p{N}" + REST), normalizer=normalizers.NFC()),
    "llama2": lambda: sentence_pieces(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])),
    "mistral": lambda: sentence_pieces(pre=pre_tokenizers.Metaspace(prepend_scheme="first", split=False), ends=True),
    "gemma": lambda: sentence_pieces(
        normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous")),
    "uncased": lambda: word_pieces(True),
    "cased": lambda: word_pieces(False),
}


def write_sentencepiece():
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING), model_writer=model, model_type="bpe", vocab_size=700, byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    size = processor.get_piece_size()
    kinds = [2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i) else 1
             for i in range(size)]
    (GOLDEN / "sentencepiece.json").write_text(json.dumps({
        "tokens": [processor.id_to_piece(i) for i in range(size)],
        "scores": [processor.get_score(i) for i in range(size)], "kinds": kinds}, ensure_ascii=False) + "\n")
    # llama.cpp doesn't read special tokens that are written out, nor does the library.
    return [[1] + processor.encode(text) for text in TEXTS]


def main():
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir(parents=True)
    tokens = {}
    for name, make in TOKENIZERS.items():
        make().save(str(GOLDEN / f"{name}.json"), pretty=False)
        tokens[name] = [Tokenizer.from_file(str(GOLDEN / f"{name}.json")).encode(text).ids for text in TEXTS]
    tokens["sentencepiece"] = write_sentencepiece()
    (GOLDEN / "expected.json").write_text(json.dumps({"texts": TEXTS, "tokens": tokens}) + "\n")


main()
