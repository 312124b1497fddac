"""Shows how far a check is, where somebody is watching and it takes longer than a moment.

Belongs here: the bar of a check.
Does not belong here: counting what was read (`scan.py`, `parallel.py`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:  # rich is loaded where a bar is shown
    from rich.console import Console
    from rich.progress import Progress, TaskID

MOMENT_SECONDS = 1.0
"""A check that is done by then shows no bar."""
Told: TypeAlias = Callable[[int], None]
"""Is told how many bytes more were checked."""


def nobody(num_bytes: int) -> None:
    """Told, and shows nothing."""


class ProgressBar:
    """A bar on the standard error of a terminal, from the second second on; elsewhere nothing.

    Args:
        num_bytes: Bytes to check; `None` where that is not known, and then there is no bar.
        console: Where to; `None` is standard error.
        clock: Gives seconds.
    """

    def __init__(
        self,
        num_bytes: int | None,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._num_bytes = num_bytes
        self._console = console
        self._clock = clock
        self._done = 0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._began = self._clock()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, num_bytes: int) -> None:
        """So many bytes more were checked."""
        self._done += num_bytes
        if self._bar is None and self._is_worth_it():
            self._show()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done)

    def _is_worth_it(self) -> bool:
        if not self._num_bytes or self._clock() - self._began < MOMENT_SECONDS:
            return False
        return sys.stderr.isatty() if self._console is None else self._console.is_terminal

    def _show(self) -> None:
        from rich import progress  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        self._bar = progress.Progress(
            progress.TextColumn("checking"),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TimeRemainingColumn(),
            console=self._console or Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task("checking", total=self._num_bytes)
        self._bar.start()
