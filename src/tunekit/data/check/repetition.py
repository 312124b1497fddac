"""Finds rows that are there twice, and rows that contradict each other, among any number of rows in bounded memory.

Belongs here: the log of what each row asks and teaches, and the search in it.
Does not belong here: how a row becomes numbers (`digests.py`), the words of the findings (`partial.py`).
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import IO, TYPE_CHECKING, Any

from tunekit.data.check.digests import DIGEST_BYTES, MASK, NO_QUESTION, RowKeys, dataset_digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ENTRY = struct.Struct("<16sQQQ")
ENTRY_FIELDS = [("high", ">u8"), ("low", ">u8")] + [
    (name, "<u8") for name in ("question", "offset", "ordinal")
]
"""The fields of an entry, as numpy names them."""
NO_OFFSET = (1 << 64) - 1
"""The offset of a row that comes from no file."""
_ENTRIES_IN_MEMORY = 500_000
_PLAIN_ENTRIES = 2_000
"""Entries up to which plain Python finds them as fast as numpy can be loaded."""
_PARTS = 64


@dataclass(frozen=True, slots=True, order=True)
class Repetition:
    """A row that repeats or contradicts an earlier one."""

    ordinal: int
    """0-based position of the record among all records that were read."""
    earlier: int
    offset: int | None
    exchanged: bool = False
    """Whether it is the same preference with the candidates exchanged."""


@dataclass(frozen=True, slots=True)
class Repetitions:
    """What was found: all counted, the first ones kept."""

    num_duplicates: int
    num_conflicts: int
    duplicates: tuple[Repetition, ...]
    conflicts: tuple[Repetition, ...]


@dataclass(slots=True)
class RowLog:
    """What each row asks and teaches, in the order of the rows; beyond half a million on disk."""

    _entries: bytearray = field(default_factory=bytearray)
    _spilled: IO[bytes] | None = None
    _num_spilled: int = 0

    def __len__(self) -> int:
        return self._num_spilled + len(self._entries) // _ENTRY.size

    def add(self, keys: RowKeys, offset: int | None, ordinal: int) -> None:
        """Note one row."""
        place = NO_OFFSET if offset is None else offset
        self._entries += _ENTRY.pack(keys.digest, keys.question, place, ordinal)
        self._spill()

    def extend(self, entries: bytes) -> None:
        """Note many rows, packed as `ENTRY_FIELDS` says."""
        self._entries += entries
        self._spill()

    def append(self, other: RowLog, first_ordinal: int) -> None:
        """Note the rows of another log, whose first record has this ordinal here."""
        for entries in other.chunks():
            shifted = _array(entries).copy()
            shifted["ordinal"] += first_ordinal
            self.extend(shifted.tobytes())

    def chunks(self) -> Iterator[bytes]:
        """The entries in order."""
        if self._spilled is not None:
            self._spilled.seek(0)
            while chunk := self._spilled.read(_ENTRIES_IN_MEMORY * _ENTRY.size):
                yield chunk
        yield bytes(self._entries)

    def digest(self) -> str:
        """The digest of the dataset that these rows are."""
        return dataset_digest(_digests(chunk) for chunk in self.chunks())

    def repetitions(self, keep: int) -> Repetitions:
        """Every row that is there already, and every first row of a lesson that contradicts an earlier one.

        Args:
            keep: How many of each are kept, those that come first; all are counted.
        """
        find = _plain if len(self) <= _PLAIN_ENTRIES else _vectorised
        parts = [bytes(self._entries)] if self._spilled is None else self._parts()
        found = [find(part, keep) for part in parts]
        return Repetitions(
            sum(part.num_duplicates for part in found),
            sum(part.num_conflicts for part in found),
            tuple(nsmallest(keep, (one for part in found for one in part.duplicates))),
            tuple(nsmallest(keep, (one for part in found for one in part.conflicts))),
        )

    def _spill(self) -> None:
        if len(self._entries) < _ENTRIES_IN_MEMORY * _ENTRY.size:
            return
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the log goes
        self._spilled.seek(0, 2)
        self._spilled.write(self._entries)
        self._num_spilled += len(self._entries) // _ENTRY.size
        self._entries.clear()

    def _parts(self) -> Iterator[bytes]:
        """The entries by their question: rows that are equal, or contradict each other, are in one part."""
        import numpy as np  # noqa: PLC0415

        files = [tempfile.TemporaryFile() for _ in range(_PARTS)]  # noqa: SIM115  # closed below
        for chunk in self.chunks():
            entries = _array(chunk)
            # rows without a question are told apart by what they teach
            key = np.where(entries["question"] == NO_QUESTION, entries["high"], entries["question"])
            part = key.astype(np.uint64) >> np.uint64(58)
            for index in np.unique(part):
                files[int(index)].write(entries[part == index].tobytes())
        for file in files:
            with file:
                file.seek(0)
                yield file.read()

    def __del__(self) -> None:
        if self._spilled is not None:
            self._spilled.close()

    def __getstate__(self) -> bytes:
        return b"".join(self.chunks())

    def __setstate__(self, entries: bytes) -> None:
        self._entries, self._spilled, self._num_spilled = bytearray(entries), None, 0


def _array(entries: bytes) -> NDArray[Any]:
    import numpy as np  # noqa: PLC0415

    return np.frombuffer(entries, np.dtype(ENTRY_FIELDS))


def _digests(entries: bytes) -> bytes:
    if len(entries) <= _PLAIN_ENTRIES * _ENTRY.size:
        starts = range(0, len(entries), _ENTRY.size)
        return b"".join(entries[start : start + DIGEST_BYTES] for start in starts)
    import numpy as np  # noqa: PLC0415

    table = np.frombuffer(entries, np.uint8).reshape(-1, _ENTRY.size)
    return table[:, :DIGEST_BYTES].tobytes()


def _plain(entries: bytes, keep: int) -> Repetitions:
    duplicates, conflicts = list[Repetition](), list[Repetition]()
    lessons, questions = dict[bytes, tuple[int, int]](), dict[int, int]()
    for digest, question, offset, ordinal in _ENTRY.iter_unpack(entries):
        place = None if offset == NO_OFFSET else offset
        taught = digest[:-1] + bytes((digest[-1] & 0xFE,))
        earlier, choice = lessons.setdefault(taught, (ordinal, digest[-1] & 1))
        if earlier != ordinal:
            duplicates.append(Repetition(ordinal, earlier, place, choice != digest[-1] & 1))
        elif question != NO_QUESTION and questions.setdefault(question, ordinal) != ordinal:
            conflicts.append(Repetition(ordinal, questions[question], place))
    return Repetitions(
        len(duplicates), len(conflicts), tuple(duplicates[:keep]), tuple(conflicts[:keep])
    )


def _vectorised(entries: bytes, keep: int) -> Repetitions:
    import numpy as np  # noqa: PLC0415

    table = _array(entries)
    high, low = table["high"].astype(np.uint64), table["low"].astype(np.uint64)
    rows = np.arange(len(table))
    first = _firsts(high, low & np.uint64(MASK - 1))
    again = np.flatnonzero(first != rows)
    duplicates = [
        _repetition(
            table, row, first[row], exchanged=bool((low[row] ^ low[first[row]]) & np.uint64(1))
        )
        for row in again[:keep]
    ]
    asked = np.flatnonzero((first == rows) & (table["question"] != NO_QUESTION))
    earliest = asked[_firsts(table["question"][asked])]
    contradicted = np.flatnonzero(earliest != asked)
    conflicts = [_repetition(table, asked[index], earliest[index]) for index in contradicted[:keep]]
    return Repetitions(len(again), len(contradicted), tuple(duplicates), tuple(conflicts))


def _firsts(*keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """For each row the first one with the same keys, which mostly is the row itself."""
    import numpy as np  # noqa: PLC0415

    first = np.arange(len(keys[0]))
    ordered = np.sort(keys[0])
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated):
        return first
    nearest = np.minimum(np.searchsorted(repeated, keys[0]), len(repeated) - 1)
    rows = np.flatnonzero(repeated[nearest] == keys[0])
    order = rows[np.lexsort((rows, *(key[rows] for key in keys)))]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = np.logical_or.reduce([key[order[1:]] != key[order[:-1]] for key in keys])
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first


def _repetition(
    table: NDArray[Any], row: Any, earlier: Any, *, exchanged: bool = False
) -> Repetition:
    offset = int(table["offset"][row])
    return Repetition(
        int(table["ordinal"][row]),
        int(table["ordinal"][earlier]),
        None if offset == NO_OFFSET else offset,
        exchanged,
    )
