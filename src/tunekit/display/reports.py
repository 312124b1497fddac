"""The picture of a report: what the rows are, and what is wrong with them, rule by rule.

Belongs here: drawing a `Report`.
Does not belong here: finding faults (`data/check/`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tunekit._text import plural
from tunekit.data.check.findings import Finding
from tunekit.data.check.report import Report
from tunekit.data.check.statistics import Lengths, Statistics
from tunekit.display.parts import COLOURS, facts, percent

_PLACES = 10
"""Places that are listed for one rule; the report has all."""


def report_picture(report: Report) -> RenderableType:
    """Figures, findings by rule, and the verdict."""
    return Group(*_blocks(report))


def findings_picture(report: Report) -> RenderableType:
    """The findings by rule, the gravest first."""
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_rule[finding.rule].append(finding)
    grave = sorted(by_rule.values(), key=lambda found: list(COLOURS).index(found[0].severity))
    return Group(*(_rule(found, report.counts[found[0].rule]) for found in grave))


def verdict(report: Report) -> Text:
    """One line: whether the rows can be used."""
    if report.errors:
        return Text(
            f"{plural(len(report.errors), 'error')}: nothing starts with these rows.", style="red"
        )
    if report.warnings:
        return Text(f"No errors, {plural(len(report.warnings), 'warning')}.", style="yellow")
    return Text("No errors, no warnings.", style="green")


def statistics_picture(name: str, stats: Statistics) -> RenderableType:
    """The figures of one dataset."""
    return facts(
        [
            (name, f"{plural(stats.rows, 'row')} in {plural(stats.lines, 'line')}"),
            ("format", f"{stats.format} ({stats.row_kind})" if stats.format else "unknown"),
            ("prompt", _lengths(stats.prompt_characters)),
            ("answer", _lengths(stats.completion_characters)),
            ("labels", _labels(stats)),
            ("shape", stats.template.pattern.replace("\n", "⏎") if stats.template else None),
        ]
    )


def _blocks(report: Report) -> Iterator[RenderableType]:
    for name, stats in report.datasets.items():
        yield statistics_picture(name, stats)
    if report.findings:
        yield Text()
        yield findings_picture(report)
    yield Text()
    yield verdict(report)


def _rule(found: list[Finding], count: int) -> RenderableType:
    first = found[0]
    one_way_out = len({finding.fix for finding in found}) == 1
    heading = Text.assemble(
        (f"{first.severity} ", COLOURS[first.severity]), (first.rule, "bold"), f"  {count:,} ×"
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found[:_PLACES]:
        table.add_row(finding.place, _told(finding, with_fix=not one_way_out))
    if count > _PLACES:
        table.add_row("", Text(f"and {count - _PLACES:,} more", style="dim"))
    body = Group(table, _way_out(first)) if one_way_out else table
    return Group(heading, Padding(body, (0, 0, 0, 2)))


def _told(finding: Finding, *, with_fix: bool) -> Text:
    field = f"{finding.field}: " if finding.field else ""
    shown = f"  {finding.excerpt}" if finding.excerpt else ""
    told = Text.assemble((field, "cyan"), finding.message, (shown, "dim"))
    return told.append_text(Text(" ")).append_text(_way_out(finding)) if with_fix else told


def _way_out(finding: Finding) -> Text:
    return Text(f"→ {finding.fix}", style="italic")


def _lengths(lengths: Lengths | None) -> str | None:
    if lengths is None:
        return None
    return (
        f"{lengths.median:,} characters in the median, {lengths.p90:,} at 90 %, "
        f"{lengths.shortest:,} to {lengths.longest:,}"
    )


def _labels(stats: Statistics) -> str | None:
    if stats.labels is None:
        return None
    total = sum(stats.labels.values())
    return ", ".join(f"{label} {percent(count / total)}" for label, count in stats.labels.items())
