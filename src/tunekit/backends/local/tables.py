"""Rows as the trainers take them: token ids in memory, four bytes each, nothing on disk.

Belongs here: columns of token ids as a table of `datasets`.
Does not belong here: which columns a trainer takes (`supervised.py` and its siblings), tokens (`encoding.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset as Table


def table_of(rows: Iterable[Mapping[str, list[int]]]) -> Table:
    """A table with a column of token ids per key; every row has the same keys."""
    import pyarrow as pa
    from datasets import Dataset as Table

    columns: dict[str, _Column] = {}
    for row in rows:
        for name, ids in row.items():
            columns.setdefault(name, _Column()).add(ids)
    return Table(pa.table({name: column.as_arrow() for name, column in columns.items()}))


class _Column:
    """Lists of token ids, one after the other."""

    def __init__(self) -> None:
        self._ids = array("i")
        self._ends = array("q", [0])

    def add(self, ids: list[int]) -> None:
        """Add the list of a row."""
        self._ids.extend(ids)
        self._ends.append(len(self._ids))

    def as_arrow(self) -> Any:
        """The lists, sharing the memory."""
        import numpy as np
        import pyarrow as pa

        values = pa.array(np.frombuffer(self._ids, dtype=np.int32))
        offsets = pa.array(np.frombuffer(self._ends, dtype=np.int64))
        return pa.LargeListArray.from_arrays(offsets, values)
