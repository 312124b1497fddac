"""How many tokens rows have, where no tokenizer is at hand: an estimate between two measured bounds.

Characters are told apart by kind, since each kind has another number of tokens a character. `tools.bench.tokens` holds
the bounds against tokenizers and texts of several languages: they held for each text that was measured, which is no
promise for others.

Belongs here: the estimate and its bounds.
Does not belong here: counting with a model's own tokenizer (`backends/`).
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass

from tunekit.data.rows import Asked, Conversation, Preference, Prompt, Row
from tunekit.jobs.backend import TokenCount

_LETTERS = (string.ascii_letters + string.whitespace).encode()
_ASCII = bytes(range(128))
_EAST_ASIAN = re.compile(
    "[\u1100-\u11ff\u3000-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"
)
"""Chinese, Japanese and Korean writing and its marks."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Tokens, guessed: the fewest, the likeliest and the most."""

    low: int = 0
    middle: int = 0
    high: int = 0

    def __add__(self, other: Guess) -> Guess:
        return Guess(self.low + other.low, self.middle + other.middle, self.high + other.high)


@dataclass(frozen=True, slots=True)
class _Rate:
    """Tokens a character."""

    low: float
    middle: float


_LETTER, _LETTER_HIGH = _Rate(0.15, 0.25), 0.65
_MARK, _MARK_HIGH = _Rate(0.4, 1.0), 1.1
"""Digits and punctuation of ASCII."""
_OTHER = _Rate(0.5, 1.0)
"""Other alphabets, and letters with accents. The most is a token a byte, as byte-level tokenizers have it."""
_CHARACTER = _Rate(0.5, 1.0)
"""Chinese, Japanese and Korean. The most is a token a byte here too."""


def estimated_tokens(rows: Iterable[Row]) -> TokenCount:
    """The tokens of the texts of rows, guessed from their characters; what a chat template adds is not in it."""
    total = Guess()
    trained = longest = 0
    for row in rows:
        read, learnt = _read_and_learnt(row)
        answer = guessed(learnt)
        size = guessed(read) + answer
        total, trained = total + size, trained + answer.middle
        longest = max(longest, size.middle)
    return TokenCount(
        total=total.middle,
        low=total.low,
        high=total.high,
        trained=trained,
        longest_row=longest,
        exact=False,
    )


def _read_and_learnt(row: Row) -> tuple[str, str]:
    """What the model only reads of a row, and what it learns: every turn of its own, and both candidates of a pair."""
    match row:
        case Conversation(messages=turns):
            theirs = [turn.text for turn in turns if turn.role != "model"]
            return "\n".join(theirs), "\n".join(turn.text for turn in turns if turn.role == "model")
        case Preference():
            return _asked(row.prompt), "\n".join(row.candidates)
        case Prompt():
            return _asked(row.prompt), ""
        case _:
            return row.prompt_text(), row.completion_text() or ""


def _asked(prompt: Asked) -> str:
    return prompt if isinstance(prompt, str) else "\n".join(turn.text for turn in prompt)


def guessed(text: str) -> Guess:
    """The tokens of one text."""
    if not text:
        return Guess()
    data = text.encode()
    marks_and_more = len(data.translate(None, _LETTERS))
    beyond = b"" if text.isascii() else data.translate(None, _ASCII)
    letters, marks = len(data) - marks_and_more, marks_and_more - len(beyond)
    rest = beyond.decode()
    east_asian = len(_EAST_ASIAN.findall(rest)) if rest else 0
    counts = (
        (letters, _LETTER),
        (marks, _MARK),
        (len(rest) - east_asian, _OTHER),
        (east_asian, _CHARACTER),
    )
    high = letters * _LETTER_HIGH + marks * _MARK_HIGH + len(beyond)
    high += data.count(b" ") * (1 - _LETTER_HIGH) if beyond else 0
    return Guess(
        low=max(1, math.floor(round(sum(count * rate.low for count, rate in counts), 6))),
        middle=math.ceil(sum(count * rate.middle for count, rate in counts)),
        high=math.ceil(round(high, 6)),
    )
