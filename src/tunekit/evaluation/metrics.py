"""How good one answer is, from 0 to 1.

Belongs here: one function per metric, from two texts to a number.
Does not belong here: averages and intervals (`intervals.py`), which metric fits which task (`comparison.py`).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

MetricName = Literal["accuracy", "exact_match", "rouge_l", "token_f1"]
"""The metrics for texts. All go from 0 to 1, higher is better."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"[a-z0-9]+")


def accuracy(expected: str, answer: str) -> float:
    """1 where the answer is the label, white space and letter case aside."""
    return float(_folded(expected) == _folded(answer))


def exact_match(expected: str, answer: str) -> float:
    """1 where both say the same once case, punctuation, articles and spacing are taken out.

    The normalisation is that of SQuAD (https://arxiv.org/abs/1606.05250).
    """
    return float(_normalised(expected) == _normalised(answer))


def token_f1(expected: str, answer: str) -> float:
    """Harmonic mean of precision and recall over the words, normalised as in `exact_match`.

    Source: https://arxiv.org/abs/1606.05250.
    """
    wanted, given = _normalised(expected).split(), _normalised(answer).split()
    if not wanted or not given:
        return float(wanted == given)
    shared = (Counter(wanted) & Counter(given)).total()
    return _f1(shared / len(given), shared / len(wanted))


def rouge_l(expected: str, answer: str) -> float:
    """ROUGE-L F-measure: the longest common subsequence of words, lower-cased and without stemming.

    Source: https://aclanthology.org/W04-1013.
    """
    wanted, given = _WORD.findall(expected.lower()), _WORD.findall(answer.lower())
    if not wanted or not given:
        return 0.0
    shared = _common_subsequence(wanted, given)
    return _f1(shared / len(given), shared / len(wanted))


METRICS: Mapping[MetricName, Callable[[str, str], float]] = MappingProxyType(
    {
        "accuracy": accuracy,
        "exact_match": exact_match,
        "rouge_l": rouge_l,
        "token_f1": token_f1,
    }
)
"""Each metric by its name: expected text and answer to a number from 0 to 1."""


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _normalised(text: str) -> str:
    bare = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return " ".join(bare.split())


def _f1(precision: float, recall: float) -> float:
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, one row of the table at a time."""
    above = [0] * (len(second) + 1)
    for word in first:
        row = [0]
        for index, other in enumerate(second):
            row.append(above[index] + 1 if word == other else max(above[index + 1], row[index]))
        above = row
    return above[-1]
