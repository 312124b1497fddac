"""Writes a corrected copy of rows, for the faults that have one safe correction; the original is never touched.

Belongs here: the corrections, and the list of what was done.
Does not belong here: finding faults (`check/`), faults that a person has to decide about.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tunekit._text import plural
from tunekit._value import Value
from tunekit.data.check import rules
from tunekit.data.check.digests import row_digest
from tunekit.data.check.findings import Place, Rule, Severity
from tunekit.data.check.records import ParsedRecord, broken_off, parsed_item, parsed_line
from tunekit.data.check.scan import decode
from tunekit.data.check.survey import Survey
from tunekit.data.check.syntax import JsonObject
from tunekit.data.opening import is_broken_off
from tunekit.data.reader import Item, Line, Record, Source
from tunekit.data.rows import Row
from tunekit.data.tables import ArraySource

_BOM = b"\xef\xbb\xbf"
_TRAILING_COMMA = re.compile(rb'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')
_WRITTEN_NAME = re.compile(r"Write '(\w+)'\.")


class Correction(Value):
    """One thing that was corrected."""

    rule: str
    """The rule that was broken."""
    path: str | None
    line: int
    """1-based line of the original."""
    done: str
    """What was done, without any of the row's text."""


class Repair(Value):
    """What a corrected copy has otherwise than its original."""

    corrections: tuple[Correction, ...]
    """In the order of the lines."""
    rows: int
    """Lines of the copy."""
    left: int
    """Lines of the copy that have an error still: `check` names them."""

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each rule was corrected."""
        return Counter(one.rule for one in self.corrections)

    def __str__(self) -> str:
        told = [
            f"{one.path or 'row'}:{one.line}: {one.rule}: {one.done}" for one in self.corrections
        ]
        left = f", {plural(self.left, 'line')} with errors left" if self.left else ""
        return "\n".join([*told, f"{plural(self.rows, 'line')} written{left}."])


@dataclass(slots=True)
class Fixer:
    """Corrects records one after the other."""

    found: Survey
    row_type: type[Row] | None
    corrections: list[Correction] = field(default_factory=list[Correction])
    rows: int = 0
    left: int = 0
    _seen: set[bytes] = field(default_factory=set[bytes])
    _told: set[tuple[str | None, str]] = field(default_factory=set[tuple[str | None, str]])

    def lines(self, sources: Sequence[Source]) -> Iterator[str]:
        """The lines of the copy, without line feeds. What has no safe correction stays as it is."""
        for source in sources:
            if isinstance(source, ArraySource):
                place = Place(source.path, 1)
                self._note(
                    rules.JSON_ARRAY, place, "Each element was written on a line of its own."
                )
            yield from self._lines(source)

    def repair(self) -> Repair:
        """What was done."""
        return Repair(corrections=tuple(self.corrections), rows=self.rows, left=self.left)

    def _lines(self, source: Source) -> Iterator[str]:
        place = Place(next(iter(source.names), None), 0)
        try:
            for record in source.records():
                place = record.place
                line = self._corrected(record)
                if line is not None:
                    self.rows += 1
                    yield line
        except Exception as error:
            if not is_broken_off(error):
                raise
            rest = broken_off(Place(place.path, (place.line or 0) + 1))
            self._note(rules.TRUNCATED_INPUT, rest.place, "What could not be read was left out.")

    def _corrected(self, record: Record) -> str | None:
        if isinstance(record, Item):
            parsed, text = parsed_item(record), None
        else:
            raw = self._plain_bytes(record)
            if not raw.strip():
                self._note(rules.BLANK_LINE, record.place, "The line was left out.")
                return None
            parsed, text = self._parsed(record.place, raw)
        line = self._spelt(parsed)
        decoded = decode(
            ParsedRecord(parsed.place, line, parsed.problems), self.found, self.row_type
        )
        if decoded.row is None:
            self.left += any(
                (p.severity or p.rule.severity) is Severity.ERROR for p in decoded.problems
            )
        elif self._is_repeated(decoded.row):
            self._note(rules.DUPLICATE_ROW, parsed.place, "The repetition was left out.")
            return None
        if text is not None and line is parsed.value:
            return text
        value = line.model_dump(mode="json") if isinstance(line, Row) else line
        return json.dumps(value, ensure_ascii=False)

    def _plain_bytes(self, record: Line) -> bytes:
        raw = record.raw
        if record.place.line == 1 and raw.startswith(_BOM):
            self._note(rules.BYTE_ORDER_MARK, record.place, "The mark was removed.")
            raw = raw.removeprefix(_BOM)
        if raw.endswith(b"\r"):
            if (record.place.path, rules.CRLF.id) not in self._told:
                self._told.add((record.place.path, rules.CRLF.id))
                self._note(
                    rules.CRLF, record.place, "Every line of the file ends in a line feed alone."
                )
            raw = raw.removesuffix(b"\r")
        return raw

    def _parsed(self, place: Place, raw: bytes) -> tuple[ParsedRecord, str | None]:
        parsed = parsed_line(Line(place, raw))
        if parsed.value is None and any(one.rule is rules.NOT_JSON for one in parsed.problems):
            without = _TRAILING_COMMA.sub(lambda found: found.group(1) or b"", raw)
            again = parsed_line(Line(place, without))
            if again.value is not None:
                self._note(rules.NOT_JSON, place, "A comma before a closing bracket was removed.")
                return again, _one_line(without)
        return parsed, _one_line(raw)

    def _spelt(self, parsed: ParsedRecord) -> JsonObject | Row | None:
        """The object with its misspelt outer fields spelt right, where that makes it a row."""
        if not isinstance(parsed.value, dict):
            return parsed.value
        decoded = decode(parsed, self.found, self.row_type)
        names = {
            problem.field: written.group(1)
            for problem in decoded.problems
            if problem.rule is rules.MISSPELT_FIELD and problem.field in parsed.value
            if (written := _WRITTEN_NAME.fullmatch(problem.fix or ""))
        }
        if not names:
            return parsed.value
        line = {names.get(name, name): value for name, value in parsed.value.items()}
        if decode(ParsedRecord(parsed.place, line), self.found, self.row_type).row is None:
            return parsed.value
        for wrong, right in names.items():
            self._note(
                rules.MISSPELT_FIELD, parsed.place, f"The field {wrong!r} was named {right!r}."
            )
        return line

    def _is_repeated(self, row: Row) -> bool:
        digest = row_digest(row)
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False

    def _note(self, rule: Rule, place: Place, done: str) -> None:
        correction = Correction(rule=rule.id, path=place.path, line=place.line or 1, done=done)
        self.corrections.append(correction)


def _one_line(raw: bytes) -> str | None:
    """The text of a line as it is, or `None` where it has to be written anew: it is not UTF-8, or has line feeds."""
    return raw.decode("utf-8", "surrogateescape") if b"\n" not in raw else None
