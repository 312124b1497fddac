"""What may follow a job while somebody waits for it, such as a progress bar.

Belongs here: what a watcher is told, and the one that says nothing.
Does not belong here: drawing anything (`display/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from tunekit._plugins import watcher_view
from tunekit.jobs.record import Event, JobRecord

WatchStyle = Literal["auto", "bar", "lines", "silent"]
"""How a wait shows itself: `auto` draws a bar on a terminal or in a notebook and is silent elsewhere."""


class Watcher(Protocol):
    """Is told what happens while somebody waits for a job."""

    def looked(self, record: JobRecord, events: Sequence[Event]) -> None:
        """The job was looked at; `events` are those since the last look."""
        ...

    def ended(self, record: JobRecord) -> None:
        """The wait is over: the job is, or the time is up."""
        ...

    def detached(self, record: JobRecord) -> None:
        """The wait was broken off; the job goes on."""
        ...


class SilentWatcher:
    """Says nothing."""

    def looked(self, record: JobRecord, events: Sequence[Event]) -> None:
        """Say nothing."""

    def ended(self, record: JobRecord) -> None:
        """Say nothing."""

    def detached(self, record: JobRecord) -> None:
        """Say nothing."""


Watch: TypeAlias = WatchStyle | Watcher
"""A style, or a watcher of your own."""


def watcher_for(watch: Watch) -> Watcher:
    """The watcher for a style; a watcher is taken as it is."""
    if watch == "silent":
        return SilentWatcher()
    if isinstance(watch, str):
        found: Watcher = watcher_view(watch)
        return found
    return watch
