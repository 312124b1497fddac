"""The picture of a plan: what would happen, how long it takes, and why each setting is what it is.

Belongs here: drawing a `Plan`.
Does not belong here: making one (`client.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tunekit._text import duration, plural
from tunekit.display.parts import facts, title
from tunekit.display.reports import findings_picture, statistics_picture, verdict
from tunekit.jobs.backend import TokenCount
from tunekit.jobs.plan import Plan

_SOURCES = {
    "you": "you",
    "task": "the task",
    "rows": "the rows",
    "catalog": "the catalog",
    "default": "default",
}


def plan_picture(plan: Plan) -> RenderableType:
    """What `tune` would do."""
    return Group(*_blocks(plan))


def _blocks(plan: Plan) -> Iterator[RenderableType]:
    yield title(f"{plan.job.display_name}, on the backend {plan.backend!r}")
    yield facts(
        [
            ("base model", plan.job.tuner.base_model),
            ("method", plan.job.tuner.kind),
            ("steps", f"{plan.steps:,}" if plan.steps else None),
            ("tokens", _tokens(plan)),
            ("limits", _limits(plan)),
            ("time", _time(plan)),
            ("cost", _cost(plan)),
            ("writes", "\n".join(plan.writes) or None),
        ]
    )
    for name, stats in plan.report.datasets.items():
        yield statistics_picture(name, stats)
    yield Text()
    yield _settings(plan)
    if plan.report.findings:
        yield Text()
        yield findings_picture(plan.report)
    yield Text()
    yield verdict(plan.report)


def _settings(plan: Plan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("setting", "value", "decided by", "why"):
        table.add_column(name, overflow="fold", no_wrap=name == "setting")
    for setting in plan.settings:
        value = f"{setting.value:g}" if isinstance(setting.value, float) else str(setting.value)
        table.add_row(setting.name, value, _SOURCES[setting.source], Text(setting.why))
    return table


def _tokens(plan: Plan) -> str | None:
    tokens = plan.tokens
    if tokens is None:
        return None
    kind = "exactly" if tokens.exact else "about"
    return (
        f"{kind} {tokens.total:,}{_bounds(tokens)} in {plural(plan.rows, 'row')}, {tokens.trained:,} of them learnt; "
        f"longest row {tokens.longest_row:,}"
    )


def _bounds(tokens: TokenCount) -> str:
    if tokens.exact:
        return ""
    high = "more" if tokens.high is None else f"{tokens.high:,}"
    return f" ({tokens.low:,} to {high})"


def _limits(plan: Plan) -> str | None:
    return (
        ", ".join(f"{limit.value:,} {limit.name} ({limit.whose})" for limit in plan.limits) or None
    )


def _time(plan: Plan) -> str | None:
    guess = plan.duration
    if guess is None:
        return None
    return f"{duration(guess.low)} to {duration(guess.high)}, from {guess.basis}"


def _cost(plan: Plan) -> str:
    cost = plan.cost
    if cost is None:
        return "nothing but the time of this machine"
    if cost.low is None:
        return f"unknown: {cost.basis}"
    high = "more" if cost.high is None else f"{cost.high:,.2f}"
    return f"{cost.low:,.2f} to {high} {cost.currency} ({cost.basis})"
