"""`Dataset`: typed rows from anywhere, read when they are needed.

Belongs here: what a user does with rows: read, look, check, split, write.
Does not belong here: how each of these is done (the other files of this folder).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast, overload

from tunekit._plugins import html_view
from tunekit._text import first_few, plural
from tunekit.data.check.digests import dataset_digest, row_digest, text_digest
from tunekit.data.check.findings import Finding, Place, Severity
from tunekit.data.check.parallel import checked
from tunekit.data.check.partial import CheckOptions
from tunekit.data.check.records import ParsedRecord, parsed_records, sampled_records
from tunekit.data.check.report import Report
from tunekit.data.check.requirements import NO_REQUIREMENTS, Requirements
from tunekit.data.check.row_checks import RuleLike, asked_for
from tunekit.data.check.scan import decode
from tunekit.data.check.survey import Survey, natural_format, survey
from tunekit.data.check.syntax import JsonObject
from tunekit.data.fixing import Fixer, Repair
from tunekit.data.formats import FORMATS, FormatName, format_named
from tunekit.data.opening import is_remote, suffix, written
from tunekit.data.reader import SelectedSource, Source, SourceLike, sources_of
from tunekit.data.rows import ImageRow, Row, RowT, RowT_co
from tunekit.data.split import held_out
from tunekit.data.tables import COLUMNAR, DELIMITERS, write_table
from tunekit.data.template import PromptTemplate
from tunekit.errors import DatasetInvalid, FileKept, FormatUnknown, SettingInvalid

LocatedT_co = TypeVar("LocatedT_co", bound=Row, covariant=True)


@dataclass(frozen=True, slots=True)
class Located(Generic[LocatedT_co]):
    """A row and where it comes from."""

    row: LocatedT_co
    place: Place


class Split(NamedTuple, Generic[RowT]):
    """The two parts of a dataset."""

    train: Dataset[RowT]
    """The larger part, to tune on."""
    test: Dataset[RowT]
    """The held-out part, to evaluate on."""


class Dataset(Generic[RowT_co]):
    """Rows of one kind, from files or from memory.

    Nothing is read before it is needed, files are never held in memory as a whole, and the same rows can be gone
    through as often as wanted. Make one with `Dataset.read`.
    """

    def __init__(
        self,
        sources: tuple[Source, ...],
        row_type: type[Row] | None = None,
        found: Survey | None = None,
    ) -> None:
        self._sources = sources
        self._row_type = row_type
        self._found = found

    @overload
    @classmethod
    def read(cls, source: SourceLike, row: None = None) -> Dataset[Any]: ...

    @overload
    @classmethod
    def read(cls, source: SourceLike, row: type[RowT]) -> Dataset[RowT]: ...

    @classmethod
    def read(cls, source: SourceLike, row: type[RowT] | None = None) -> Dataset[RowT]:
        """Rows from files or from memory.

        Args:
            source: A path to a file of JSON lines, a glob, or several of these; or a frame, or an iterable of objects
                or rows. Files may also be CSV, TSV, Parquet, Arrow or one JSON array, packed as .gz or .zst, and lie
                wherever fsspec reaches. An iterable is read into memory here, files when the rows are needed.
            row: The kind of row. `None` takes the kind that most lines of the source have.

        Raises:
            SourceNotFound: A path or glob matches no file.
            SettingInvalid: The source is neither paths nor objects.
        """
        return Dataset(sources_of(source), row)

    def __iter__(self) -> Iterator[RowT_co]:
        """Every row in order.

        Raises:
            DatasetInvalid: At the first line that is not a row; `check` finds all of them.
        """
        return (located.row for located in self.located())

    def __len__(self) -> int:
        """Number of rows."""
        return self._row_count

    def __repr__(self) -> str:
        names = [repr(name) for name in self.names]
        kind = self._row_type.__name__ if self._row_type else "any row"
        return f"<Dataset of {kind} from {first_few(names) if names else 'memory'}>"

    def _repr_html_(self) -> str:
        return html_view(self)

    @property
    def names(self) -> tuple[str, ...]:
        """The files that the rows come from, as they were named; none for rows from memory."""
        return tuple(name for source in self._sources for name in source.names)

    @property
    def format(self) -> FormatName | None:
        """The format that most lines have, or a large sample of them; `None` where none is known."""
        return self._survey.format

    @property
    def row_type(self) -> type[Row]:
        """The kind of row.

        Raises:
            FormatUnknown: The lines have the shape of no known format.
        """
        if self._row_type is not None:
            return self._row_type
        if self._survey.format is None:
            raise FormatUnknown(
                f"{self!r} has the shape of no format that is known.",
                hint="Check it with `check()`, or name the kind: row=tk.PromptCompletion.",
            )
        return FORMATS[self._survey.format].row_type

    @property
    def template(self) -> PromptTemplate | None:
        """The shape that the prompts share, or `None`."""
        return self._survey.template

    def as_rows(self, row: type[RowT]) -> Dataset[RowT]:
        """The same source read as another kind of row, for lines that may be either."""
        return Dataset(self._sources, row)

    def located(self) -> Iterator[Located[RowT_co]]:
        """Every row with the file and line that it comes from.

        Raises:
            DatasetInvalid: At the first line that is not a row.
        """
        for record in parsed_records(self._sources):
            row = self._row_of(record)
            if row is not None:
                yield Located(row, record.place)

    def readable(self) -> Iterator[Located[RowT_co]]:
        """Every row that can be read, with its place; lines that are no rows are passed over."""
        for record in parsed_records(self._sources):
            row = decode(record, self._survey, self._row_type).row
            if row is not None:
                yield Located(cast("RowT_co", row), record.place)

    def head(self, num_rows: int = 5) -> list[RowT_co]:
        """The first rows."""
        return list(islice(self, num_rows))

    def check(
        self,
        *,
        requirements: Requirements = NO_REQUIREMENTS,
        name: str = "rows",
        max_findings_per_rule: int = 1_000,
        excerpts: bool = True,
        processes: int | None = None,
        also: Iterable[RuleLike] = (),
        ignore: Iterable[str] = (),
    ) -> Report:
        """Find every fault of the rows. Bad data is reported, never raised.

        Args:
            requirements: What the rows are needed for; tuners bring their own through `Client.check`.
            name: What the dataset is called in the report.
            max_findings_per_rule: Findings of one rule that are kept; all are counted. At least 1.
            excerpts: Whether findings show the start of offending values, at most 40 characters.
            processes: How many processes share the work, at least 1. `None` takes one for each core where the files are
                large enough to gain by it.
            also: What to look for beyond the rules that always are: `personal-data`, `secrets`, `near-duplicates`,
                the id of one of their rules, or rules of your own, made with `tk.rule`.
            ignore: Ids of rules whose findings are left out.

        Raises:
            SettingInvalid: There is no rule of that name.
            OSError: A file cannot be read.
        """
        asked = asked_for(also, ignore)
        options = CheckOptions(self._survey, self._row_type, max_findings_per_rule, excerpts, asked)
        partial = checked(self._sources, options, processes)
        return partial.report(name, requirements, self._num_bytes())

    def split(self, fraction: float, *, seed: int = 0) -> Split[RowT_co]:
        """Hold a part of the rows out, the same part for the same seed.

        Rows with equal prompts stay on one side, so that nothing seen in training is asked again in the test.

        Args:
            fraction: Share of the rows in the test part, between 0 and 1; met as closely as equal prompts allow.
            seed: Another seed draws another part.

        Raises:
            SettingInvalid: The fraction is not between 0 and 1, or one part would be empty.
            DatasetInvalid: A line is not a row.
        """
        if not 0 < fraction < 1:
            raise SettingInvalid(
                f"A fraction of {fraction!r} leaves one part empty.",
                hint="Write a number between 0 and 1, such as 0.2.",
            )
        groups = list(self._prompt_digests())
        known = [group for group in groups if group is not None]
        chosen = held_out(known, fraction, seed)
        if not chosen or len(chosen) == len(set(known)):
            raise SettingInvalid(
                f"{plural(len(known), 'row')} with {plural(len(set(known)), 'distinct prompt')} "
                f"cannot be split at {fraction!r}.",
                hint="Choose another fraction, or collect more rows.",
            )
        return Split(
            train=self._selected(group is not None and group not in chosen for group in groups),
            test=self._selected(group is not None and group in chosen for group in groups),
        )

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: FormatName | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write the rows, whole or not at all.

        Args:
            path: Where to. JSON Lines, unless it ends in .csv, .tsv, .parquet or .arrow; .gz or .zst behind that packs
                it, and an address such as gs://bucket/rows.jsonl goes through fsspec.
            format: `None` keeps the format of the source.
            overwrite: Whether a file that is there may be replaced.

        Raises:
            FileKept: There is a file, and `overwrite` is not set.
            FormatLoss: A row does not fit the format without loss; nothing is written.
            DatasetInvalid: A line is not a row; nothing is written.
        """
        where = os.fspath(path)
        lines = self._lines(format, None if is_remote(where) else Path(where).parent)
        with written(where, overwrite=overwrite) as temporary:
            if suffix(where) in (*DELIMITERS, *COLUMNAR):
                write_table(lines, where, str(temporary))
            else:
                with temporary.open("w", encoding="utf-8", newline="\n") as file:
                    for line in lines:
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return Path(path)

    def lines(self, format: FormatName | None = None) -> Iterator[JsonObject]:
        """Every row as an object of a format: for frames, such as `pandas.DataFrame(rows.lines())`.

        Args:
            format: `None` keeps the format of the source.

        Raises:
            FormatLoss: A row does not fit the format without loss.
            DatasetInvalid: A line is not a row.
        """
        return self._lines(format, None)

    def fix(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Repair:
        """Write a corrected copy, and tell what was corrected; the original is never touched.

        Corrected is what has one safe correction: a byte order mark, CRLF, blank lines, a comma before a closing
        bracket, misspelt fields, exact repetitions, and an array instead of lines. All else stays as it is.

        Args:
            path: Where to: a file of JSON lines, packed where it ends in .gz or .zst.
            overwrite: Whether a file that is there may be replaced; never one that the rows come from.

        Raises:
            FileKept: There is a file, and `overwrite` is not set, or the rows come from it.
        """
        where = os.fspath(path)
        if any(_same_file(where, name) for name in self.names):
            raise FileKept(
                f"The rows come from {where!r}.", hint="Choose another name for the copy."
            )
        fixer = Fixer(self._survey, self._row_type)
        with (
            written(where, overwrite=overwrite) as temporary,
            temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file,
        ):
            for line in fixer.lines(self._sources):
                file.write(line + "\n")
        return fixer.repair()

    def digest(self) -> str:
        """SHA-256 of the rows in order; equal digests mean equal rows, whatever the file.

        Raises:
            DatasetInvalid: A line is not a row.
        """
        return dataset_digest(row_digest(row) for row in self)

    def _lines(self, format: FormatName | None, folder: Path | None) -> Iterator[JsonObject]:
        """Every row as an object; the paths of images are told as a file in that folder has them."""
        name = format or self._survey.format or natural_format(self.row_type)
        form = format_named(name or "")
        rows = self if folder is None else (_seen_from(row, folder) for row in self)
        return (form.encode(row) for row in rows)

    def _prompt_digests(self) -> Iterator[bytes | None]:
        """For each record the digest of its prompt, `None` where it holds no row."""
        for record in parsed_records(self._sources):
            row = self._row_of(record)
            yield text_digest(row.prompt_text()) if row is not None else None

    def _row_of(self, record: ParsedRecord) -> RowT_co | None:
        """The row of a record; `None` for what can be passed over, such as a blank line."""
        decoded = decode(record, self._survey, self._row_type)
        if decoded.row is not None:
            return cast("RowT_co", decoded.row)
        findings = [Finding.of(problem, record.place) for problem in decoded.problems]
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise _invalid(findings)
        return None

    def _selected(self, selection: Iterable[bool]) -> Dataset[RowT_co]:
        part = SelectedSource(self._sources, bytes(selection))
        return Dataset((part,), self._row_type, self._survey)

    @cached_property
    def _survey(self) -> Survey:
        return self._found or survey(sampled_records(self._sources), self._row_type)

    @cached_property
    def _row_count(self) -> int:
        return sum(1 for _ in self.located())

    def _num_bytes(self) -> int | None:
        sizes = [source.num_bytes for source in self._sources]
        return None if None in sizes else sum(size for size in sizes if size is not None)


def _seen_from(row: Row, folder: Path) -> Row:
    return row.seen_from(folder) if isinstance(row, ImageRow) else row


def _same_file(one: str, other: str) -> bool:
    if is_remote(one) or is_remote(other) or not Path(one).exists():
        return one == other
    return Path(one).samefile(other)


def _invalid(findings: list[Finding]) -> DatasetInvalid:
    first = next(finding for finding in findings if finding.severity is Severity.ERROR)
    counts = Counter(finding.rule for finding in findings)
    return DatasetInvalid(
        first.message,
        hint=f"{first.fix} `check()` finds all faults.",
        report=Report(findings=tuple(findings), counts=counts),
        place=f"{first.place}: {first.field}" if first.field else first.place,
    )
