"""Models of what a line of a file looks like, and their faults as problems.

Belongs here: what every format shares: the base model, checked texts, and the translation of a failed validation.
Does not belong here: the fields of one format (the other files of this folder).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from tunekit._text import closest, did_you_mean
from tunekit.data.check import rules
from tunekit.data.check.findings import Problem, Rule, Severity
from tunekit.data.check.syntax import JsonObject


class Wire(BaseModel):
    """One object of a file, exactly as it is spelt there."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


class WireRow(Wire):
    """The outermost object of a line: fields of its own are kept, everything inside is strict."""

    model_config = ConfigDict(extra="allow")

    @property
    def unknown_fields(self) -> JsonObject:
        """The fields that the format does not know."""
        return dict(self.__pydantic_extra__ or {})


def _not_blank(text: str) -> str:
    if not text.strip():
        kind = "empty" if not text else "white space only"
        raise PydanticCustomError(rules.EMPTY_TEXT.id, "The text is {kind}.", {"kind": kind})
    return text


Text = Annotated[str, AfterValidator(_not_blank)]
"""A text with at least one visible character."""


def problems_of(error: ValidationError, wire: type[WireRow], line: JsonObject) -> list[Problem]:
    """Every fault of a failed validation, a misspelt field as one fault rather than two."""
    found = [_problem(details, wire, line) for details in error.errors(include_url=False)]
    misspelt = {problem.field for problem in found if problem.rule is rules.MISSPELT_FIELD}
    return [
        problem
        for problem in found
        if problem.rule is not rules.UNKNOWN_FIELD or problem.field not in misspelt
    ]


def unknown_field_problems(
    wire: type[WireRow], line: JsonObject, problems: list[Problem]
) -> Iterator[Problem]:
    """A problem for each outer field that is unknown and was not already named as a misspelling."""
    known = known_fields(wire)
    told = {problem.field for problem in problems}
    for name in line:
        if name not in known and name not in told:
            fact = f"The format has no field {name!r}.{did_you_mean(name, known)}"
            yield Problem(rules.UNKNOWN_FIELD, fact, field=name)


def known_fields(wire: type[Wire]) -> tuple[str, ...]:
    """The field names of a wire model as files spell them, every accepted spelling."""
    return tuple(name for spellings in _spellings(wire) for name in spellings)


def _spellings(wire: type[Wire]) -> list[tuple[str, ...]]:
    """For each field the names that files may give it, the same dialect at the same index."""
    aliases = [(info.validation_alias, name) for name, info in wire.model_fields.items()]
    return [tuple(map(str, getattr(alias, "choices", [alias or name]))) for alias, name in aliases]


def _as_the_line_would_spell(name: str, wire: type[Wire], line: Mapping[str, Any]) -> str:
    """The spelling of a missing field that goes with the fields that are there."""
    spellings = _spellings(wire)
    dialects = [names.index(key) for names in spellings for key in names if key in line]
    own = next((names for names in spellings if name in names), (name,))
    return own[min(dialects[0], len(own) - 1)] if dialects else name


@dataclass(frozen=True, slots=True)
class _Fault:
    """One failed validation and the line in which it happened."""

    details: ErrorDetails
    path: tuple[int | str, ...]
    wire: type[WireRow]
    line: JsonObject

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def field(self) -> str:
        return _spelt(self.path)


def _problem(details: ErrorDetails, wire: type[WireRow], line: JsonObject) -> Problem:
    fault = _Fault(details, _path(details["loc"], line), wire, line)
    explain = _EXPLANATIONS.get(details["type"])
    if explain is not None:
        return explain(fault)
    value = details["input"]
    if details["type"] in rules.RULES:
        return Problem(rules.RULES[details["type"]], details["msg"], fault.field, value=value)
    fact = f"{_kind(value)} stands where {_expected(details)} is expected."
    return Problem(rules.WRONG_TYPE, fact, fault.field, value=value)


def _missing(fault: _Fault) -> Problem:
    outer, siblings = fault.path[:-1], _at(fault.line, fault.path[:-1])
    name, unknown = fault.name, set(siblings)
    if not outer:
        name = _as_the_line_would_spell(name, fault.wire, fault.line)
        unknown -= set(known_fields(fault.wire))
    written = closest(name, unknown)
    if written is None:
        return Problem(
            rules.MISSING_FIELD, f"The field {name!r} is missing.", _spelt((*outer, name))
        )
    fact = f"Unknown field {written!r}, and {name!r} is missing."
    return Problem(rules.MISSPELT_FIELD, fact, _spelt((*outer, written)), fix=f"Write {name!r}.")


def _inner_unknown(fault: _Fault) -> Problem:
    fact = f"There is no field {fault.name!r} at this place of the format."
    fix = "Remove it: inside a turn nothing can be carried along."
    return Problem(rules.UNKNOWN_FIELD, fact, fault.field, fix=fix, severity=Severity.ERROR)


def _literal(fault: _Fault) -> Problem:
    rule = _LITERAL_RULES.get(fault.name, rules.WRONG_TYPE)
    expected = str(fault.details.get("ctx", {}).get("expected", ""))
    accepted = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    value = fault.details["input"]
    suggestion = did_you_mean(value, accepted) if isinstance(value, str) else ""
    fact = f"The value is not one that {fault.name!r} can have.{suggestion}"
    return Problem(rule, fact, fault.field, fix=f"Write {expected}.", value=value)


_Explain = Callable[[_Fault], Problem]

_EXPLANATIONS: Mapping[str, _Explain] = MappingProxyType(
    {"missing": _missing, "extra_forbidden": _inner_unknown, "literal_error": _literal}
)
_LITERAL_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "role": rules.UNKNOWN_ROLE,
        "author": rules.UNKNOWN_ROLE,
        "choice": rules.CHOICE_OUT_OF_RANGE,
    }
)
_KINDS: Mapping[type, str] = MappingProxyType(
    {str: "A text", bool: "True or false", int: "A number", float: "A number", list: "A list"}
    | {dict: "An object", type(None): "null"}
)
_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "string_type": "a text",
        "int_type": "a whole number",
        "float_type": "a number",
        "finite_number": "a finite number",
        "tuple_type": "a list",
        "list_type": "a list",
        "model_type": "an object",
        "model_attributes_type": "an object",
        "dict_type": "an object",
        "union_tag_not_found": "a text or a list of parts",
        "union_tag_invalid": "a text or a list of parts",
    }
)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "A value of another kind")


def _expected(details: ErrorDetails) -> str:
    return _EXPECTED.get(details["type"], "another one")


def _path(loc: tuple[int | str, ...], line: JsonObject) -> tuple[int | str, ...]:
    """The location without the names of union members, which are no fields of the file."""
    path: list[int | str] = []
    here: Any = line
    for step in loc:
        inside = isinstance(here, list) if isinstance(step, int) else isinstance(here, dict)
        if not inside:
            continue
        path.append(step)
        here = _step(here, step)
    return tuple(path)


def _step(here: Any, step: int | str) -> Any:
    try:
        return here[step]
    except (KeyError, IndexError, TypeError):
        return None


def _at(line: JsonObject, path: tuple[int | str, ...]) -> Mapping[str, Any]:
    here: Any = line
    for step in path:
        here = _step(here, step)
    return cast("dict[str, Any]", here) if isinstance(here, dict) else {}


def _spelt(path: tuple[int | str, ...]) -> str:
    """`messages[2].content`, the way a reader would write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
