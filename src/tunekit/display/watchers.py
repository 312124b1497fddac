"""What a wait shows: a bar where somebody looks, lines where they are asked for, nothing elsewhere.

Belongs here: following a job on the screen.
Does not belong here: waiting (`jobs/handle.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from html import escape
from importlib import import_module
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tunekit.jobs.record import Event, JobRecord
from tunekit.jobs.states import JobState
from tunekit.jobs.watching import SilentWatcher, Watcher

_LINES = 10
"""About so many lines with figures are written in a run."""


def watcher_of(style: str) -> Watcher:
    """The watcher of a style: `auto`, `bar` or `lines`."""
    if style == "lines":
        return LinesWatcher()
    console = Console(stderr=True)
    if console.is_jupyter:
        return NotebookWatcher(_shown_in_notebook)
    if style == "bar" or console.is_terminal:
        return BarWatcher(console)
    return SilentWatcher()


class BarWatcher:
    """A bar with the state, the step and the latest loss."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task("waiting", total=None, figures="")
        self._is_shown = False

    def looked(self, record: JobRecord, events: Sequence[Event]) -> None:
        """Move the bar."""
        if not self._is_shown:
            self._progress.start()
            self._is_shown = True
        self._progress.update(self._task, description=_state(record))
        if record.progress is not None:
            self._progress.update(
                self._task, completed=record.progress.step, total=record.progress.total_steps
            )
        for event in events:
            if event.metrics:
                self._progress.update(self._task, figures=_figures(event))

    def ended(self, record: JobRecord) -> None:
        """Leave the bar as it is."""
        self._progress.stop()
        self._is_shown = False

    def detached(self, record: JobRecord) -> None:
        """Say how to pick the job up."""
        self._progress.stop()
        self._is_shown = False
        self._progress.console.print(_picked_up(record), highlight=False)


Show = Callable[[str], Callable[[str], object]]
"""Shows HTML, and gives what replaces it by other HTML."""


class NotebookWatcher:
    """A bar in the output of a notebook's cell.

    rich draws its bars in notebooks by way of ipywidgets only; this needs nothing but the notebook.

    Args:
        show: Shows HTML, and gives what replaces it.
    """

    def __init__(self, show: Show) -> None:
        self._show = show
        self._replace: Callable[[str], object] | None = None
        self._figures = ""

    def looked(self, record: JobRecord, events: Sequence[Event]) -> None:
        """Draw the bar anew."""
        for event in events:
            if event.metrics:
                self._figures = _figures(event)
        self._draw(record, self._figures)

    def ended(self, record: JobRecord) -> None:
        """Leave the bar as it is."""
        self._draw(record, self._figures)

    def detached(self, record: JobRecord) -> None:
        """Say how to pick the job up."""
        self._draw(record, _picked_up(record))

    def _draw(self, record: JobRecord, told: str) -> None:
        done, total = (
            (record.progress.step, record.progress.total_steps) if record.progress else (0, 1)
        )
        steps = f"{done:,}/{total:,}" if record.progress else ""
        html = (
            f'<div>{escape(_state(record))} <progress value="{done}" max="{total}"></progress> '
            f"{steps} {escape(told)}</div>"
        )
        if self._replace is None:
            self._replace = self._show(html)
        else:
            self._replace(html)


def _shown_in_notebook(html: str) -> Callable[[str], object]:
    """Show HTML in the output of the cell that runs."""
    notebook = import_module("IPython.display")
    handle = notebook.display(notebook.HTML(html), display_id=True)
    return lambda other: handle.update(notebook.HTML(other))


class LinesWatcher:
    """A line for each thing worth knowing, and about ten with figures."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._next_step = 0

    def looked(self, record: JobRecord, events: Sequence[Event]) -> None:
        """Write what is new."""
        total = record.progress.total_steps if record.progress else 0
        for event in events:
            if event.kind == "metrics" and not self._is_due(event, total):
                continue
            if event.kind != "checkpoint":
                self._write(event.message if event.kind != "metrics" else _step_line(event, total))

    def ended(self, record: JobRecord) -> None:
        """Say how it ended."""
        self._write(f"{record.id}: {_state(record)}")

    def detached(self, record: JobRecord) -> None:
        """Say how to pick the job up."""
        self._write(_picked_up(record))

    def _is_due(self, event: Event, total: int) -> bool:
        step = event.step or 0
        if "loss" not in event.metrics or (step < self._next_step and step != total):
            return False
        self._next_step = step + max(1, total // _LINES)
        return True

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _step_line(event: Event, total: int) -> str:
    return f"step {event.step:>5,} of {total:,}   {_figures(event)}"


def _figures(event: Event) -> str:
    shown = ("loss", "validation_loss", "reward")
    return "   ".join(
        f"{name.replace('_', ' ')} {event.metrics[name]:.3f}"
        for name in shown
        if name in event.metrics
    )


def _state(record: JobRecord) -> str:
    if record.state is JobState.UNKNOWN:
        return f"{record.state} ({record.provider_state})"
    if record.progress is not None and not record.state.is_terminal:
        return f"{record.state.lower()}: {record.progress.stage}"
    return record.state.lower()


def _picked_up(record: JobRecord) -> str:
    return (
        f"{record.id} goes on. Pick it up with client.job({record.id!r}), stop it with .cancel()."
    )
