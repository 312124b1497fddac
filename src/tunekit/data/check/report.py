"""The outcome of a check: every finding, and the figures.

Belongs here: what a check hands to people and programs.
Does not belong here: finding faults (`scan.py`), drawing the report (`display/`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from tunekit._plugins import html_view, text_view
from tunekit._text import plural
from tunekit._value import Value
from tunekit.data.check.findings import Finding, Severity
from tunekit.data.check.statistics import Statistics
from tunekit.errors import DatasetInvalid

_LISTED = 100
"""Findings that the text of an error lists; the report itself has all."""


class Report(Value):
    """Everything that a check found. Making it never raises; `raise_if_errors` does, when asked."""

    findings: tuple[Finding, ...]
    """All findings, in the order of the rows; of one rule at most as many as the check was told to keep."""
    counts: Mapping[str, int]
    """How often each rule was broken, also beyond what `findings` keeps."""
    datasets: Mapping[str, Statistics] = Field(default_factory=dict)
    """Figures by dataset, such as `train` and `validation`."""

    @property
    def ok(self) -> bool:
        """Whether there is no error. Warnings do not hinder."""
        return not self.errors

    @property
    def stats(self) -> Statistics:
        """The figures of the first dataset."""
        return next(iter(self.datasets.values()))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the rows from being used."""
        return self._of(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that make the result worse than it could be."""
        return self._of(Severity.WARNING)

    def with_findings(self, findings: Iterable[Finding]) -> Report:
        """The same report with more findings."""
        added = tuple(findings)
        counts = Counter(self.counts) + Counter(finding.rule for finding in added)
        return self.model_copy(
            update={"findings": (*self.findings, *added), "counts": dict(counts)}
        )

    def without(self, *rules: str) -> Report:
        """The same report without the findings of some rules.

        Args:
            rules: Ids, such as `duplicate-row`.
        """
        return self.model_copy(
            update={
                "findings": tuple(one for one in self.findings if one.rule not in rules),
                "counts": {rule: count for rule, count in self.counts.items() if rule not in rules},
            }
        )

    def exit_code(self, *, fail_on: Literal["error", "warning", "info"] = "error") -> int:
        """1 where there is a finding at least so grave, else 0: for `sys.exit`.

        Args:
            fail_on: The least grave severity that counts.
        """
        graves = list(Severity)
        counted = graves[: graves.index(Severity(fail_on)) + 1]
        return int(any(finding.severity in counted for finding in self.findings))

    def raise_if_errors(self) -> None:
        """Raise when there is an error.

        Raises:
            DatasetInvalid: With this report, and a text that lists the errors.
        """
        if self.ok:
            return
        errors = self.errors
        listed = "".join(f"\n  {finding}" for finding in errors[:_LISTED])
        if len(errors) > _LISTED:
            listed += f"\n  and {len(errors) - _LISTED:,} more, in the report of this error."
        raise DatasetInvalid(
            f"The rows have {plural(len(errors), 'error')}, so nothing was started:{listed}",
            hint="\nCorrect them and call again; `tunekit check` lists them with what to do.",
            report=self,
        )

    def to_json(self) -> str:
        """The report as JSON."""
        return self.model_dump_json(indent=2)

    def to_sarif(self) -> str:
        """The findings as SARIF 2.1.0, for annotations in CI. No text of a row is in it."""
        from tunekit.data.check.sarif import sarif  # noqa: PLC0415  # the rules are not needed for a report

        return sarif(self.findings)

    def to_html(self) -> str:
        """The report as a page of its own, which fetches nothing: write it to a file and open it."""
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>tunekit report</title></head>'
            f'<body style="background:#fff;margin:24px">{html_view(self)}</body></html>'
        )

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)

    def _of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is severity)


def merged(reports: Mapping[str, Report]) -> Report:
    """One report for several datasets that belong together."""
    counts: Counter[str] = Counter()
    for report in reports.values():
        counts.update(report.counts)
    return Report(
        findings=tuple(finding for report in reports.values() for finding in report.findings),
        counts=dict(counts),
        datasets={name: report.stats for name, report in reports.items()},
    )
