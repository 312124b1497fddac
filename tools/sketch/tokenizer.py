"""The tokenizer of the sketch pipeline: every word of the captions one token, other words in pieces."""

import json
import random
from collections import Counter
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from .drawing import COLOURS, CONTEXTS, STYLES, THINGS
from .words import some_drawing

_START, _END = "<|startoftext|>", "<|endoftext|>"
MAX_TOKENS = 32
"""Tokens of a prompt, with the two marks; the rest is cut off."""


def train_tokenizer(
    *, seed: int, num_captions: int = 4_000, num_pieces: int = 300
) -> CLIPTokenizer:
    """Learn pieces from captions, most common first, in the layout of CLIP."""
    chance = random.Random(seed)
    counted: Counter[str] = Counter()
    for _ in range(num_captions):
        counted.update(some_drawing(chance).caption.split())
    for known in (*COLOURS, *THINGS, *STYLES, *" ".join(CONTEXTS).split(), "style", "drawing"):
        counted[known] += 1_000  # so that each of them becomes one token
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=2 * 256 + num_pieces,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        special_tokens=[_START, _END],
        show_progress=False,
    )
    words = sorted(counted)
    learner.train_from_iterator(
        (word for word in words for _ in range(counted[word])), trainer=trainer
    )
    state = learner.model.__getstate__()
    return _as_clip(state)


def _as_clip(state: bytes) -> CLIPTokenizer:
    learnt = json.loads(state)
    merges: list[Any] = [tuple(pair) for pair in learnt["merges"]]
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [_START, _END, *symbols, *(f"{symbol}</w>" for symbol in symbols)]
    names += [name for name in ("".join(pair) for pair in merges) if name not in names]
    vocabulary = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        model_max_length=MAX_TOKENS,
        bos_token=_START,
        eos_token=_END,
        pad_token=_END,
        unk_token=_END,
    )
