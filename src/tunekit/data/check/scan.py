"""Judges rows one by one, or many at once where all of them are plainly fine.

A block of lines that are fine is proven so by the fast path (`proofs/`). Whatever is not proven goes the slow way,
which alone can say that something is wrong: the two ways differ in speed and in nothing else.

Belongs here: what makes a row a finding, once format and shared shape are known.
Does not belong here: reading (`records.py`), the first look (`survey.py`), the rules' texts (`rules.py`), what is
gathered (`partial.py`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunekit.data.check import rules
from tunekit.data.check.digests import LAST_BIT_OFF, row_keys
from tunekit.data.check.findings import Place, Problem, Rule
from tunekit.data.check.partial import CheckOptions, Partial, Segment
from tunekit.data.check.proofs import prover_for
from tunekit.data.check.records import ParsedRecord, broken_off, parsed_item, parsed_line
from tunekit.data.check.resemblance import place_of
from tunekit.data.check.row_checks import row_problems
from tunekit.data.check.survey import Survey, claimed_format
from tunekit.data.formats import FORMATS, Decoded, FormatName
from tunekit.data.formats.convert import as_kind
from tunekit.data.opening import is_broken_off
from tunekit.data.reader import Block, FileSource, Item, Line, Source
from tunekit.data.rows import ImageRow, Row
from tunekit.data.tables import ArraySource
from tunekit.data.template import DepartureKind, PromptTemplate

if TYPE_CHECKING:
    from tunekit.data.check.proofs.base import Proven, Prover

_OPEN = ord("{")
FAST_FROM_BYTES = 256 << 10
"""Size of a file from which the fast path is worth loading."""


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
    row, problems = _at_home(decoded.row, record.place), (*record.problems, *decoded.problems)
    wanted = row_type or (FORMATS[found.format].row_type if found.format else Row)
    if row is None or isinstance(row, wanted):
        return Decoded(row, problems)
    converted = as_kind(row, wanted)
    if converted is None:
        fact = f"The {type(row).__name__} does not fit a {wanted.__name__} without loss."
        problems = (*problems, Problem(rules.WRONG_KIND, fact))
    return Decoded(converted, problems)


def _at_home(row: Row | None, place: Place) -> Row | None:
    """A row with the path of its image counted from the file that names it."""
    if isinstance(row, ImageRow) and place.path is not None:
        return row.within(Path(place.path).parent)
    return row


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a dataset: some lines of one source."""

    index: int
    """Position of the source in the dataset."""
    source: Source
    start: int = 0
    """First byte; lines that begin from here on are in the range."""
    end: int | None = None
    """The byte behind the range; `None` is the end of the file."""


def scan(part: Range, options: CheckOptions) -> Partial:
    """Judge every record of a range, in memory that does not grow with it."""
    return scan_into(Partial(options), part)


def scan_into(partial: Partial, part: Range) -> Partial:
    """Judge every record of a range that follows what was judged already."""
    source = part.source
    try:
        if isinstance(source, FileSource):
            _judge_blocks(partial, part, source)
        else:
            _judge_records(partial, part.index, source)
    except Exception as error:
        if not is_broken_off(error):
            raise
        segment = partial.segments[-1]
        if segment.numbers is not None:
            segment.numbers.append(segment.numbers[-1] + 1 if segment.numbers else 1)
        _judge(partial, broken_off(Place(segment.path, segment.lines + 1)), partial.lines)
        segment.lines += 1
        partial.lines += 1
    return partial


def _judge_blocks(partial: Partial, part: Range, source: FileSource) -> None:
    fast = source.num_bytes >= FAST_FROM_BYTES and not partial.options.asked.every_row
    prover = prover_for(partial.options.found, partial.options.row_type) if fast else None
    judge = _BlockJudge(partial, partial.begin(part.index, source.path), prover)
    for block in source.blocks(part.start, part.end):
        judge.feed(block)


def _judge_records(partial: Partial, index: int, source: Source) -> None:
    """Judge the records of a source that is no file of lines; their line numbers may have gaps."""
    segment: Segment | None = None
    numbers = array("Q")
    for record in source.records():
        if segment is None or segment.path != record.place.path:
            segment = partial.begin(index, record.place.path)
            numbers = segment.numbers = array("Q")
            segment.is_one_row = record.place.line is None
            segment.is_array = isinstance(source, ArraySource)
        parsed = parsed_item(record) if isinstance(record, Item) else parsed_line(record)
        line = record.place.line or 1
        if isinstance(record, Line) and record.raw.endswith(b"\r"):
            segment.note_crlf(line, record.place.offset)
        numbers.append(line)
        _judge(partial, parsed, partial.lines)
        segment.lines += 1
        partial.lines += 1
    if segment is None:
        partial.begin(index, next(iter(source.names), None))


def _judge(partial: Partial, record: ParsedRecord, ordinal: int) -> None:
    """Judge one record the slow way."""
    offset = record.place.offset
    decoded = decode(record, partial.options.found, partial.options.row_type)
    for problem in decoded.problems:
        partial.tell(ordinal, problem, offset)
    if decoded.row is None:
        return
    partial.count(decoded.row)
    keys = row_keys(decoded.row)
    partial.log.add(keys, offset, ordinal)
    template = partial.options.found.template
    if partial.options.asked.near_duplicates:
        shared = tuple(fragment.text for fragment in template.fragments) if template else ()
        same = keys.digest[:-1] + bytes((keys.digest[-1] & LAST_BIT_OFF,))
        partial.sketches.add(decoded.row, shared, same, place_of(ordinal, offset))
    if isinstance(decoded.row, ImageRow):
        for problem in partial.gallery.problems_in(decoded.row.image, ordinal, offset):
            partial.tell(ordinal, problem, offset)
    for problem in row_problems(decoded.row, record.value or decoded.row, partial.options.asked):
        partial.tell(ordinal, problem, offset)
    if template is not None:
        for problem in departures(decoded.row.prompt_text(), template):
            partial.tell(ordinal, problem, offset)


@dataclass(slots=True)
class _BlockJudge:
    """Judges the blocks of one file, in their order."""

    partial: Partial
    segment: Segment
    prover: Prover | None

    def feed(self, block: Block) -> None:
        """Judge a block."""
        if block.too_long:
            self._slowly(block.offset, bytes(block.lines), too_long=True)
            return
        if self.prover is None or (block.offset == 0 and block.lines[0] != _OPEN):
            self._all_slowly(block)
            return
        for stretch in self.prover.stretches(block.lines):
            offset = block.offset + stretch.start
            if stretch.proven is None:
                self._slowly(offset, bytes(block.lines[stretch.start : stretch.end - 1]))
            else:
                self._proven(stretch.proven, block.offset)

    def _all_slowly(self, block: Block) -> None:
        offset = block.offset
        for raw in bytes(block.lines[:-1]).split(b"\n"):
            self._slowly(offset, raw)
            offset += len(raw) + 1

    def _slowly(self, offset: int, raw: bytes, *, too_long: bool = False) -> None:
        # lines of a range are counted from its start; only the first of the file is special
        line = 1 if offset == 0 else self.segment.lines + 2
        if raw.endswith(b"\r") and not too_long:
            self.segment.note_crlf(self.segment.lines + 1, offset)
        record = parsed_line(Line(Place(self.segment.path, line, offset), raw, too_long))
        _judge(self.partial, record, self.partial.lines)
        self.segment.lines += 1
        self.partial.lines += 1

    def _proven(self, proven: Proven, block_offset: int) -> None:
        partial = self.partial
        first = partial.lines
        if proven.first_crlf is not None and self.segment.crlf is None:
            line = self.segment.lines + proven.first_crlf + 1
            self.segment.note_crlf(line, block_offset + int(proven.starts[proven.first_crlf]))
        partial.take(proven, block_offset)
        template = partial.options.found.template
        if template is not None:
            for index, prompt in enumerate(proven.columns.prompts()):
                if template.is_plainly_kept(prompt):
                    continue
                for problem in departures(prompt, template):
                    partial.tell(first + index, problem, block_offset + int(proven.starts[index]))
        self.segment.lines += len(proven.starts)
        partial.lines += len(proven.starts)


_MAY_LACK_FIELDS: tuple[FormatName, ...] = (
    "prompts",
    "retrieval_corpus",
    "retrieval_queries",
    "captioned_images",
    "subject_images",
)
"""What a line looks like that lacks, or has, one field more than the others of its file."""


def _other_format(record: ParsedRecord, found: Survey) -> Problem | None:
    """The problem that a line has another format than its file, or `None`."""
    if found.format is None or not isinstance(record.value, dict) or found.format == "prompts":
        return None
    claimed = claimed_format(record.value)
    expected = FORMATS[found.format]
    if claimed in (None, found.format):
        return None
    if claimed in _MAY_LACK_FIELDS and expected.resembles(record.value):
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


def departures(prompt: str, template: PromptTemplate) -> Iterator[Problem]:
    """The gravest departure of a prompt: one without the instruction mostly lacks its labels too."""
    found = {departure.kind: departure for departure in reversed(template.departures(prompt))}
    for kind, (rule, fact) in _DEPARTURES.items():
        if kind in found:
            yield Problem(rule, fact, value=found[kind].fragment)
            return
