"""What a way of tuning asks of a dataset, as a value that the check can hold against the rows.

Belongs here: numbers that come from a tuner, a model or a provider, each with whose it is.
Does not belong here: the numbers themselves (`catalog/`).
"""

from __future__ import annotations

from tunekit._value import Value


class RecommendedRows(Value):
    """How many rows a task needs to be learnt well."""

    rows: int
    """At least so many."""
    purpose: str
    """What for, such as `classification`."""
    source: str
    """Public page that says so, or where it was measured."""


class Requirements(Value):
    """What is asked of a dataset beyond being readable."""

    recommended_rows: RecommendedRows | None = None
    """Fewer rows are a warning."""


NO_REQUIREMENTS = Requirements()
"""Nothing is asked but that the rows can be read."""
