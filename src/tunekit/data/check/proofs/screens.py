"""Quick looks at texts: a text that passes is plainly fine, any other one is judged the slow way.

Belongs here: tests that cost next to nothing, and miss no text that a rule would name.
Does not belong here: the rules themselves (`text_rules.py`).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

import numpy as np

from tunekit.data.check.text_rules import (
    OPEN_ENDS,
    REFUSALS,
    are_plain,
    is_plain_answer,
    unusual_characters,
)

Screen: TypeAlias = Callable[[Collection[str]], bool]
"""Tells of texts whether all of them are plainly fine."""
_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
_UNUSUAL = np.zeros(1 << 16, np.bool_)
_UNUSUAL[list(unusual_characters())] = True
_LATIN, _NUM_LATIN = np.uint16(0x80), np.uint16(0x44)
_MARKS, _NUM_MARKS = np.uint16(0x200B), np.uint16(0x5F)
_PRIVATE = np.uint16(0xE000)


def passes_quickly(texts: Collection[str]) -> bool:
    """Whether texts without control characters of ASCII are plainly fine."""
    if any(map(str.isspace, texts)) or not are_plain("\n".join(texts)):
        return False
    beyond = [text for text in texts if not text.isascii()]
    return not beyond or not _has_unusual("\n".join(beyond))


def passes_thoroughly(texts: Collection[str]) -> bool:
    """Whether any texts are plainly fine."""
    return passes_quickly(texts) and not any(map(_CONTROLS.search, texts))


def doubtful_answers(
    prompt_lengths: Sequence[int], answers: Sequence[str], prompts: Callable[[], list[str]]
) -> list[int]:
    """The answers that are not plainly fine.

    Args:
        prompt_lengths: Characters of each prompt, which tell whether the answer can be the same text.
        answers: The answers.
        prompts: Makes the prompts.
    """
    stripped = list(map(str.strip, answers))  # the same objects where there is nothing to strip
    plain = (
        stripped == answers
        and not any(map(operator.eq, prompt_lengths, map(len, answers)))
        and not any(map(_REFUSES, answers))
        and not any(map(_BREAKS_OFF, answers))
        and not any("```" in answer for answer in answers)
    )
    if plain:
        return []
    pairs = enumerate(zip(prompts(), answers, strict=True))
    return [index for index, (prompt, answer) in pairs if not is_plain_answer(prompt, answer)]


_REFUSES = operator.methodcaller("startswith", REFUSALS)
_BREAKS_OFF = operator.methodcaller("endswith", OPEN_ENDS)


def _has_unusual(text: str) -> bool:
    codes = np.frombuffer(text.encode("utf-16-le"), np.uint16)
    # first the neighbourhoods, by comparison alone; a difference below zero is a large number
    near = codes - _LATIN < _NUM_LATIN
    near |= codes - _MARKS < _NUM_MARKS
    near |= codes >= _PRIVATE
    return bool(_UNUSUAL[codes[near]].any()) or "\xe2\u20ac" in text
