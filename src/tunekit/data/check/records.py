"""From sources to records that are objects or have problems: the way that every reader of rows goes.

Belongs here: joining lines and their syntax, and faults that concern a file as a whole.
Does not belong here: formats and rows (`scan.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from pydantic import JsonValue, TypeAdapter, ValidationError

from tunekit.data.check import rules
from tunekit.data.check.findings import Place, Problem
from tunekit.data.check.syntax import JsonObject, Parsed, is_usable, parse_line
from tunekit.data.check.tabular import no_header, parse_cells
from tunekit.data.opening import can_be_cut, is_broken_off
from tunekit.data.reader import FileSource, Item, Line, Source
from tunekit.data.rows import Row

SAMPLE_BYTES = 1 << 20
"""Bytes up to which a first look sees everything, and of which it sees so many of anything larger."""
_SAMPLE_WINDOWS = 32
_SAMPLE_RECORDS = 2_000
"""Records of a large source that cannot be read from the middle."""


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """One line or object with its place: a row of ours, an object, or neither."""

    place: Place
    value: JsonObject | Row | None
    """`None` where the problems keep it from being used."""
    problems: tuple[Problem, ...] = ()


def parsed_records(sources: Iterable[Source]) -> Iterator[ParsedRecord]:
    """Every record of every source, faults included."""
    for source in sources:
        yield from _parsed(source)


def sampled_records(sources: Sequence[Source]) -> Iterator[ParsedRecord]:
    """Every record where there are few; else some of them from all over the files, always the same ones."""
    files = [file for file in sources if isinstance(file, FileSource) and can_be_cut(file.path)]
    total = sum(file.num_bytes for file in files)
    if len(files) < len(sources) or total <= SAMPLE_BYTES:
        for source in sources:
            large = (source.num_bytes or 0) > SAMPLE_BYTES
            yield from islice(_parsed(source), _SAMPLE_RECORDS if large else None)
        return
    wanted = iter(range(0, total, -(-total // _SAMPLE_WINDOWS)))
    position, before = next(wanted, None), 0
    for file in files:
        while position is not None and position < before + file.num_bytes:
            start = position - before
            yield from _window(file, start, start + SAMPLE_BYTES // _SAMPLE_WINDOWS)
            position = next(wanted, None)
        before += file.num_bytes


def _window(file: FileSource, start: int, end: int) -> Iterator[ParsedRecord]:
    """The records that begin in a range of bytes; their line numbers are not known."""
    for block in file.blocks(start, end):
        if block.too_long:
            continue
        for index, raw in enumerate(bytes(block.lines[:-1]).split(b"\n")):
            line = 1 if block.offset == 0 and index == 0 else 2
            yield parsed_line(Line(Place(file.path, line), raw))


def _parsed(source: Source) -> Iterator[ParsedRecord]:
    place = Place(next(iter(source.names), None), 0)
    try:
        for record in source.records():
            place = record.place
            yield parsed_item(record) if isinstance(record, Item) else parsed_line(record)
    except Exception as error:
        if not is_broken_off(error):
            raise
        yield broken_off(Place(place.path, (place.line or 0) + 1))


def broken_off(place: Place) -> ParsedRecord:
    """What stands for the rest of a file that breaks off."""
    fact = "The compressed file breaks off or is damaged here; what comes before it was read."
    return ParsedRecord(place, None, (Problem(rules.TRUNCATED_INPUT, fact),))


def parsed_line(line: Line) -> ParsedRecord:
    """The object of a line, or its faults."""
    if line.columns == ():
        return ParsedRecord(line.place, None, (no_header(),))
    parsed = _parsed_line(line)
    return ParsedRecord(line.place, parsed.value if is_usable(parsed) else None, parsed.problems)


def _parsed_line(line: Line) -> Parsed:
    if line.too_long:
        fact = "The line is longer than 64 MiB and was passed over."
        return Parsed(None, (Problem(rules.LINE_TOO_LONG, fact),))
    if line.columns is not None:
        return parse_cells(line.raw, line.columns)
    return parse_line(line.raw, first=line.place.line == 1)


_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def parsed_item(item: Item) -> ParsedRecord:
    """The object, or what stands in its way."""
    if isinstance(item.value, Row):
        return ParsedRecord(item.place, item.value)
    if isinstance(item.value, dict) and None in cast("Mapping[object, object]", item.value):
        fact = "The row has more values than the table has names."
        return ParsedRecord(item.place, None, (Problem(rules.EXTRA_VALUES, fact),))
    try:
        return ParsedRecord(item.place, _OBJECT.validate_python(dict(item.value), strict=True))
    except (ValidationError, TypeError, ValueError):
        return ParsedRecord(item.place, None, (_not_json_like(item),))


def _not_json_like(item: Item) -> Problem:
    if not isinstance(item.value, dict):
        fact = f"The item is a {type(item.value).__name__}, not an object."
        return Problem(rules.NOT_AN_OBJECT, fact, fix="Pass dicts, or rows of tunekit.")
    fact = "The object holds a value that JSON cannot hold."
    return Problem(rules.WRONG_TYPE, fact, fix="Keep to texts, numbers, lists and objects.")
