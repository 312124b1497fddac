"""A first look at the whole source: which format it has, and which shape its prompts share.

Belongs here: what has to be known before single rows can be judged.
Does not belong here: judging them (`scan.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tunekit.data.check.records import ParsedRecord
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats import FORMATS, FormatName
from tunekit.data.rows import (
    Conversation,
    Document,
    Preference,
    Prompt,
    PromptCompletion,
    Query,
    RelevanceLabel,
    Row,
)
from tunekit.data.template import PromptTemplate, learn_template

SAMPLE_SIZE = 400
"""Prompts, drawn evenly from the whole source, from which the shared shape is learnt."""
_SAMPLE_CHARACTERS = 4_000

_NATURAL: tuple[tuple[type[Row], FormatName], ...] = (
    (PromptCompletion, "prompt_completion"),
    (Conversation, "messages"),
    (Prompt, "prompts"),
    (Preference, "preference"),
    (Document, "retrieval_corpus"),
    (Query, "retrieval_queries"),
    (RelevanceLabel, "retrieval_labels"),
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first look found."""

    format: FormatName | None
    """The format that most lines have; `None` where no line has a known one."""
    template: PromptTemplate | None


def survey(records: Iterable[ParsedRecord], row_type: type[Row] | None) -> Survey:
    """Look at every record once.

    Args:
        records: The records, from the first to the last.
        row_type: The kind of row asked for, which narrows the formats; `None` takes any.
    """
    votes: Counter[FormatName] = Counter()
    sample = _Reservoir(SAMPLE_SIZE)
    for record in records:
        name = claimed_format(record.value)
        if name is None or record.value is None:
            continue
        votes[name] += 1
        if sample.wants_next():
            sample.put(_prompt(record.value, name))
    eligible: list[FormatName] = [
        name for name in FORMATS if votes[name] and (row_type is None or _gives(name, row_type))
    ]
    ranked: list[FormatName] = sorted(eligible, key=lambda name: -votes[name])
    fallback = natural_format(row_type) if row_type is not None else None
    return Survey(ranked[0] if ranked else fallback, learn_template(list(sample.texts())))


def claimed_format(value: JsonObject | Row | None) -> FormatName | None:
    """The format that a record looks like, or `None`."""
    if value is None:
        return None
    if isinstance(value, Row):
        return natural_format(type(value))
    return next((name for name, form in FORMATS.items() if form.claims(value)), None)


def natural_format(row_type: type[Row]) -> FormatName | None:
    """The format in which a kind of row is written unless another is asked for."""
    return next((name for kind, name in _NATURAL if issubclass(row_type, kind)), None)


def _gives(name: FormatName, row_type: type[Row]) -> bool:
    """Whether lines of a format can become rows of that kind."""
    given = FORMATS[name].row_type
    return issubclass(given, row_type) or {given, row_type} == {PromptCompletion, Conversation}


def _prompt(value: JsonObject | Row, name: FormatName) -> str | None:
    row = value if isinstance(value, Row) else FORMATS[name].decode(value).row
    if row is None or not row.is_asked:
        return None
    text = row.prompt_text()
    if len(text) <= 2 * _SAMPLE_CHARACTERS:
        return text
    return f"{text[:_SAMPLE_CHARACTERS]}\n{text[-_SAMPLE_CHARACTERS:]}"


class _Reservoir:
    """An even sample of a stream of unknown length, the same on every run."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[str | None] = []
        self._seen = 0
        self._slot = 0
        self._random = random.Random(0)  # noqa: S311  # not a secret

    def wants_next(self) -> bool:
        """Draw for the next item: whether it enters the sample."""
        self._seen += 1
        self._slot = self._seen - 1
        if self._slot >= self._size:
            self._slot = self._random.randrange(self._seen)
        return self._slot < self._size

    def put(self, text: str | None) -> None:
        """Keep the item for which `wants_next` said yes."""
        if self._slot == len(self._kept):
            self._kept.append(text)
        else:
            self._kept[self._slot] = text

    def texts(self) -> Iterator[str]:
        """The sample."""
        return (text for text in self._kept if text is not None)
