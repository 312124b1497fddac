"""Time, as something that can be handed in.

Belongs here: what a clock is, and the real one.
Does not belong here: a virtual clock (`backends/memory/`).
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> float:
        """Seconds since some moment; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        ...

    async def sleep_in_loop(self, seconds: float) -> None:
        """Let that much time pass while other tasks of the event loop run."""
        ...


class SystemClock:
    """The real clock."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    async def sleep_in_loop(self, seconds: float) -> None:
        """Yield to the event loop."""
        await asyncio.sleep(seconds)
