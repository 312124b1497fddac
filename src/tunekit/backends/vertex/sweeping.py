"""Watches any number of jobs with few requests: when several are looked at, one list answers for all of them.

Belongs here: when to list, and what is known since.
Does not belong here: listing (`service.py`), waiting (`jobs/handle.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from tunekit.backends.vertex.case import Json, Resource
from tunekit.backends.vertex.names import JobName
from tunekit.errors import BackendFault

CROWD = 4
"""So many jobs under watch are worth a list."""
SWEEP_SECONDS = 30.0
"""How old what a list told may become."""
_COOL_DOWN_SECONDS = 5.0
"""How long after a list that failed the next one waits."""
_WATCHED_SECONDS = 300.0
"""How long a job counts as under watch after it was looked at."""


class Sweep:
    """What the last list told.

    Args:
        list_jobs: Lists all jobs of a kind.
        now: The time, of which only differences count.
    """

    def __init__(
        self, list_jobs: Callable[[Resource], Iterable[Json]], now: Callable[[], float]
    ) -> None:
        self._list = list_jobs
        self._now = now
        self._lock = threading.Lock()
        self._watched: dict[str, float] = {}
        self._told: dict[Resource, dict[str, Json]] = {}
        self._listed_at: dict[Resource, float] = {}
        self._failed: dict[Resource, tuple[float, BackendFault]] = {}

    def look(self, name: JobName) -> Json | None:
        """The job as a list tells it, or `None` where it has to be asked for by itself."""
        with self._lock:
            now = self._now()
            self._watched[name.id] = now
            if len(self._watched) < CROWD:
                return None
            self._watched = {
                job: at for job, at in self._watched.items() if now - at <= _WATCHED_SECONDS
            }
            if len(self._watched) < CROWD:
                return None
            if now - self._listed_at.get(name.resource, -SWEEP_SECONDS) >= SWEEP_SECONDS:
                self._sweep(name.resource, now)
            return self._told.get(name.resource, {}).get(name.id)

    def _sweep(self, resource: Resource, now: float) -> None:
        """List, unless a list failed a moment ago: then all who wait hear of that same failure."""
        failed_at, failure = self._failed.get(resource, (0.0, None))
        if failure is not None and now - failed_at < _COOL_DOWN_SECONDS:
            raise failure
        try:
            self._told[resource] = {_id(job): job for job in self._list(resource)}
        except BackendFault as error:
            self._failed[resource] = (now, error)
            raise
        self._failed.pop(resource, None)
        self._listed_at[resource] = now

    def forget(self, name: JobName, *, over: bool = False) -> None:
        """Look at the job itself next time; one that is over is not under watch any more."""
        with self._lock:
            self._told.get(name.resource, {}).pop(name.id, None)
            if over:
                self._watched.pop(name.id, None)


def _id(job: Json) -> str:
    return str(job.get("name", "")).rpartition("/")[2]
