"""A report as HTML: figures, histograms, and the findings rule by rule; no script, no style sheet, nothing to fetch.

Belongs here: the page and its parts.
Does not belong here: the picture for terminals (`reports.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape

from tunekit._text import plural
from tunekit.data.check.findings import Finding, Severity
from tunekit.data.check.report import Report
from tunekit.data.check.statistics import Lengths, Statistics
from tunekit.display.reports import verdict

_PLACES = 20
_COLOURS = {Severity.ERROR: "#b3261e", Severity.WARNING: "#8a5a00", Severity.INFO: "#00639b"}
_FONT = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;color:#1f1f1f"
_BAR_HEIGHT = 60


def report_block(report: Report) -> str:
    """The report as a block that stands inside another page."""
    return (
        f'<div aria-label="Report" style="{_FONT};max-width:960px">{"".join(_parts(report))}</div>'
    )


def _parts(report: Report) -> Iterator[str]:
    colour = _COLOURS[Severity.ERROR] if report.errors else "#146c2e"
    yield f'<p id="verdict" style="font-weight:600;color:{colour}">{escape(verdict(report).plain)}</p>'
    for name, stats in report.datasets.items():
        yield from _figures(name, stats)
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in report.findings:
        by_rule[finding.rule].append(finding)
    graves = list(Severity)
    for found in sorted(by_rule.values(), key=lambda one: graves.index(one[0].severity)):
        yield _rule(found, report.counts[found[0].rule])


def _figures(name: str, stats: Statistics) -> Iterator[str]:
    shown = f"{plural(stats.rows, 'row')} in {plural(stats.lines, 'line')}"
    form = f", {stats.format} ({stats.row_kind})" if stats.format else ""
    yield f'<h3 style="margin:16px 0 4px">{escape(name)}</h3><div>{escape(shown + form)}</div>'
    charts = [
        ("prompt, characters", stats.prompt_characters),
        ("answer, characters", stats.completion_characters),
    ]
    drawn = "".join(_lengths(title, lengths) for title, lengths in charts if lengths is not None)
    if stats.labels:
        drawn += _chart("labels", stats.labels)
    yield f'<div style="display:flex;flex-wrap:wrap;gap:32px;margin:8px 0">{drawn}</div>'


def _lengths(title: str, lengths: Lengths) -> str:
    bars = {f"up to {upper:,}": count for upper, count in lengths.histogram}
    return _chart(f"{title}: median {lengths.median:,}, longest {lengths.longest:,}", bars)


def _chart(title: str, bars: Mapping[str, int]) -> str:
    most = max(bars.values(), default=1)
    width, drawn = 14, ""
    for index, (label, count) in enumerate(bars.items()):
        height = max(1, round(_BAR_HEIGHT * count / most))
        drawn += (
            f'<rect x="{index * width}" y="{_BAR_HEIGHT - height}" width="{width - 2}" '
            f'height="{height}" fill="#4c78a8">'
            f"<title>{escape(label)}: {count:,}</title></rect>"
        )
    size = f'width="{width * len(bars)}" height="{_BAR_HEIGHT}"'
    picture = f'<svg class="histogram" role="img" aria-label="{escape(title)}" {size}>{drawn}</svg>'
    return f"<figure style='margin:0'>{picture}<figcaption>{escape(title)}</figcaption></figure>"


def _rule(found: list[Finding], count: int) -> str:
    first = found[0]
    rows = "".join(_row(finding) for finding in found[:_PLACES])
    more = f"<tr><td></td><td>and {count - _PLACES:,} more</td></tr>" if count > _PLACES else ""
    heading = (
        f'<span style="color:{_COLOURS[first.severity]}">{first.severity}</span> '
        f"<b>{escape(first.rule)}</b> {count:,} &times;"
    )
    is_open = " open" if first.severity is Severity.ERROR else ""
    return (
        f'<details class="rule"{is_open} style="margin:8px 0"><summary>{heading}</summary>'
        f'<table style="border-spacing:12px 2px">{rows}{more}</table></details>'
    )


def _row(finding: Finding) -> str:
    field = f"<code>{escape(finding.field)}</code>: " if finding.field else ""
    shown = f" <code>{escape(finding.excerpt)}</code>" if finding.excerpt else ""
    told = f"{field}{escape(finding.message)}{shown} <i>{escape(finding.fix)}</i>"
    return f'<tr style="vertical-align:top"><td>{escape(finding.place)}</td><td>{told}</td></tr>'
