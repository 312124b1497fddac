"""Proves that lines are fine, many at once, with guards that close every hole of a fast parser.

msgspec decodes a block of lines straight into typed objects, and that proves most of what a row must be. It does not
prove that each line is one object, that no key is there twice, or that no text is blank; the guards here do. What
is not proven is halved until single lines are left, and those go the slow way.

Belongs here: the guards, the halving, and the columns that a proof gives.
Does not belong here: the fields of a format (the other files of this folder).
"""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from tunekit.data.check.digests import DIGEST_BYTES, LAST_BIT_OFF
from tunekit.data.check.proofs.screens import Screen, passes_quickly, passes_thoroughly
from tunekit.data.check.repetition import ENTRY_FIELDS
from tunekit.data.reader import BLOCK_BYTES

_ENTRY = np.dtype(ENTRY_FIELDS)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_LINE_FEED, _RETURN, _QUOTE, _BACKSLASH, _OPEN, _CLOSE = b'\n\r"\\{}'
_ESCAPED_B, _ESCAPED_F, _ESCAPED_U, _ZERO = b"bfu0"
Bytes = NDArray[np.uint8]
Places = NDArray[np.intp]


class Fast(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Base of what a line decodes to."""


@dataclass(slots=True)
class Columns:
    """What the rows of a block have, one entry a row."""

    num_strings: int = 0
    """Strings that the lines must consist of, names of fields among them."""
    doubtful: list[int] = field(default_factory=list[int])
    """Rows that the slow way has to judge; the other columns leave them out."""
    prompt_lengths: list[int] = field(default_factory=list[int])
    completions: list[str] = field(default_factory=list[str])
    """The answers; empty where the rows have none."""
    choices: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """For each preference the choice and the lengths of the preferred candidate and the other."""
    digests: list[bytes] = field(default_factory=list[bytes])
    """What the rows teach, before the last bit says what was chosen."""
    questions: list[int] = field(default_factory=list[int])
    prompts: Callable[[], list[str]] = list
    """The prompts, made when they are asked for."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Lines that are fine."""

    starts: Places
    """Where each line begins in its block."""
    first_crlf: int | None
    """The first of them that ends in CRLF."""
    columns: Columns

    def entries(self, offset: int, first_ordinal: int) -> bytes:
        """What the rows ask and teach, packed for the log."""
        count = len(self.starts)
        entries = np.empty(count, _ENTRY)
        packed = entries.view(np.uint8).reshape(count, _ENTRY.itemsize)
        digests = np.frombuffer(b"".join(self.columns.digests), np.uint8)
        packed[:, :DIGEST_BYTES] = digests.reshape(count, DIGEST_BYTES)
        packed[:, DIGEST_BYTES - 1] &= LAST_BIT_OFF
        if self.columns.choices:
            choices = bytes([choice for choice, _, _ in self.columns.choices])
            packed[:, DIGEST_BYTES - 1] |= np.frombuffer(choices, np.uint8)
        entries["question"] = np.frombuffer(array("Q", self.columns.questions), np.uint64)
        entries["offset"] = self.starts + offset
        entries["ordinal"] = np.arange(first_ordinal, first_ordinal + count)
        return entries.tobytes()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines that follow each other in a block: proven to be fine, or a single one that is not."""

    start: int
    end: int
    """Behind the line feed of the last one."""
    proven: Proven | None


@dataclass(frozen=True, slots=True)
class Signs:
    """What the bytes of some lines tell."""

    num_strings: float
    """Half the quotation marks outside of strings."""
    controls: bool
    """Whether there may be an escaped control character."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """A block and where its lines are."""

    view: memoryview
    raw: Bytes
    starts: Places
    ends: Places
    """Where the line feeds are."""

    @classmethod
    def of(cls, view: memoryview) -> _Lines:
        raw = np.frombuffer(view, np.uint8)
        ends = np.flatnonzero(_equal(raw, _LINE_FEED))
        starts = np.empty_like(ends)
        starts[:1] = 0
        starts[1:] = ends[:-1] + 1
        return cls(view, raw, starts, ends)

    def part(self, first: int, last: int) -> _Lines:
        """Some of the lines, with their places in the same block."""
        return _Lines(self.view, self.raw, self.starts[first:last], self.ends[first:last])

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def bytes(self) -> memoryview:
        return self.view[int(self.starts[0]) : int(self.ends[-1]) + 1]

    def signs(self) -> Signs:
        """What the bytes tell about the lines."""
        raw = self.raw[int(self.starts[0]) : int(self.ends[-1]) + 1]
        # a block ends in a line feed, so that something follows each backslash
        places = np.flatnonzero(_equal(raw, _BACKSLASH)) + 1
        escaped = raw[places]
        if (escaped == _BACKSLASH).any():
            return Signs(_ESCAPED.sub(b"", bytes(self.bytes)).count(b'"') / 2, controls=True)
        quotes = np.count_nonzero(_equal(raw, _QUOTE)) - np.count_nonzero(escaped == _QUOTE)
        controls = ((escaped == _ESCAPED_B) | (escaped == _ESCAPED_F)).any()
        codes = places[escaped == _ESCAPED_U]
        if not controls and len(codes) and codes[-1] + 3 < len(raw):
            controls = (
                (raw[codes + 1] == _ZERO)
                & (raw[codes + 2] == _ZERO)
                & (raw[codes + 3] <= _ZERO + 1)
            ).any()
        return Signs(quotes / 2, controls=bool(controls))

    def are_objects(self) -> bool:
        """Whether each line begins and ends as an object does. `}{` across a line feed is in no object, so that as many
        objects as lines means one object a line.
        """
        last = self.raw[self.ends - 1]
        returns = last == _RETURN
        if returns.any():
            last = np.where(returns, self.raw[self.ends - 2], last)
        return bool((self.raw[self.starts] == _OPEN).all() and (last == _CLOSE).all())

    def first_crlf(self) -> int | None:
        """The first line that ends in CRLF."""
        found = np.flatnonzero(self.raw[self.ends - 1] == _RETURN)
        return int(found[0]) if len(found) else None


class Prover(ABC):
    """Proves lines of one format to be fine."""

    dialects: ClassVar[Sequence[type[Fast]]]
    """The ways to spell a line; a file mostly keeps to one."""

    def __init__(self) -> None:
        self._decoders = [msgspec.json.Decoder(dialect) for dialect in self.dialects]

    @abstractmethod
    def columns(self, rows: list[Any], passes: Screen) -> Columns:
        """What decoded rows have, and which of them are doubtful.

        Args:
            rows: The rows.
            passes: Tells of texts whether all of them are plainly fine.
        """

    def stretches(self, view: memoryview) -> Iterator[Stretch]:
        """The lines of a block in their order, as long stretches as can be proven."""
        return self._halved(_Lines.of(view))

    def _halved(self, lines: _Lines) -> Iterator[Stretch]:
        rows = self._decoded(lines)
        signs = lines.signs() if rows is not None else None
        if rows is not None and signs is not None:
            passes = passes_thoroughly if signs.controls else passes_quickly
            columns = self.columns(rows, passes)
            if columns.num_strings == signs.num_strings:
                yield from self._without_doubtful(lines, rows, columns)
                return
        if len(lines) == 1:
            yield _slow(lines)
        else:
            middle = len(lines) // 2
            yield from self._halved(lines.part(0, middle))
            yield from self._halved(lines.part(middle, len(lines)))

    def _without_doubtful(
        self, lines: _Lines, rows: list[Any], columns: Columns
    ) -> Iterator[Stretch]:
        if not columns.doubtful:
            yield _fine(lines, columns)
            return
        for before, here in pairwise((-1, *columns.doubtful, len(rows))):
            if before >= 0:
                yield _slow(lines.part(before, before + 1))
            if here > before + 1:
                part = lines.part(before + 1, here)
                # what is left has passed the screens already
                yield _fine(part, self.columns(rows[before + 1 : here], lambda _: True))

    def _decoded(self, lines: _Lines) -> list[Any] | None:
        if not lines.are_objects():
            return None
        for index, decoder in enumerate(self._decoders):
            try:
                rows = decoder.decode_lines(lines.bytes)
            except Exception:  # noqa: S112  # also UnicodeDecodeError and RecursionError: nothing is proven
                continue
            if index:
                self._decoders.insert(0, self._decoders.pop(index))
            return rows if len(rows) == len(lines) else None
        return None


class _Scratch(threading.local):
    """Memory that is used again and again, by one thread each."""

    def __init__(self) -> None:
        self.flags = np.empty(BLOCK_BYTES, np.bool_)


_SCRATCH = _Scratch()


def _equal(raw: Bytes, byte: int) -> NDArray[np.bool_]:
    """Where a byte stands; good until the thread's next call, for fresh memory costs more than the comparison."""
    out = _SCRATCH.flags[: len(raw)] if len(raw) <= BLOCK_BYTES else None
    return np.equal(raw, byte, out=out)


def _fine(lines: _Lines, columns: Columns) -> Stretch:
    proven = Proven(lines.starts, lines.first_crlf(), columns)
    return Stretch(int(lines.starts[0]), int(lines.ends[-1]) + 1, proven)


def _slow(lines: _Lines) -> Stretch:
    return Stretch(int(lines.starts[0]), int(lines.ends[0]) + 1, None)
