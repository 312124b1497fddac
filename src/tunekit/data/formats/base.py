"""What a format is: how one kind of row is spelt in a file, there and back.

Belongs here: the one interface that all formats have.
Does not belong here: any field name (the other files of this folder).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import JsonValue, ValidationError

from tunekit._text import either
from tunekit.data.check.findings import Problem, Severity
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.convert import as_kind
from tunekit.data.formats.wire import WireRow, problems_of, unknown_field_problems
from tunekit.data.rows import Row
from tunekit.errors import FormatLoss

FormatName = Literal[
    "gemini",
    "gemini_preference",
    "messages",
    "palm_chat",
    "preference",
    "prompt_completion",
    "prompts",
    "retrieval_corpus",
    "retrieval_labels",
    "retrieval_queries",
]
"""The formats that files may have."""

WireT = TypeVar("WireT", bound=WireRow)
NativeT = TypeVar("NativeT", bound=Row)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A row, or what stands in its way. A row may come with problems that do not hinder it."""

    row: Row | None
    problems: tuple[Problem, ...] = ()


class Format(ABC, Generic[WireT, NativeT]):
    """How one kind of row is spelt in a file."""

    name: ClassVar[FormatName]
    row_type: type[NativeT]
    """The kind of row that a line of this format is."""

    @abstractmethod
    def claims(self, line: JsonObject) -> bool:
        """Whether a line looks like this format; cheap, and without judging its contents."""

    @abstractmethod
    def resembles(self, line: JsonObject) -> bool:
        """Whether a line has the outer fields of this format, whatever is inside."""

    @abstractmethod
    def wire_for(self, line: JsonObject) -> type[WireT]:
        """The model of the line; most formats have one."""

    @abstractmethod
    def row_of(self, wire: WireT) -> NativeT:
        """The row that a valid line holds."""

    @abstractmethod
    def line_of(self, row: NativeT) -> JsonObject:
        """The line that holds the row.

        Raises:
            FormatLoss: The row has a part that the format cannot hold.
        """

    def problems_in(self, row: NativeT) -> Iterator[Problem]:
        """Faults of a row whose fields are all valid."""
        yield from ()

    def carried(self, row: NativeT) -> Mapping[str, JsonValue]:
        """The unknown fields that are written beside the row, just as they are."""
        return row.extra

    def decode(self, line: JsonObject) -> Decoded:
        """The row of a line, with every fault that the line has."""
        wire_type = self.wire_for(line)
        try:
            wire = wire_type.model_validate(line)
        except ValidationError as error:
            problems = problems_of(error, wire_type, line)
            problems.extend(unknown_field_problems(wire_type, line, problems))
            return Decoded(None, tuple(problems))
        row = self.row_of(wire)
        faults = list(self.problems_in(row))
        notes = unknown_field_problems(wire_type, line, faults)
        hindered = any(_severity(fault) is Severity.ERROR for fault in faults)
        return Decoded(None if hindered else row, (*faults, *notes))

    def encode(self, row: Row) -> JsonObject:
        """The line that holds the row, its unknown fields included.

        Raises:
            FormatLoss: The row is of a kind, or has a part, that the format cannot hold.
        """
        native = as_kind(row, self.row_type)
        if native is None:
            raise FormatLoss(
                f"The format {self.name!r} cannot hold this {type(row).__name__}.",
                hint=f"It holds {self.row_type.__name__} rows; write another format.",
            )
        line = self.line_of(native)
        carried = self.carried(native)
        clash = sorted(set(line) & set(carried))
        if clash:
            raise FormatLoss(
                f"The row carries {either(clash, last='and')} as an unknown field, and the format "
                f"{self.name!r} has a field of that name.",
                hint="Rename the field in the source.",
            )
        return {**line, **carried}


def _severity(problem: Problem) -> Severity:
    return problem.severity or problem.rule.severity
