"""What pretended embedding models make of texts.

Belongs here: vectors from words, and bringing them into shape.
Does not belong here: the verbs of the backend (`backend.py`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

from tunekit.errors import MissingExtra, SettingInvalid

if TYPE_CHECKING:
    from tunekit.jobs.backend import Vectors

TextVectors: TypeAlias = Callable[[str], Sequence[float]]
"""What a model makes of one text; every vector has the same length."""

_DIMENSIONS = 64


def hashed_words(text: str) -> list[float]:
    """The sum of a vector per word, which is drawn by the word: the more words two texts share, the closer."""
    words = [_drawn(word) for word in re.findall(r"\w+", text.lower())]
    return [sum(numbers) for numbers in zip(*words, strict=True)] or [0.0] * _DIMENSIONS


@cache
def _drawn(word: str) -> tuple[float, ...]:
    draw = random.Random(word)  # noqa: S311  # not a secret
    return tuple(draw.gauss(0, 1) for _ in range(_DIMENSIONS))


def vectors_of(model: TextVectors, texts: Sequence[str], cut_to: int | None) -> Vectors:
    """The vectors of texts, cut and brought to the length 1.

    Raises:
        MissingExtra: numpy is not installed, which holds vectors.
        SettingInvalid: The model has fewer dimensions.
    """
    if find_spec("numpy") is None:
        raise MissingExtra(
            "Vectors need 'numpy', not installed here.",
            hint="Install the extra: pip install 'tunekit[local]'",
            extra="local",
        )
    import numpy as np  # noqa: PLC0415  # only where vectors are asked for

    whole = np.array([model(text) for text in (*texts, "")], dtype=np.float32)
    there = whole.shape[1]
    if cut_to is not None and cut_to > there:
        raise SettingInvalid(
            f"{cut_to:,} dimensions are more than the {there:,} dimensions of the model.",
            hint=f"Write a number from 1 to {there:,}.",
            place="output_dimensionality",
        )
    kept = whole[:-1, :cut_to]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    found: Vectors = kept / np.maximum(lengths, np.float32(1e-12))
    return found
