"""What a check gathers from a part of the rows, and how two parts become one.

Parts may be gathered anywhere: in another process, on another machine. `merge` is associative, and the report of the
merged whole is the one that a single pass over everything gives.

Belongs here: what is gathered, merging it, and the report of the whole.
Does not belong here: reading and judging rows (`scan.py`), finding equal rows (`repetition.py`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tunekit._text import plural
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Place, Problem, Rule
from tunekit.data.check.images import Gallery, Likeness
from tunekit.data.check.label_rules import label_problems
from tunekit.data.check.preferences import choice_problems
from tunekit.data.check.repetition import Repetition, RowLog
from tunekit.data.check.report import Report
from tunekit.data.check.requirements import Requirements
from tunekit.data.check.resemblance import Resemblance, SketchLog
from tunekit.data.check.row_checks import NOTHING_ASKED, Asked
from tunekit.data.check.statistics import ChoiceTally, LabelTally, LengthTally, Statistics
from tunekit.data.check.survey import Survey
from tunekit.data.formats import FORMATS
from tunekit.data.rows import Preference, RelevanceLabel, Row

if TYPE_CHECKING:
    from tunekit.data.check.proofs.base import Proven

_Explain = Callable[[Repetition, Place], Problem]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How a check is done; the same for every part of it."""

    found: Survey
    row_type: type[Row] | None
    max_findings_per_rule: int
    excerpts: bool
    asked: Asked = NOTHING_ASKED

    @property
    def kind(self) -> type[Row] | None:
        """The kind of row that is asked for, or else that the format gives."""
        if self.row_type is not None or self.found.format is None:
            return self.row_type
        return FORMATS[self.found.format].row_type


@dataclass(slots=True)
class Segment:
    """A stretch of lines of one source."""

    source: int
    """Position of the source in the dataset."""
    path: str | None
    lines: int = 0
    crlf: tuple[int, int | None] | None = None
    """The first line of the stretch that ends in CRLF, 1-based, and its offset."""
    is_array: bool = False
    """Whether the source is one JSON array."""
    numbers: array[int] | None = None
    """The line of each record, where there are gaps between them; `None` where there are none."""
    is_one_row: bool = False
    """Whether the file as a whole is one row, such as an image."""

    def note_crlf(self, line: int, offset: int | None) -> None:
        """Note a line that ends in CRLF; the first one counts."""
        if self.crlf is None:
            self.crlf = (line, offset)

    def line_of(self, index: int) -> int | None:
        """The 1-based line of a record of the stretch; `None` where the file as a whole is the record."""
        if self.is_one_row:
            return None
        return index + 1 if self.numbers is None else self.numbers[index]

    def continue_with(self, later: Segment) -> None:
        """Join the stretch that follows."""
        if self.crlf is None and later.crlf is not None:
            self.crlf = (self.lines + later.crlf[0], later.crlf[1])
        self.lines += later.lines


@dataclass(slots=True)
class Partial:
    """Everything gathered from a part of the rows."""

    options: CheckOptions
    segments: list[Segment] = field(default_factory=list[Segment])
    lines: int = 0
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    told: list[tuple[int, Finding]] = field(default_factory=list[tuple[int, Finding]])
    """Findings with the 0-based position of their record; the line is filled in at the end."""
    log: RowLog = field(default_factory=RowLog)
    prompts: LengthTally = field(default_factory=LengthTally)
    completions: LengthTally = field(default_factory=LengthTally)
    labels: LabelTally = field(default_factory=LabelTally)
    choices: ChoiceTally = field(default_factory=ChoiceTally)
    gallery: Gallery = field(default_factory=Gallery)
    sketches: SketchLog = field(default_factory=SketchLog)
    _kept: Counter[str] = field(default_factory=Counter[str])

    def begin(self, source: int, path: str | None) -> Segment:
        """Begin a stretch of lines."""
        self.segments.append(Segment(source, path))
        return self.segments[-1]

    def tell(self, ordinal: int, problem: Problem, offset: int | None) -> None:
        """Note a problem of the record at a position."""
        if problem.rule.id in self.options.asked.ignored:
            return
        self.counts[problem.rule.id] += 1
        if self._may_keep(problem.rule.id):
            place = Place(None, 0, offset)
            finding = Finding.of(problem, place, excerpts=self.options.excerpts)
            self.told.append((ordinal, finding))

    def count(self, row: Row) -> None:
        """Add a row to the figures."""
        self.rows += 1
        if isinstance(row, RelevanceLabel):  # it has ids, and no text of its own
            return
        self.prompts.add(len(row.prompt_text()))
        completion = row.completion_text()
        if completion is not None:
            self.completions.add(len(completion))
            self.labels.add((completion,))
        if isinstance(row, Preference):
            self.choices.add(row.choice, len(row.chosen), len(row.rejected))

    def take(self, proven: Proven, offset: int) -> None:
        """Add rows that are proven to be fine, from a block that begins at an offset; their lines are not counted."""
        columns = proven.columns
        self.rows += len(proven.starts)
        self.prompts.extend(columns.prompt_lengths)
        self.completions.extend([len(completion) for completion in columns.completions])
        if not self.labels.overflown:
            self.labels.add(columns.completions)
        for preference in columns.choices:
            self.choices.add(*preference)
        self.log.extend(proven.entries(offset, self.lines))

    def merge(self, later: Partial) -> Partial:
        """Take in the part that follows; `later` is of no use afterwards."""
        first = self.lines
        segments = iter(later.segments)
        if self.segments and later.segments and _continues(self.segments[-1], later.segments[0]):
            self.segments[-1].continue_with(next(segments))
        self.segments.extend(segments)
        self.lines += later.lines
        self.rows += later.rows
        self.counts.update(later.counts)
        for ordinal, finding in later.told:
            if self._may_keep(finding.rule):
                self.told.append((first + ordinal, finding))
        self.log.append(later.log, first)
        self.prompts.merge(later.prompts)
        self.completions.merge(later.completions)
        self.labels.merge(later.labels)
        self.choices.merge(later.choices)
        self.gallery.append(later.gallery, first)
        self.sketches.append(later.sketches, first)
        return self

    def report(self, name: str, requirements: Requirements, size: int | None) -> Report:
        """The outcome, with what concerns the dataset as a whole.

        Args:
            name: What the dataset is called in the report.
            requirements: What the rows are needed for.
            size: Bytes of the files; `None` for rows from memory.
        """
        cap = self.options.max_findings_per_rule
        repetitions = self.log.repetitions(cap)
        counts = Counter(self.counts)
        located = [(ordinal, self._located(ordinal, finding)) for ordinal, finding in self.told]
        located += self._repeated(repetitions.duplicates, _duplicate)
        located += self._repeated(repetitions.conflicts, self._contradiction)
        alike = self.gallery.alike()
        located += self._looking_alike(alike[:cap])
        near = self.sketches.resemblances()
        located += self._resembling(near[:cap])
        located += self._carriage_returns()
        located += self._arrays()
        counts.update({rules.DUPLICATE_ROW.id: repetitions.num_duplicates})
        counts.update({self._conflict_rule().id: repetitions.num_conflicts})
        counts.update({rules.NEAR_DUPLICATE_IMAGE.id: len(alike)})
        counts.update({rules.NEAR_DUPLICATE.id: len(near)})
        counts.update({rules.CRLF.id: sum(segment.crlf is not None for segment in self.segments)})
        counts.update({rules.JSON_ARRAY.id: sum(segment.is_array for segment in self.segments)})
        whole = [
            Finding.of(problem, None, excerpts=self.options.excerpts)
            for problem in self._whole_problems(requirements)
        ]
        counts.update(finding.rule for finding in whole)
        located.sort(key=lambda pair: pair[0])
        report = Report(
            findings=(*(finding for _, finding in located), *whole),
            counts={rule: count for rule, count in counts.items() if count},
            datasets={name: self._statistics(size, repetitions.num_duplicates)},
        )
        return report.without(*self.options.asked.ignored)

    def _may_keep(self, rule: str) -> bool:
        self._kept[rule] += 1
        return self._kept[rule] <= self.options.max_findings_per_rule

    def _place(self, ordinal: int, offset: int | None = None) -> Place:
        before = 0
        for segment in self.segments:
            if ordinal < before + segment.lines:
                return Place(segment.path, segment.line_of(ordinal - before), offset)
            before += segment.lines
        raise IndexError(ordinal)

    def _located(self, ordinal: int, finding: Finding) -> Finding:
        place = self._place(ordinal)
        return finding.model_copy(update={"path": place.path, "line": place.line})

    def _repeated(
        self, repetitions: tuple[Repetition, ...], explain: _Explain
    ) -> list[tuple[int, Finding]]:
        return [
            (
                found.ordinal,
                Finding.of(
                    explain(found, self._place(found.earlier)),
                    self._place(found.ordinal, found.offset),
                ),
            )
            for found in repetitions
        ]

    def _looking_alike(self, alike: Iterable[Likeness]) -> Iterator[tuple[int, Finding]]:
        for found in alike:
            fact = f"{found.name!r} looks nearly the same as the image at {self._place(found.earlier)}."
            problem = Problem(rules.NEAR_DUPLICATE_IMAGE, fact, "image")
            place = self._place(found.ordinal, found.offset)
            yield found.ordinal, Finding.of(problem, place, excerpts=self.options.excerpts)

    def _resembling(self, near: Iterable[Resemblance]) -> Iterator[tuple[int, Finding]]:
        for found in near:
            fact = f"About {found.share:.0%} of the row is that of {self._place(found.earlier)}."
            place = self._place(found.ordinal, found.offset)
            yield found.ordinal, Finding.of(Problem(rules.NEAR_DUPLICATE, fact), place)

    def _conflict_rule(self) -> Rule:
        kind = self.options.kind
        preference = kind is not None and issubclass(kind, Preference)
        return rules.CONFLICTING_CHOICE if preference else rules.CONFLICTING_COMPLETION

    def _contradiction(self, found: Repetition, earlier: Place) -> Problem:
        rule = self._conflict_rule()
        if rule is rules.CONFLICTING_CHOICE:
            return Problem(rule, f"At {earlier} the other one of the same two is preferred.")
        return Problem(rule, f"The same prompt has another completion at {earlier}.")

    def _carriage_returns(self) -> Iterator[tuple[int, Finding]]:
        before = 0
        for segment in self.segments:
            if segment.crlf is not None:
                line, offset = segment.crlf
                place = Place(segment.path, line, offset)
                index = line - 1 if segment.numbers is None else segment.numbers.index(line)
                yield before + index, Finding.of(Problem(rules.CRLF, "Lines end in CRLF."), place)
            before += segment.lines

    def _arrays(self) -> Iterator[tuple[int, Finding]]:
        before = 0
        for segment in self.segments:
            if segment.is_array:
                fact = "The file is one JSON array instead of one object a line."
                place = Place(segment.path, 1, 0)
                yield before, Finding.of(Problem(rules.JSON_ARRAY, fact), place)
            before += segment.lines

    def _whole_problems(self, requirements: Requirements) -> Iterator[Problem]:
        if self.lines == 0:
            yield Problem(rules.NO_ROWS, "There is no row at all.")
        yield from choice_problems(self.choices, self.options.found.format)
        yield from label_problems(self.labels.counts, self.labels.labels())
        wanted = requirements.recommended_rows
        if wanted is not None and 0 < self.rows < wanted.rows:
            fact = f"{plural(self.rows, 'row')} are too few for {wanted.purpose}: "
            fact += f"{wanted.rows:,} or more are recommended."
            fix = f"Collect {wanted.rows - self.rows:,} more rows ({wanted.source})."
            yield Problem(rules.TOO_FEW_ROWS, fact, fix=fix)

    def _statistics(self, size: int | None, duplicates: int) -> Statistics:
        kind = self.options.kind
        return Statistics(
            rows=self.rows,
            lines=self.lines,
            bytes=size,
            format=self.options.found.format,
            row_kind=kind.__name__ if kind else None,
            prompt_characters=self.prompts.lengths(),
            completion_characters=self.completions.lengths(),
            duplicates=duplicates,
            labels=self.labels.labels(),
            choices=self.choices.choices(),
            images=self.gallery.sizes(),
            template=self.options.found.template,
            digest=self.log.digest(),
        )


def _continues(before: Segment, after: Segment) -> bool:
    same = before.source == after.source and before.path == after.path
    return same and before.numbers is None and after.numbers is None


def _duplicate(found: Repetition, earlier: Place) -> Problem:
    exchanged = ", with the candidates exchanged" if found.exchanged else ""
    return Problem(rules.DUPLICATE_ROW, f"The same row is at {earlier} already{exchanged}.")
