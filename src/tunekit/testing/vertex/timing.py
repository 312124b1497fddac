"""The time of the emulator: virtual, passing with every request, or real.

Belongs here: now, as seconds and as a timestamp, and what is due later.
Does not belong here: what happens to a job in that time (`scripts.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tunekit.backends.memory.script import VirtualClock
from tunekit.jobs.clock import Clock, SystemClock

_EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
"""When a virtual clock starts, as that of `MemoryBackend` does."""


class EmulatedTime:
    """The time of the emulator.

    Args:
        clock: `virtual`, `real`, or a clock.
        seconds_per_request: What passes with every request, where the clock is a virtual one.
    """

    def __init__(self, clock: Clock, seconds_per_request: float) -> None:
        self.clock = clock
        self._per_request = seconds_per_request
        self._began = clock.now()
        self._zero = _EPOCH if self.is_virtual else datetime.now(UTC)
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._lock = threading.Lock()

    @property
    def is_virtual(self) -> bool:
        """Whether time passes only when told to."""
        return not isinstance(self.clock, SystemClock)

    def now(self) -> float:
        """Seconds since the emulator was made."""
        return self.clock.now() - self._began

    def advance(self, seconds: float) -> None:
        """Let time pass: at once on a virtual clock, by waiting on a real one."""
        with self._lock:
            self.clock.sleep(seconds)

    def request_came(self) -> None:
        """Let the time of one request pass, on a virtual clock."""
        if self.is_virtual:
            self.advance(self._per_request)

    def later(self, seconds: float, deed: Callable[[], object]) -> None:
        """Do something in so many seconds: with the first request after them."""
        self._later.append((self.now() + seconds, deed))

    def do_what_is_due(self) -> None:
        """Do what was put off until now."""
        now = self.now()
        due = [deed for moment, deed in self._later if moment <= now]
        self._later = [(moment, deed) for moment, deed in self._later if moment > now]
        for deed in due:
            deed()

    def stamp(self, moment: float) -> str:
        """A moment as the wire has it."""
        return (self._zero + timedelta(seconds=moment)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def moment(self, time: datetime) -> float:
        """Seconds since the emulator was made, of a time of this machine."""
        return (time - self._zero).total_seconds()


def clock_named(clock: str | Clock) -> Clock:
    """`virtual` and `real` as clocks; a clock is taken as it is."""
    if isinstance(clock, str):
        return SystemClock() if clock == "real" else VirtualClock()
    return clock
