"""First values for the token embeddings: which tokens stand near each other in the generated text.

A small model sees a rare word too seldom in a short run to learn what it is about. Counting neighbours over a few
million tokens costs half a minute and tells it from the start.
"""

from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from .corpus import conversations


def neighbour_embeddings(
    tokenizer: PreTrainedTokenizerFast,
    *,
    size: int,
    scale: float,
    num_conversations: int,
    window: int,
    seed: int,
) -> Tensor:
    """Leading directions of the positive mutual information of tokens.

    Args:
        tokenizer: Cuts the text.
        size: Numbers per token.
        scale: Standard deviation of the result.
        num_conversations: Size of the sample.
        window: How many tokens away still counts as near.
        seed: Seed of the sample.
    """
    counts = _counts(_sample(tokenizer, num_conversations, seed), len(tokenizer), window)
    values, vectors = torch.linalg.eigh(torch.from_numpy(_mutual_information(counts)))
    leading = vectors[:, -size:] * values[-size:].clamp(min=0).sqrt()
    directions = leading / (leading.norm(dim=1, keepdim=True) + 1e-2)
    noise = torch.randn(size, size, generator=torch.Generator().manual_seed(seed))
    spread: Tensor = directions @ torch.linalg.qr(noise).Q
    return spread * (scale / spread.std())


def _sample(tokenizer: PreTrainedTokenizerFast, count: int, seed: int) -> NDArray[np.int64]:
    """The token ids of many conversations, one after the other."""
    sample = islice(conversations(seed), count)
    texts = ["\n".join(turn["content"] for turn in turns) for turns in sample]
    encoded = tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    return np.concatenate([np.array([*item.ids, tokenizer.eos_token_id]) for item in encoded])


def _counts(ids: NDArray[np.int64], size: int, window: int) -> NDArray[np.float64]:
    """How often two tokens stand near each other; the nearer, the more it counts."""
    counts = np.zeros(size * size)
    for distance in range(1, window + 1):
        pairs = ids[:-distance] * size + ids[distance:]
        counts += np.bincount(pairs, minlength=size * size) / distance**0.5
    square = counts.reshape(size, size)
    return square + square.T


def _mutual_information(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """How much oftener two tokens meet than chance would have it, as a logarithm, never negative."""
    share = counts.sum(axis=1) / counts.sum()
    damped = share**0.75 / (share**0.75).sum()
    expected = np.outer(share, damped) * counts.sum()
    ratio = np.log(np.maximum(counts, 1e-9) / np.maximum(expected, 1e-9))
    positive = np.maximum(ratio, 0.0) * (counts > 0)
    return np.asarray((positive + positive.T) / 2, dtype=np.float32)
