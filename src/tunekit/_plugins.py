"""Finds what is plugged in from above or outside, by entry point.

A lower room must not import a higher one, and still a report should know how to show itself, and a backend should run a
tuner that another package brought. Both are looked up here by name, when they are first needed.

Belongs here: looking up entry points.
Does not belong here: what is looked up.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

VIEWS = "tunekit.views"
"""Entry points that give a `Views`: how values are shown."""


class Views(Protocol):
    """Shows values as text and as HTML."""

    def text(self, value: object) -> str:
        """The value for a terminal or a log, without colours."""
        ...

    def html(self, value: object) -> str:
        """The value for a notebook."""
        ...

    def watcher(self, style: str) -> Any:
        """Something that follows a job while it is waited for; see `tunekit.jobs.watching`."""
        ...


@cache
def plugged_in(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name."""
    return {point.name: point for point in entry_points(group=group)}


def text_view(value: object) -> str:
    """The value as text."""
    return _views().text(value)


def html_view(value: object) -> str:
    """The value as HTML."""
    return _views().html(value)


def watcher_view(style: str) -> Any:
    """A watcher of that style, such as `auto` or `lines`."""
    return _views().watcher(style)


@cache
def _views() -> Views:
    found: Views = next(iter(plugged_in(VIEWS).values())).load()
    return found
