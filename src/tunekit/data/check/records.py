"""From sources to records that are objects or have problems: the way that every reader of rows goes.

Belongs here: joining lines and their syntax, and faults that concern a file as a whole.
Does not belong here: formats and rows (`scan.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter, ValidationError

from tunekit.data.check import rules
from tunekit.data.check.findings import Place, Problem
from tunekit.data.check.syntax import JsonObject, Parsed, is_usable, parse_line
from tunekit.data.check.tabular import no_header, parse_cells
from tunekit.data.reader import Item, Line, Source
from tunekit.data.rows import Row


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


def _parsed(source: Source) -> Iterator[ParsedRecord]:
    told_crlf = False
    for record in source.records():
        if isinstance(record, Item):
            yield _parsed_item(record)
            continue
        parsed, problems = _parsed_line(record), list[Problem]()
        if record.raw.endswith(b"\r") and not told_crlf:
            told_crlf = True
            problems.append(Problem(rules.CRLF, "Lines end in CRLF."))
        if record.columns == ():
            yield ParsedRecord(record.place, None, (no_header(),))
            return
        if record.columns is None and record.place.line == 1 and _is_json_array(record.raw):
            yield ParsedRecord(record.place, None, (_json_array(),))
            return
        value = parsed.value if is_usable(parsed) else None
        yield ParsedRecord(record.place, value, (*parsed.problems, *problems))


def _parsed_line(line: Line) -> Parsed:
    if line.too_long:
        fact = "The line is longer than 64 MiB and was passed over."
        return Parsed(None, (Problem(rules.LINE_TOO_LONG, fact),))
    if line.columns is not None:
        return parse_cells(line.raw, line.columns)
    return parse_line(line.raw, first=line.place.line == 1)


_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def _parsed_item(item: Item) -> ParsedRecord:
    if isinstance(item.value, Row):
        return ParsedRecord(item.place, item.value)
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


def _is_json_array(raw: bytes) -> bool:
    """Whether a first line begins an array of objects: the whole file is one JSON value."""
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    return text == b"[" or (text.startswith(b"[") and text[1:].lstrip().startswith(b"{"))


def _json_array() -> Problem:
    fact = "The file is one JSON array instead of one object a line; it was not read any further."
    return Problem(rules.JSON_ARRAY, fact)
