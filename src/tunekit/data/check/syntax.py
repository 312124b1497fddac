"""From the bytes of one line to one JSON object, naming every fault on the way.

Belongs here: encoding, line ends and JSON itself.
Does not belong here: which fields an object should have (`formats/`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem

JsonObject = dict[str, JsonValue]

_BOM = b"\xef\xbb\xbf"
_TOO_DEEP = "The line is nested too deeply to be a row."
_MAX_DIGITS = 400
"""Digits of a number beyond which no format has a use for it."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a line holds: an object, or problems, or both where the object can still be used."""

    value: JsonObject | None
    problems: tuple[Problem, ...] = ()


class _Repeated(dict[str, JsonValue]):
    """An object that had a key twice; remembers the first such key."""

    repeated: str


def parse_line(raw: bytes, *, first: bool = False) -> Parsed:
    """Parse one line without its line feed.

    Args:
        raw: The bytes of the line.
        first: Whether it is the first line of its file, where a byte order mark may stand.
    """
    problems: list[Problem] = []
    if first and raw.startswith(_BOM):
        raw = raw.removeprefix(_BOM)
        problems.append(Problem(rules.BYTE_ORDER_MARK, "The file begins with a byte order mark."))
    if not raw.strip():
        return Parsed(None, (*problems, Problem(rules.BLANK_LINE, "The line is blank.")))
    try:
        value: JsonValue = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Parsed(None, (*problems, _not_utf8(raw, error)))
    except json.JSONDecodeError as error:
        return Parsed(None, (*problems, _not_json(raw, error)))
    except _Refused as error:
        return Parsed(None, (*problems, Problem(rules.NOT_JSON, str(error))))
    except RecursionError:
        return Parsed(None, (*problems, Problem(rules.NOT_JSON, _TOO_DEEP)))
    if not isinstance(value, dict):
        return Parsed(None, (*problems, _not_an_object(value)))
    try:
        problems.extend(_faults_inside(value, raw))
    except RecursionError:
        return Parsed(None, (*problems, Problem(rules.NOT_JSON, _TOO_DEEP)))
    return Parsed(value, tuple(problems))


def is_usable(parsed: Parsed) -> bool:
    """Whether the object says what its author meant: no fault of the line casts doubt on it."""
    doubtful = (rules.DUPLICATE_KEY, rules.NUL_CHARACTER, rules.LONE_SURROGATE)
    return parsed.value is not None and all(p.rule not in doubtful for p in parsed.problems)


class _Refused(ValueError):
    """A value that Python's parser lets pass and JSON does not know."""


def _pairs(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    unique = dict(pairs)
    if len(unique) == len(pairs):
        return unique
    keys = [key for key, _ in pairs]
    repeated = _Repeated(unique)
    repeated.repeated = next(key for index, key in enumerate(keys) if key in keys[:index])
    return repeated


def _refuse_constant(name: str) -> JsonValue:
    raise _Refused(f"{name} is not a JSON value.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused("The line has a number that is too large to be one.")
    return number


def _sized(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _Refused("The line has a number that is too large to be one.")
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_constant=_refuse_constant,
    parse_float=_finite,
    parse_int=_sized,
)


def _not_utf8(raw: bytes, error: UnicodeDecodeError) -> Problem:
    fact = f"Byte {error.start + 1:,} of the line, 0x{raw[error.start]:02x}, is not UTF-8."
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        fact = "The file is UTF-16, not UTF-8."
    return Problem(rules.NOT_UTF8, fact, byte=error.start)


def _not_json(raw: bytes, error: json.JSONDecodeError) -> Problem:
    byte = len(error.doc[: error.pos].encode("utf-8"))
    if b"\x00" in raw:
        fact = "The line has a NUL byte, which JSON does not allow."
        return Problem(rules.NUL_CHARACTER, fact, byte=raw.index(b"\x00"))
    fact = f"The line is not JSON: {error.msg} at character {error.pos + 1:,}."
    return Problem(rules.NOT_JSON, fact, fix=_json_way_out(raw, error), byte=byte)


def _json_way_out(raw: bytes, error: json.JSONDecodeError) -> str | None:
    text = raw.decode("utf-8").strip()
    if error.msg.startswith("Extra data"):
        return "Write the second value on a line of its own."
    if text in ("{", "}", "},") or (text.startswith("{") and not text.endswith("}")):
        return "Write the whole object on one line: JSON Lines has no line feeds inside a row."
    if error.doc[: error.pos].rstrip().endswith(","):
        return "Remove the comma before the closing bracket."
    if text.startswith("{'"):
        return "Write double quotes: this is a Python dict, not JSON."
    return None


def _not_an_object(value: JsonValue) -> Problem:
    kind: dict[type, str] = {
        list: "an array",
        str: "a text",
        bool: "true or false",
        type(None): "null",
    }
    fact = f"The line is {kind.get(type(value), 'a number')}, not an object."
    return Problem(rules.NOT_AN_OBJECT, fact, value=value)


def _faults_inside(value: JsonObject, raw: bytes) -> Iterator[Problem]:
    """Faults that a parser lets pass. The bytes tell cheaply whether to look at all."""
    if b"\\u" in raw:
        yield from _character_faults(value)
    for field, nested in _objects(value, ""):
        if isinstance(nested, _Repeated):
            fact = f"The key {nested.repeated!r} is there twice; a parser keeps the last only."
            yield Problem(rules.DUPLICATE_KEY, fact, field=_joined(field, nested.repeated))


def _character_faults(value: JsonObject) -> Iterator[Problem]:
    for field, text in _texts(value, ""):
        if "\x00" in text:
            fact = f"The text has a NUL character at position {text.index(chr(0)) + 1:,}."
            yield Problem(rules.NUL_CHARACTER, fact, field=field)
        lone = next((i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)
        if lone is not None:
            fact = f"The text has the lone surrogate \\u{ord(text[lone]):04x} at position {lone + 1:,}."
            yield Problem(rules.LONE_SURROGATE, fact, field=field)


def _texts(value: JsonValue, field: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield _joined(field, key), key
            yield from _texts(inner, _joined(field, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{field}[{index}]")


def texts_of(value: JsonValue, field: str) -> Iterator[tuple[str, str]]:
    """Every text inside a value, with the path to it; names of fields are no texts."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_of(inner, _joined(field, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_of(inner, f"{field}[{index}]")


def _objects(value: JsonValue, field: str) -> Iterator[tuple[str, JsonObject]]:
    if isinstance(value, dict):
        yield field, value
        for key, inner in value.items():
            yield from _objects(inner, _joined(field, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _objects(inner, f"{field}[{index}]")


def _joined(field: str, key: str) -> str:
    return f"{field}.{key}" if field else key
