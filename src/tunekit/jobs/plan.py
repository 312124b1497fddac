"""`Plan`: what a run would do, before anything is spent.

Belongs here: the value that holds it.
Does not belong here: making it (`client.py`, `tuners/`, `backends/`).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from tunekit._plugins import html_view, text_view
from tunekit._value import Value
from tunekit.data.check.report import Report
from tunekit.jobs.backend import Cost, Estimate, Limit, TokenCount
from tunekit.jobs.record import JobRequest
from tunekit.tuners.base import Setting


class Plan(Value):
    """What `tune` would do with the same arguments. Making one changes nothing and costs nothing."""

    backend: str
    """Name of the backend."""
    job: JobRequest
    """What would be submitted, every setting decided."""
    report: Report
    """What the check of the rows found."""
    rows: int
    """Rows that would be trained on."""
    steps: int | None
    """Optimiser steps; `None` where the backend decides."""
    settings: tuple[Setting, ...]
    """Each setting with where its value comes from."""
    tokens: TokenCount | None
    """Tokens of the training rows; `None` where the backend cannot tell."""
    limits: tuple[Limit, ...]
    """What the rows were held against, and whose limits they are."""
    duration: Estimate | None
    """How long it would take; `None` where nobody can tell."""
    cost: Cost | None
    """What it would cost; `None` where it costs nothing but this machine's time."""
    writes: tuple[str, ...]
    """What would be written, or uploaded, and where."""
    request: Mapping[str, JsonValue] | None
    """The body that would be sent over the wire; `None` where nothing is sent."""
    warnings: tuple[str, ...]
    """What speaks against running it as it is."""

    @property
    def ok(self) -> bool:
        """Whether `tune` would start it."""
        return self.report.ok

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)
