"""Finds rows that are nearly the same as an earlier one, in time that grows with the rows and not with their pairs.

Each row becomes a sketch: its text without case, punctuation and spacing is cut into overlapping pieces of characters,
and one permutation of their hashes gives the least hash in each of 128 bins. The share of equal bins estimates the
share of common pieces, give or take 4 % (https://en.wikipedia.org/wiki/MinHash; one permutation with the gaps filled
by rotation: Shrivastava and Li, https://proceedings.mlr.press/v32/shrivastava14.html). Rows that agree in four
neighbouring bins are held against each other, each against two others at most.

Belongs here: the sketch, the log of them, and the search in it.
Does not belong here: rows that are exactly the same (`repetition.py`), images (`images.py`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from tunekit.data.rows import (
    Conversation,
    ImageRow,
    Message,
    Preference,
    Prompt,
    RelevanceLabel,
    Row,
)

if TYPE_CHECKING:  # numpy is loaded where near-duplicates are asked for
    import numpy as np
    from numpy.typing import NDArray

NEAR_SHARE = 0.75
"""Share of common pieces from which two rows are nearly the same."""
_PIECE = 8
"""Characters of a piece."""
_SHORT = 40
"""Characters below which a text is held against others as a whole: so few pieces say little."""
_BINS, _BANDS = 128, 32
_NO_OFFSET = (1 << 64) - 1
_RECORD = [
    ("bands", "<u4", (_BANDS,)),
    ("sketch", "u1", (_BINS,)),
    ("digest", "<u8", (2,)),
    ("ordinal", "<u8"),
    ("offset", "<u8"),
]
_RECORD_BYTES = 4 * _BANDS + _BINS + 32
_RECORDS_IN_MEMORY = 100_000
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, order=True)
class Resemblance:
    """A row that is nearly the same as an earlier one."""

    ordinal: int
    """0-based position of the record among all records that were read."""
    earlier: int
    offset: int | None
    share: float
    """Estimated share of what the two have in common."""


@dataclass(slots=True)
class SketchLog:
    """The sketch of each row, in the order of the rows; beyond a hundred thousand on disk."""

    _records: bytearray = field(default_factory=bytearray)
    _spilled: IO[bytes] | None = None

    def add(self, row: Row, shared: tuple[str, ...], digest: bytes, place: tuple[int, int]) -> None:
        """Note one row.

        Args:
            row: The row; images and labels have no text of their own and are passed over.
            shared: Texts that most prompts share, which say nothing about a single row.
            digest: What the row teaches; of rows with the same the first counts.
            place: The position of its record, and its offset.
        """
        if isinstance(row, ImageRow | RelevanceLabel):
            return
        text = _text(row)
        for fragment in shared:
            text = text.replace(fragment, " ", 1)
        self._records += _record(_plain(text), digest, place)
        if len(self._records) >= _RECORDS_IN_MEMORY * _RECORD_BYTES:
            self._spill()

    def append(self, other: SketchLog, first_ordinal: int) -> None:
        """Note the rows of another log, whose first record has this ordinal here."""
        import numpy as np  # noqa: PLC0415

        for chunk in other.chunks():
            shifted = np.frombuffer(chunk, np.dtype(_RECORD)).copy()
            shifted["ordinal"] += np.uint64(first_ordinal)
            self._records += shifted.tobytes()
            if len(self._records) >= _RECORDS_IN_MEMORY * _RECORD_BYTES:
                self._spill()

    def chunks(self) -> Iterator[bytes]:
        """The records in order."""
        if self._spilled is not None:
            self._spilled.seek(0)
            while chunk := self._spilled.read(_RECORDS_IN_MEMORY * _RECORD_BYTES):
                yield chunk
        if self._records:
            yield bytes(self._records)

    def resemblances(self) -> list[Resemblance]:
        """Every row that is nearly the same as an earlier one, with the earliest that was seen to be."""
        if not self._records and self._spilled is None:
            return []
        table = self._table()
        first = _first_of_equals(table)
        found: dict[int, tuple[int, float]] = {}
        for band in range(_BANDS):
            for later, earlier in _candidates(table["bands"][first, band], first):
                if later in found and found[later][0] <= earlier:
                    continue
                share = float((table["sketch"][later] == table["sketch"][earlier]).mean())
                if share >= NEAR_SHARE:
                    found[later] = (earlier, share)
        return [_resemblance(table, later, *found[later]) for later in sorted(found)]

    def _table(self) -> NDArray[Any]:
        import numpy as np  # noqa: PLC0415

        if self._spilled is None:
            return np.frombuffer(bytes(self._records), np.dtype(_RECORD))
        self._spill()
        self._spilled.flush()
        return np.memmap(self._spilled, np.dtype(_RECORD), mode="r")

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the log goes
        self._spilled.seek(0, 2)
        self._spilled.write(self._records)
        self._records.clear()

    def __del__(self) -> None:
        if self._spilled is not None:
            self._spilled.close()

    def __getstate__(self) -> bytes:
        return b"".join(self.chunks())

    def __setstate__(self, records: bytes) -> None:
        self._records, self._spilled = bytearray(records), None


def _text(row: Row) -> str:
    match row:
        case Conversation():
            return _joined(row.messages)
        case Prompt():
            return _joined(row.prompt)
        case Preference():  # sorted, so that exchanged candidates make no difference
            return "\n".join((_joined(row.prompt), *sorted(row.candidates)))
        case _:
            return f"{row.prompt_text()}\n{row.completion_text() or ''}"


def _joined(asked: str | tuple[Message, ...]) -> str:
    return asked if isinstance(asked, str) else "\n".join(turn.text for turn in asked)


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold())) or text


def _record(text: str, digest: bytes, place: tuple[int, int]) -> bytes:
    import numpy as np  # noqa: PLC0415

    record = np.zeros(1, np.dtype(_RECORD))
    least = _least(_hashes(text))
    record["sketch"] = least.astype(np.uint8)
    spread = least.reshape(_BANDS, -1) * np.array([1, 3, 9, 27], np.uint64)
    record["bands"] = _mixed(spread.sum(axis=1, dtype=np.uint64)) >> np.uint64(32)
    record["digest"] = np.frombuffer(digest, "<u8")
    record["ordinal"], record["offset"] = place
    return record.tobytes()


def _hashes(text: str) -> NDArray[np.uint64]:
    """A hash of each piece of a text; of a short text one hash."""
    import numpy as np  # noqa: PLC0415

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    size = _PIECE if len(codes) >= _SHORT else max(len(codes), 1)
    hashes = np.zeros(max(len(codes) - size + 1, 1), np.uint64)
    for place in range(min(size, len(codes))):
        hashes *= np.uint64(0x100000001B3)
        hashes += codes[place : place + len(hashes)]
    return _mixed(hashes)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers of which each bit depends on each bit (the end of MurmurHash3)."""
    import numpy as np  # noqa: PLC0415

    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(0xFF51AFD7ED558CCD)
    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def _least(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The least hash in each bin; an empty bin has that of the next one that is not, changed by how far it is."""
    import numpy as np  # noqa: PLC0415

    hashes = np.sort(hashes)
    bins = np.arange(_BINS)
    begins = np.searchsorted(hashes >> np.uint64(57), bins.astype(np.uint64))
    begins = np.where(begins < len(hashes), begins, 0)
    least = hashes[begins]
    distance = ((least >> np.uint64(57)).astype(np.int64) - bins) % _BINS
    return _mixed(least + distance.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _first_of_equals(table: NDArray[Any]) -> NDArray[np.intp]:
    """The rows without those that are exactly the same as an earlier one."""
    import numpy as np  # noqa: PLC0415

    high, low = table["digest"][:, 0], table["digest"][:, 1]
    order = np.lexsort((np.arange(len(table)), low, high))
    new = np.ones(len(order), np.bool_)
    new[1:] = (high[order[1:]] != high[order[:-1]]) | (low[order[1:]] != low[order[:-1]])
    return np.sort(order[new])


def _candidates(keys: NDArray[np.uint32], rows: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Each row that has the key of earlier ones, with the first of them and with the one just before."""
    import numpy as np  # noqa: PLC0415

    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    for place in np.flatnonzero(~begins):
        later = int(rows[order[place]])
        yield later, int(rows[order[starts[place]]])
        if place - 1 > starts[place]:
            yield later, int(rows[order[place - 1]])


def _resemblance(table: NDArray[Any], later: int, earlier: int, share: float) -> Resemblance:
    offset = int(table["offset"][later])
    return Resemblance(
        int(table["ordinal"][later]),
        int(table["ordinal"][earlier]),
        None if offset == _NO_OFFSET else offset,
        share,
    )


def place_of(ordinal: int, offset: int | None) -> tuple[int, int]:
    """Position and offset as a log notes them."""
    return ordinal, _NO_OFFSET if offset is None else offset
