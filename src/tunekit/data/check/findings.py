"""What a check says: a finding, how grave it is, and where.

Belongs here: the values that name one fault of a dataset.
Does not belong here: the rules themselves (`rules.py`), the summary of a whole check (`report.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import LiteralString

from tunekit._text import excerpt
from tunekit._value import Value


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    """The row cannot be used as it is: nothing starts."""
    WARNING = "warning"
    """The rows can be used, and the result is likely worse than it could be."""
    INFO = "info"
    """Good to know."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies in its source."""

    path: str | None
    """The file as it was named, or `None` for rows that came from memory."""
    line: int | None
    """1-based line; for rows from memory the 1-based position; `None` where the file as a whole is the record."""
    offset: int | None = None
    """Bytes from the start of the file to the start of the line."""

    def __str__(self) -> str:
        if self.line is None:
            return self.path or "dataset"
        return f"{self.path}:{self.line}" if self.path else f"row {self.line}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a check looks for."""

    id: LiteralString
    severity: Severity
    summary: str
    """What is wrong, as one sentence without the particulars."""
    fix: str
    """The way out, unless a finding knows a better one."""
    rows: tuple[str, ...] = ()
    """The kinds of row that it applies to, such as `Preference`; none means all."""
    source: str | None = None
    """The public page or standard that says so, where it is somebody's limit, advice or definition."""
    group: str | None = None
    """The name by which it is asked for together with others; `None` where it is always looked for."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in one record, before its place is known."""

    rule: Rule
    fact: str
    """What is the case, without any of the row's text."""
    field: str | None = None
    """Path to the field, such as `messages[2].content`."""
    fix: str | None = None
    """A way out that fits this case better than the rule's own."""
    value: object = None
    """The offending value, of which a finding keeps a short excerpt."""
    byte: int | None = None
    """Bytes from the start of the line to the fault."""
    severity: Severity | None = None
    """How grave, where this case is less or more grave than the rule."""


class Finding(Value):
    """One fault of a dataset: what, where, how grave, and the way out."""

    rule: str
    """Kebab-case id, such as `missing-field`."""
    severity: Severity
    path: str | None
    """The file as it was named, or `None` for rows from memory and for faults of the whole dataset."""
    line: int | None
    """1-based line of the offending row, of the later one for a duplicate; `None` for the whole dataset, and for a file
    that is one row, such as an image."""
    offset: int | None
    """Bytes from the start of the file to the fault, or to the start of its line."""
    field: str | None
    """Path to the field, such as `messages[2].content`."""
    message: str
    """What is the case. It holds no text of the row."""
    fix: str
    """The way out."""
    excerpt: str | None = None
    """The start of the offending value, at most 40 characters; `None` when excerpts are switched off."""

    @classmethod
    def of(cls, problem: Problem, place: Place | None, *, excerpts: bool = True) -> Finding:
        """The finding for a problem at a place; no place means the dataset as a whole."""
        offset = place.offset if place else None
        if offset is not None and problem.byte is not None:
            offset += problem.byte
        shown = excerpts and problem.value is not None
        return cls(
            rule=problem.rule.id,
            severity=problem.severity or problem.rule.severity,
            path=place.path if place else None,
            line=place.line if place else None,
            offset=offset,
            field=problem.field,
            message=problem.fact,
            fix=problem.fix or problem.rule.fix,
            excerpt=excerpt(problem.value) if shown else None,
        )

    @property
    def place(self) -> str:
        """`train.jsonl:7`, `row 7`, or `dataset`."""
        return str(Place(self.path, self.line))

    def __str__(self) -> str:
        field = f" {self.field}:" if self.field else ""
        return f"{self.place}: {self.severity} {self.rule}:{field} {self.message} {self.fix}"
