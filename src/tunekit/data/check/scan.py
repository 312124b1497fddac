"""Judges rows one by one, and the dataset as a whole.

Belongs here: what makes a row a finding, once format and shared shape are known.
Does not belong here: reading (`records.py`), the first look (`survey.py`), the rules' texts (`rules.py`).
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tunekit._text import plural
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Place, Problem, Rule
from tunekit.data.check.preferences import choice_problems
from tunekit.data.check.records import ParsedRecord
from tunekit.data.check.report import Report
from tunekit.data.check.requirements import Requirements
from tunekit.data.check.statistics import ChoiceTally, LabelTally, LengthTally, Statistics
from tunekit.data.check.survey import Survey, claimed_format
from tunekit.data.formats import FORMATS, Decoded
from tunekit.data.formats.convert import as_kind
from tunekit.data.rows import Preference, RelevanceLabel, Row
from tunekit.data.template import DepartureKind, PromptTemplate

_DIGEST_BYTES = 16


def decode(record: ParsedRecord, found: Survey, row_type: type[Row] | None) -> Decoded:
    """The row of a record in the kind asked for, with every problem of the record."""
    if record.value is None:
        return Decoded(None, record.problems)
    if isinstance(record.value, Row):
        decoded = Decoded(record.value)
    elif found.format is None:
        fact = "The field names are those of no format that is known."
        decoded = Decoded(None, (Problem(rules.FORMAT_UNKNOWN, fact),))
    else:
        mixed = _other_format(record, found)
        decoded = Decoded(None, (mixed,)) if mixed else FORMATS[found.format].decode(record.value)
    row, problems = decoded.row, (*record.problems, *decoded.problems)
    wanted = row_type or (FORMATS[found.format].row_type if found.format else Row)
    if row is None or isinstance(row, wanted):
        return Decoded(row, problems)
    converted = as_kind(row, wanted)
    if converted is None:
        fact = f"The {type(row).__name__} does not fit a {wanted.__name__} without loss."
        problems = (*problems, Problem(rules.WRONG_KIND, fact))
    return Decoded(converted, problems)


def row_digest(row: Row) -> bytes:
    """What a row teaches, as 16 bytes: equal for rows that differ in unknown fields only."""
    text = type(row).__name__ + row.model_dump_json(exclude={"extra"})
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()


def text_digest(text: str) -> bytes:
    """A text as 16 bytes."""
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()


def dataset_digest(row_digests: bytes) -> str:
    """The rows in order, as SHA-256 over their own digests."""
    return hashlib.sha256(row_digests).hexdigest()


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a check is done."""

    row_type: type[Row] | None
    max_findings_per_rule: int
    excerpts: bool


@dataclass(slots=True)
class _First:
    """The first row with some content."""

    place: Place
    digest: bytes
    """Of what a later row may have differently."""


@dataclass(slots=True)
class Scan:
    """Everything gathered from the records so far."""

    found: Survey
    options: ScanOptions
    findings: list[Finding] = field(default_factory=list[Finding])
    counts: Counter[str] = field(default_factory=Counter[str])
    lines: int = 0
    rows: int = 0
    duplicates: int = 0
    row_digests: bytearray = field(default_factory=bytearray)
    prompts: LengthTally = field(default_factory=LengthTally)
    completions: LengthTally = field(default_factory=LengthTally)
    labels: LabelTally = field(default_factory=LabelTally)
    choices: ChoiceTally = field(default_factory=ChoiceTally)
    _kept: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _first_rows: dict[bytes, _First] = field(default_factory=dict[bytes, _First])
    _first_prompts: dict[bytes, _First] = field(default_factory=dict[bytes, _First])

    def feed(self, record: ParsedRecord) -> None:
        """Judge one record."""
        self.lines += 1
        decoded = decode(record, self.found, self.options.row_type)
        for problem in decoded.problems:
            self._tell(problem, record.place)
        if decoded.row is None:
            return
        self.rows += 1
        self._count(decoded.row)
        for problem in self._row_problems(decoded.row, record.place):
            self._tell(problem, record.place)

    def report(self, name: str, requirements: Requirements, size: int | None) -> Report:
        """The outcome, with what concerns the dataset as a whole."""
        for problem in self._whole_problems(requirements):
            self._tell(problem, None)
        return Report(
            findings=tuple(self.findings),
            counts=dict(self.counts),
            datasets={name: self._statistics(size)},
        )

    def _statistics(self, size: int | None) -> Statistics:
        form = FORMATS[self.found.format] if self.found.format else None
        kind = self.options.row_type or (form.row_type if form else None)
        return Statistics(
            rows=self.rows,
            lines=self.lines,
            bytes=size,
            format=form.name if form else None,
            row_kind=kind.__name__ if kind else None,
            prompt_characters=self.prompts.lengths(),
            completion_characters=self.completions.lengths(),
            duplicates=self.duplicates,
            labels=self.labels.labels(),
            choices=self.choices.choices(),
            template=self.found.template,
            digest=dataset_digest(bytes(self.row_digests)),
        )

    def _tell(self, problem: Problem, place: Place | None) -> None:
        self.counts[problem.rule.id] += 1
        if self._kept[problem.rule.id] < self.options.max_findings_per_rule:
            self._kept[problem.rule.id] += 1
            self.findings.append(Finding.of(problem, place, excerpts=self.options.excerpts))

    def _count(self, row: Row) -> None:
        if isinstance(row, RelevanceLabel):  # it has ids, and no text of its own
            return
        self.prompts.add(len(row.prompt_text()))
        completion = row.completion_text()
        if completion is not None:
            self.completions.add(len(completion))
            self.labels.add(completion.strip())
        if isinstance(row, Preference):
            self.choices.add(row)

    def _row_problems(self, row: Row, place: Place) -> Iterator[Problem]:
        yield from self._repetition(row, place)
        if self.found.template is not None:
            yield from _departures(row, self.found.template)

    def _repetition(self, row: Row, place: Place) -> Iterator[Problem]:
        digest = row_digest(row)
        self.row_digests += digest
        lesson = row_digest(_chosen_first(row)) if isinstance(row, Preference) else digest
        earlier = self._first_rows.setdefault(lesson, _First(place, digest))
        if earlier.place is not place:
            self.duplicates += 1
            exchanged = "" if earlier.digest == digest else ", with the candidates exchanged"
            fact = f"The same row is at {earlier.place} already{exchanged}."
            yield Problem(rules.DUPLICATE_ROW, fact)
            return
        answer = row.chosen if isinstance(row, Preference) else row.completion_text()
        if answer is None:
            return
        first = _First(place, text_digest(answer))
        asked = self._first_prompts.setdefault(_question_digest(row), first)
        if asked.digest != first.digest:
            yield _contradiction(row, asked.place)

    def _whole_problems(self, requirements: Requirements) -> Iterator[Problem]:
        if self.lines == 0:
            yield Problem(rules.NO_ROWS, "There is no row at all.")
        yield from choice_problems(self.choices, self.found.format)
        wanted = requirements.recommended_rows
        if wanted is not None and 0 < self.rows < wanted.rows:
            fact = f"{plural(self.rows, 'row')} are too few for {wanted.purpose}: "
            fact += f"{wanted.rows:,} or more are recommended."
            fix = f"Collect {wanted.rows - self.rows:,} more rows ({wanted.source})."
            yield Problem(rules.TOO_FEW_ROWS, fact, fix=fix)


def _chosen_first(row: Preference) -> Preference:
    """The same preference with the candidates in the order that people gave them."""
    if row.choice == 0:
        return row
    return row.model_copy(update={"candidates": (row.chosen, row.rejected), "choice": 0})


def _contradiction(row: Row, place: Place) -> Problem:
    """The problem that an earlier row asks the same and answers otherwise."""
    if isinstance(row, Preference):
        fact = f"At {place} the other one of the same two is preferred."
        return Problem(rules.CONFLICTING_CHOICE, fact)
    fact = f"The same prompt has another completion at {place}."
    return Problem(rules.CONFLICTING_COMPLETION, fact)


def _question_digest(row: Row) -> bytes:
    """All that a row asks: more than the first turn of a conversation, and candidates in any order."""
    asked = row.model_dump(exclude={"extra", "completion", "choice"})
    if "candidates" in asked:
        asked["candidates"] = sorted(asked["candidates"])
    if "messages" in asked:
        asked["messages"] = asked["messages"][:-1]
    return text_digest(repr(asked))


_VAGUE = ("prompts", "retrieval_corpus", "retrieval_queries")
"""Formats that claim lines of which a part of another format may be missing."""


def _other_format(record: ParsedRecord, found: Survey) -> Problem | None:
    """The problem that a line has another format than its file, or `None`."""
    if found.format is None or not isinstance(record.value, dict) or found.format == "prompts":
        return None
    claimed = claimed_format(record.value)
    expected = FORMATS[found.format]
    if claimed in (None, found.format):
        return None
    if claimed in _VAGUE and expected.resembles(record.value):
        return None
    fact = f"The row has the format {claimed!r}; most of the others have {found.format!r}."
    return Problem(rules.MIXED_FORMAT, fact)


_DEPARTURES: Mapping[DepartureKind, tuple[Rule, str]] = {
    "missing-instruction": (
        rules.MISSING_INSTRUCTION,
        "The prompt lacks the instruction that most prompts carry.",
    ),
    "missing-label": (
        rules.INCONSISTENT_PROMPT,
        "The prompt lacks a part that most prompts have.",
    ),
    "order": (
        rules.INCONSISTENT_PROMPT,
        "The parts of the prompt are in another order than in most prompts.",
    ),
}


def _departures(row: Row, template: PromptTemplate) -> Iterator[Problem]:
    """The gravest departure of a prompt: one without the instruction mostly lacks its labels too."""
    departures = {found.kind: found for found in reversed(template.departures(row.prompt_text()))}
    for kind, (rule, fact) in _DEPARTURES.items():
        if kind in departures:
            yield Problem(rule, fact, value=departures[kind].fragment)
            return
