"""Shares a check among machines, with Apache Beam.

Each range of the files is judged where Beam puts it, as `parallel.py` has it judged by a process; what they give is put
together in the order of the ranges, whatever order it comes in. So the report is the one of a single process.

Belongs here: the pipeline of a check.
Does not belong here: judging (`scan.py`), merging two parts (`partial.py`).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

from tunekit.data.check.parallel import RANGE_BYTES, ranges
from tunekit.data.check.partial import CheckOptions, Partial
from tunekit.data.check.records import sampled_records
from tunekit.data.check.report import Report
from tunekit.data.check.requirements import NO_REQUIREMENTS
from tunekit.data.check.row_checks import RuleLike, asked_for
from tunekit.data.check.scan import Range, scan
from tunekit.data.check.survey import survey
from tunekit.data.opening import found_files, is_remote, opened, written
from tunekit.data.reader import Source, sources_of
from tunekit.data.rows import Row
from tunekit.errors import FileKept, MissingExtra, SettingInvalid

Paths: TypeAlias = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""A path, a pattern, or several of them."""

_ON_THIS_MACHINE = ("DirectRunner", "BundleBasedDirectRunner", "FnApiRunner", "PrismRunner")


@dataclass(slots=True)
class Stretch:
    """What ranges that follow each other gave."""

    first: int
    """Position of the first of them among all ranges."""
    behind: int
    """Position of the range that follows them."""
    partial: Partial


def beam_check(
    files: Paths,
    *,
    row: type[Row] | None = None,
    name: str = "rows",
    max_findings_per_rule: int = 1_000,
    excerpts: bool = True,
    also: Iterable[RuleLike] = (),
    ignore: Iterable[str] = (),
    range_bytes: int = RANGE_BYTES,
) -> Any:
    """A check of files as a step of an Apache Beam pipeline, which gives one `Report`.

    The report is the one that `Dataset.read(files).check()` gives in a single process. The files are found, and a
    sample of them is read, when this is called; all of them are read by the workers, which need tunekit and the files
    at the same paths. Write `"Check train" >> tk.beam_check(...)` where a pipeline has two of them.

    Args:
        files: A path, a pattern such as `gs://bucket/rows-*.jsonl`, or several.
        row: The kind of row. `None` takes the kind that most lines have.
        name: What the dataset is called in the report.
        max_findings_per_rule: Findings of one rule that are kept; all are counted. At least 1.
        excerpts: Whether findings show the start of offending values, at most 40 characters.
        also: What to look for beyond the rules that always are, as in `Dataset.check`.
        ignore: Ids of rules whose findings are left out.
        range_bytes: How much one worker reads at a time, in bytes, at least 1. Files at an address and packed ones are
            read whole.

    Returns:
        A `beam.PTransform` from the start of a pipeline to a collection with the report in it.

    Raises:
        MissingExtra: The extra `beam` is not installed.
        SourceNotFound: A path or pattern matches no file.
        SettingInvalid: There is no rule of that name, or a range has no bytes.
    """
    beam = _beam()
    if range_bytes < 1:
        raise SettingInvalid(
            f"range_bytes={range_bytes!r} leaves nothing to read.",
            hint="Write at least 1, or leave it out.",
        )
    sources = sources_of(files)
    asked = asked_for(also, ignore)
    found = survey(sampled_records(sources), row)
    options = CheckOptions(found, row, max_findings_per_rule, excerpts, asked)
    parts = list(enumerate(ranges(sources, range_bytes)))
    return (
        "Ranges" >> beam.Create(parts)
        | "Spread" >> beam.Reshuffle()
        | "Scan" >> beam.Map(_scanned, options)
        | "Merge" >> beam.CombineGlobally(joined)
        | "Report" >> beam.Map(_reported, options, name, _num_bytes(sources))
    )


def check_on_beam(
    files: Paths,
    *,
    flags: Sequence[str] = (),
    report_to: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    row: type[Row] | None = None,
    name: str = "rows",
    max_findings_per_rule: int = 1_000,
    excerpts: bool = True,
    also: Iterable[RuleLike] = (),
    ignore: Iterable[str] = (),
    range_bytes: int = RANGE_BYTES,
) -> Report:
    """Check files on an Apache Beam pipeline of its own, and wait for the report.

    Args:
        files: A path, a pattern such as `gs://bucket/rows-*.jsonl`, or several.
        flags: Options of Beam, such as `["--runner=DataflowRunner", "--project=p"]`. None of them runs it here.
        report_to: Where the workers write the report, as JSON, and this process reads it. `None` takes a file
            that is gone afterwards, where Beam runs on this machine; other runners need a place that all can reach.
        overwrite: Whether a report that is there may be replaced.
        row: The kind of row. `None` takes the kind that most lines have.
        name: What the dataset is called in the report.
        max_findings_per_rule: Findings of one rule that are kept; all are counted. At least 1.
        excerpts: Whether findings show the start of offending values, at most 40 characters.
        also: What to look for beyond the rules that always are, as in `Dataset.check`.
        ignore: Ids of rules whose findings are left out.
        range_bytes: How much one worker reads at a time, in bytes, at least 1.

    Raises:
        MissingExtra: The extra `beam` is not installed.
        SourceNotFound: A path or pattern matches no file.
        SettingInvalid: There is no rule of that name, a range has no bytes, or the runner needs `report_to`.
        FileKept: There is a report, and `overwrite` is not set.
    """
    beam = _beam()
    options = import_module("apache_beam.options.pipeline_options")
    chosen = options.PipelineOptions(list(flags))
    runner = chosen.view_as(options.StandardOptions).runner or _ON_THIS_MACHINE[0]
    check = beam_check(
        files,
        row=row,
        name=name,
        max_findings_per_rule=max_findings_per_rule,
        excerpts=excerpts,
        also=also,
        ignore=ignore,
        range_bytes=range_bytes,
    )
    with tempfile.TemporaryDirectory() as folder:
        where = _place_of_report(report_to, folder, runner, overwrite=overwrite)
        with beam.Pipeline(options=chosen) as pipeline:
            _ = pipeline | "Check" >> check | "Write" >> beam.Map(_write, where)
        with opened(where) as file:
            return Report.model_validate_json(file.read())


def joined(given: Iterable[list[Stretch]]) -> list[Stretch]:
    """The stretches in order, with those that follow each other made one, whatever order they come in."""
    stretches = sorted((one for some in given for one in some), key=lambda one: one.first)
    kept: list[Stretch] = []
    for stretch in stretches:
        if kept and kept[-1].behind == stretch.first:
            kept[-1].partial.merge(stretch.partial)
            kept[-1].behind = stretch.behind
        else:
            kept.append(stretch)
    return kept


def _scanned(numbered: tuple[int, Range], options: CheckOptions) -> list[Stretch]:
    number, part = numbered
    partial = scan(part, options)
    # functions of the caller's have done their work, and cannot travel with it
    partial.options = replace(options, asked=replace(options.asked, own=()))
    return [Stretch(number, number + 1, partial)]


def _reported(
    stretches: list[Stretch], options: CheckOptions, name: str, num_bytes: int | None
) -> Report:
    total = Partial(options)
    for stretch in stretches:
        total.merge(stretch.partial)
    return total.report(name, NO_REQUIREMENTS, num_bytes)


def _write(report: Report, where: str) -> None:
    # Beam may run a step again, so what it wrote before is replaced
    with written(where, overwrite=True) as temporary:
        temporary.write_text(report.to_json(), encoding="utf-8")


def _place_of_report(
    report_to: str | os.PathLike[str] | None, folder: str, runner: str, *, overwrite: bool
) -> str:
    if report_to is None:
        if runner.rpartition(".")[2] not in _ON_THIS_MACHINE:
            raise SettingInvalid(
                f"What {runner!r} runs cannot reach a file of this process.",
                hint="Name a place for the report: report_to='gs://bucket/report.json'.",
            )
        return str(Path(folder, "report.json"))
    where = os.fspath(report_to)
    there = found_files(where) is not None if is_remote(where) else Path(where).exists()
    if there and not overwrite:
        raise FileKept(
            f"{where!r} is there already.", hint="Choose another name, or pass overwrite=True."
        )
    return where


def _num_bytes(sources: Sequence[Source]) -> int | None:
    sizes = [source.num_bytes for source in sources]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _beam() -> Any:
    try:
        return import_module("apache_beam")
    except ImportError as error:
        raise MissingExtra(
            "A check on Apache Beam needs 'apache_beam', not installed here.",
            hint="Install the extra: pip install 'tunekit[beam]'",
            extra="beam",
        ) from error
