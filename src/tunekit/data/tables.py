"""Rows from tables: CSV, TSV, Parquet, Arrow, frames of pandas and polars, and files that are one JSON array.

Belongs here: turning a table's rows into objects, as a JSON line would have them.
Does not belong here: opening files (`opening.py`), what the objects mean (`formats/`).
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, cast

from pydantic import JsonValue

from tunekit.data import opening
from tunekit.data.check.findings import Place
from tunekit.data.check.syntax import JsonObject
from tunekit.data.check.tabular import COLUMNS, SUFFIX, columns_of, table_line
from tunekit.data.reader import FileSource, Item, Line, Record
from tunekit.errors import FormatLoss

DELIMITERS = {".csv": ",", ".tsv": "\t"}
COLUMNAR = (".parquet", ".arrow", ".feather")
_NESTED = ("messages", "contents", "completions", "systemInstruction", "system_instruction")
_MARKS = re.compile(rb'["\\{}\[\],\n]|[^\s"\\{}\[\],]')
_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True)
class _NamedFile:
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.path,)

    @property
    def num_bytes(self) -> int:
        return opening.num_bytes(self.path)


@dataclass(frozen=True, slots=True)
class DelimitedSource(_NamedFile):
    """A file of values between commas or tabs, whose first line has the names of the fields."""

    def records(self) -> Iterator[Record]:
        """Every row, at the line where it begins. Empty values are left out."""
        csv.field_size_limit(sys.maxsize)
        delimiter = DELIMITERS[opening.suffix(self.path)]
        with opening.opened(self.path) as raw:
            text = io.TextIOWrapper(
                cast("IO[bytes]", raw), encoding="utf-8-sig", newline="", errors="surrogateescape"
            )
            reader = csv.DictReader(text, delimiter=delimiter)
            _ = reader.fieldnames
            line = reader.line_num + 1
            for values in reader:
                yield Item(Place(self.path, line), _from_texts(values))
                line = reader.line_num + 1


@dataclass(frozen=True, slots=True)
class LabelsSource(_NamedFile):
    """A file of labels: a header, and lines of cells that are separated by tabs, as BEIR and Vertex AI have them."""

    def records(self) -> Iterator[Record]:
        """Every line but the header; of a table without one the first line only."""
        columns: tuple[str, ...] | None = None
        for line in FileSource(self.path).records():
            if line.place.line == 1:
                columns = columns_of(line.raw)
                if columns is None:
                    yield replace(line, columns=())
                    return
            else:
                yield replace(line, columns=columns)


@dataclass(frozen=True, slots=True)
class ColumnarSource(_NamedFile):
    """A Parquet or Arrow file; a row's place is its position."""

    def records(self) -> Iterator[Record]:
        """Every row. Nulls are left out."""
        with opening.opened(self.path) as raw:
            yield from _records(self._batches(raw), self.path)

    def _batches(self, raw: Any) -> Any:
        if opening.suffix(self.path) == ".parquet":
            parquet = opening.pyarrow_module("pyarrow.parquet")
            return parquet.ParquetFile(raw).iter_batches(batch_size=1_024)
        table = opening.pyarrow_module("pyarrow.feather").read_table(raw)
        return table.to_batches(max_chunksize=1_024)


@dataclass(frozen=True, slots=True)
class FrameSource:
    """A frame or table in memory that speaks Arrow: pandas, polars, pyarrow, duckdb."""

    frame: Any

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    @property
    def num_bytes(self) -> None:
        return None

    def records(self) -> Iterator[Record]:
        """Every row. Nulls are left out."""
        reader = opening.pyarrow_module("pyarrow").RecordBatchReader.from_stream(self.frame)
        yield from _records(reader, None)


@dataclass(frozen=True, slots=True)
class ArraySource(_NamedFile):
    """A file that is one JSON array of objects, read element by element."""

    def records(self) -> Iterator[Record]:
        """Every element, at the line where it begins."""
        for line, offset, raw in _elements(self.path):
            yield Line(Place(self.path, line, offset), raw)


def has_labels(path: str) -> bool:
    """Whether a table is one of labels: by its header, or by three cells of which the last is a number."""
    if opening.suffix(path) != SUFFIX:
        return False
    try:
        first = next(FileSource(path).records(), None)
    except Exception as error:
        if opening.is_broken_off(error):
            return False
        raise
    if first is None:
        return False
    cells = first.raw.rstrip(b"\r").split(b"\t")
    return columns_of(first.raw) is not None or (len(cells) == len(COLUMNS) and cells[-1].isdigit())


def is_json_array(path: str) -> bool:
    """Whether a file begins like an array of objects."""
    with opening.opened(path) as file:
        try:
            start = file.read(4_096).removeprefix(b"\xef\xbb\xbf").lstrip()
        except Exception as error:
            if opening.is_broken_off(error):
                return False
            raise
    return start.startswith(b"[") and start[1:].lstrip()[:1] in (b"{", b"")


def write_table(lines: Iterable[JsonObject], path: str, target: str) -> None:
    """Write flat lines as CSV or TSV, any lines as Parquet or Arrow.

    Raises:
        FormatLoss: A value is no text or number, and the file would hold texts only.
    """
    if opening.suffix(path) in DELIMITERS:
        _write_delimited(list(lines), DELIMITERS[opening.suffix(path)], target)
        return
    table = opening.pyarrow_module("pyarrow").Table.from_pylist(list(lines))
    if opening.suffix(path) == ".parquet":
        opening.pyarrow_module("pyarrow.parquet").write_table(table, target)
    else:
        opening.pyarrow_module("pyarrow.feather").write_feather(table, target)


def _write_delimited(lines: list[JsonObject], delimiter: str, target: str) -> None:
    names = list(dict.fromkeys(name for line in lines for name in line))
    if names and set(names) <= set(COLUMNS):
        _write_labels(lines, target)
        return
    for line in lines:
        for name, value in line.items():
            plain = isinstance(value, str) and value and "\0" not in value
            if not plain and (name != "choice" or not isinstance(value, int)):
                raise FormatLoss(
                    f"The field {name!r} is no plain text, which a table of texts cannot hold.",
                    hint="Write .jsonl or .parquet.",
                )
    with open(target, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.DictWriter(file, names, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _write_labels(lines: list[JsonObject], target: str) -> None:
    told = ["\t".join(COLUMNS), *map(table_line, lines)]
    with open(target, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
        file.writelines(f"{line}\n" for line in told)


def _records(batches: Iterable[Any], path: str | None) -> Iterator[Record]:
    number = 0
    for batch in batches:
        for value in batch.to_pylist():
            number += 1
            yield Item(Place(path, number), _without_nulls(value))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return {key: _without_nulls(one) for key, one in named.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in cast("Sequence[Any]", value)]
    return value


def _from_texts(values: Mapping[Any, Any]) -> dict[str, JsonValue]:
    # values without a name stay under `None`, where the check finds them
    return {
        name: _from_text(str(name), value)
        for name, value in values.items()
        if value not in ("", None)
    }


def _from_text(name: str, value: Any) -> JsonValue:
    """A value as JSON has it: choices are numbers, and turns are lists."""
    if name == "choice" and value in ("0", "1"):
        return int(value)
    if name in _NESTED and isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            nested: JsonValue = json.loads(value)
        except ValueError:
            return value
        return nested
    plain: JsonValue = value
    return plain


def _elements(path: str) -> Iterator[tuple[int, int, bytes]]:
    """Line, offset and bytes of each element of an array, in memory of one element.

    What stands between two elements and is neither a comma nor white space is an element too, so that it is reported.
    """
    depth, in_text, escaped = 0, False, False
    line, passed, began = 1, 0, (1, 0)
    pending = bytearray()
    with opening.opened(path) as file:
        while chunk := file.read(_CHUNK):
            kept = 0
            for mark in _MARKS.finditer(chunk):
                byte, at = mark.group(), mark.start()
                line += byte == b"\n"
                if in_text:
                    in_text = escaped or byte != b'"'
                    escaped = byte == b"\\" and not escaped
                    continue
                closes = byte in (b"]", b"}")
                ends = depth == 1 and byte in (b",", b"]")
                if ends:
                    pending += chunk[kept:at]
                    if pending.strip():
                        yield (*began, bytes(pending).strip())
                    pending.clear()
                    kept = at + 1
                elif depth == 1 and not (pending + chunk[kept:at]).strip() and byte != b"\n":
                    pending.clear()
                    began, kept = (line, passed + at), at
                if byte == b'"':
                    in_text, escaped = True, False
                elif byte in (b"[", b"{"):
                    depth += 1
                    if depth == 1:
                        kept = at + 1
                elif closes:
                    depth -= 1
                    if depth == 0:
                        kept = at + 1
                escaped = False
            pending += chunk[kept:] if depth else b""
            passed += len(chunk)
    if pending.strip():
        yield (*began, bytes(pending).strip())
