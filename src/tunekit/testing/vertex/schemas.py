"""The messages of Vertex AI's public interface: reads requests as strictly as its servers do, and writes answers.

Belongs here: proto JSON: names in two spellings, enums by name or number, long integers as text, what is required.
Does not belong here: the messages themselves (`schemas.json`, made by `tools/vertex_schemas.py`), what they mean.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from tunekit.testing.vertex.wire import Json, Refusal

_INTEGERS: Mapping[str, int] = {"int32": 31, "uint32": 32, "int64": 63, "uint64": 64}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
_NUMBERS = ("NaN", "Infinity", "-Infinity")


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the interface."""

    name: str
    verb: str
    pattern: re.Pattern[str]
    """What its paths look like, with the ids as groups."""
    takes: str | None
    gives: str
    query: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: str
    many: str
    """`[` for a list, `{` for a map, nothing otherwise."""
    required: bool
    output_only: bool


class Schemas:
    """The messages and methods of one version of the interface."""

    def __init__(self, version: str, parts: Any) -> None:
        self.version = version
        self.revision: str = parts["revision"]
        self._messages = {name: _fields(raw) for name, raw in parts["messages"].items()}
        self._enums: Mapping[str, Mapping[str, int | None]] = parts["enums"]
        self._methods = parts["methods"]

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Every method that is known."""
        return tuple(
            Method(
                name=name,
                verb=raw["verb"],
                pattern=_pattern(raw["path"]),
                takes=raw["takes"],
                gives=raw["gives"],
                query=frozenset(raw["query"]),
            )
            for name, raw in self._methods.items()
        )

    def knows(self, message: str, field: str) -> bool:
        """Whether the message has a field of that name."""
        return field in self._messages.get(message, {})

    def read(self, message: str, raw: Any, *, place: str = "", partial: bool = False) -> Json:
        """A request's message with every name and enum in its canonical spelling.

        Fields that only the server sets are left out, as the servers do.

        Args:
            message: Name of the message.
            raw: What was sent.
            place: Where it stands in the request, for the refusal.
            partial: Whether required fields may be missing, as in an update.

        Raises:
            Refusal: A field is unknown, of the wrong type, or required and missing.
        """
        if not isinstance(raw, dict):
            raise _invalid(place, f"Expected an object for {place or 'the request'!r}.")
        known = self._messages[message]
        read: Json = {}
        for key, value in raw.items():
            field = known.get(_camel(key))
            if field is None:
                where = f"at '{place}': " if place else ""
                raise _invalid(place, f'Unknown name "{key}" {where}Cannot find field.')
            if value is None or field.output_only:
                continue
            read[field.name] = self._value(field, value, _joined(place, field.name))
        missing = [] if partial else _missing(known, read)
        if missing:
            names = [_joined(place, _snake(name)) for name in missing]
            raise Refusal(
                400,
                f"Required field is not set: {', '.join(names)}.",
                fields=[(name, "Required field is not set.") for name in names],
            )
        return read

    def written(self, message: str, value: Any, *, other: Schemas, numbered: bool = False) -> Json:
        """An answer as this version gives it: without the fields that only the other version has.

        Args:
            message: Name of the message.
            value: The answer, in canonical spelling.
            other: The other version.
            numbered: Whether enums are to be written as numbers.

        Raises:
            KeyError: A field is in neither version: a fault of the emulator.
        """
        known = self._messages[message]
        answer: Json = {}
        for key, item in value.items():
            field = known.get(key)
            if field is None:
                if not other.knows(message, key):
                    raise KeyError(f"{message} has no field {key!r} in any version.")
                continue
            answer[key] = self._written(field, item, other, numbered=numbered)
        return answer

    # --- steps -------------------------------------------------------------------------------------------------------

    def _value(self, field: _Field, value: Any, place: str) -> Any:
        if field.many == "[":
            if not isinstance(value, list):
                raise _invalid(place, f"Expected a list for '{place}'.")
            return [self._single(field.kind, item, f"{place}[{n}]") for n, item in enumerate(value)]
        if field.many == "{":
            if not isinstance(value, dict):
                raise _invalid(place, f"Expected an object for '{place}'.")
            return {key: self._single(field.kind, item, place) for key, item in value.items()}
        return self._single(field.kind, value, place)

    def _single(self, kind: str, value: Any, place: str) -> Any:
        if kind in self._messages and kind not in ("GoogleProtobufValue", "GoogleProtobufStruct"):
            return self.read(kind, value, place=place)
        if kind in self._enums:
            return self._enum(kind, value, place)
        return _scalar(kind, value, place)

    def _enum(self, kind: str, value: Any, place: str) -> str:
        values = self._enums[kind]
        named = {number: name for name, number in values.items() if number is not None}
        if isinstance(value, str) and value in values:
            return value
        if isinstance(value, int) and not isinstance(value, bool) and value in named:
            return named[value]
        raise _invalid(place, f"Invalid value at '{place}' (TYPE_ENUM), {json.dumps(value)}")

    def _written(self, field: _Field, value: Any, other: Schemas, *, numbered: bool) -> Any:
        def one(item: Any) -> Any:
            if field.kind in self._messages and isinstance(item, dict) and "@type" not in item:
                return self.written(field.kind, item, other=other, numbered=numbered)
            if numbered and field.kind in self._enums:
                number = self._enums[field.kind].get(item)
                return item if number is None else number
            return item

        if field.many == "[":
            return [one(item) for item in value]
        if field.many == "{":
            return {key: one(item) for key, item in value.items()}
        return one(value)


@cache
def schemas() -> Mapping[str, Schemas]:
    """Both versions, by name."""
    text = (files("tunekit.testing.vertex") / "schemas.json").read_text(encoding="utf-8")
    return {version: Schemas(version, parts) for version, parts in json.loads(text).items()}


def _fields(raw: Mapping[str, str]) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    for name, text in raw.items():
        kind = text.rstrip("!-")
        many = kind[0] if kind[0] in "[{" else ""
        fields[name] = _Field(
            name=name,
            kind=kind[1:-1] if many else kind,
            many=many,
            required=text.endswith("!"),
            output_only=text.endswith("-"),
        )
    return fields


def _pattern(path: str) -> re.Pattern[str]:
    """A path with `{endpointsId}` as the group `endpoints`."""
    parts = re.split(r"\{(\w+)Id\}", path)
    written = [
        f"(?P<{part}>[^/:]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    ]
    return re.compile("/" + "".join(written))


def _missing(known: Mapping[str, _Field], read: Json) -> list[str]:
    """Required fields that are not there or empty; a number may be 0, which proto JSON leaves out."""
    numeric = (*_INTEGERS, "double", "float", "boolean")
    return [
        name
        for name, field in known.items()
        if field.required
        and field.kind not in numeric
        and (name not in read or read[name] in ("", []))
    ]


def _scalar(kind: str, value: Any, place: str) -> Any:
    if kind in ("any", "object", "GoogleProtobufValue", "GoogleProtobufStruct"):
        return value
    if kind in _INTEGERS:
        return _integer(kind, value, place)
    if kind in ("double", "float"):
        return _number(value, place)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _mismatch(place, "TYPE_BOOL", value)
        return value
    if not isinstance(value, str):
        raise _mismatch(place, "TYPE_STRING", value)
    if kind == "byte":
        return _bytes(value, place)
    if kind == "google-datetime" and not _TIME.fullmatch(value):
        raise _mismatch(place, "type.googleapis.com/google.protobuf.Timestamp", value)
    if kind == "google-duration" and not _DURATION.fullmatch(value):
        raise _mismatch(place, "type.googleapis.com/google.protobuf.Duration", value)
    return value


def _integer(kind: str, value: Any, place: str) -> int | str:
    """A whole number; those of 64 bits are text on the wire, and are kept so."""
    try:
        number = int(value) if isinstance(value, int | str) else int(float(value))
        fits = not isinstance(value, bool) and float(value) == number
    except (TypeError, ValueError, OverflowError):
        fits, number = False, 0
    low = 0 if kind.startswith("u") else -(2 ** _INTEGERS[kind])
    if not fits or not low <= number < 2 ** _INTEGERS[kind]:
        raise _mismatch(place, f"TYPE_{kind.upper()}", value)
    return str(number) if kind.endswith("64") else number


def _number(value: Any, place: str) -> float | str:
    if isinstance(value, str) and value in _NUMBERS:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or math.isnan(number):
        raise _mismatch(place, "TYPE_DOUBLE", value)
    return number


def _bytes(value: str, place: str) -> str:
    try:
        base64.b64decode(value.replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        raise _mismatch(place, "TYPE_BYTES", value) from None
    return value


def _mismatch(place: str, kind: str, value: Any) -> Refusal:
    return _invalid(place, f"Invalid value at '{place}' ({kind}), {json.dumps(value)[:80]}")


def _invalid(place: str, text: str) -> Refusal:
    return Refusal(400, f"Invalid JSON payload received. {text}", fields=[(place, text)])


def _joined(place: str, name: str) -> str:
    return f"{place}.{_snake(name)}" if place else _snake(name)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
