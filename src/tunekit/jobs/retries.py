"""Calls a backend again where that is safe, and starts a job exactly once.

Belongs here: which failures are tried again, how often and with what pauses.
Does not belong here: waiting for a job (`handle.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from tunekit.errors import SubmissionUnknown, TunekitError
from tunekit.jobs.backend import Backend, FindsByKey, Rows
from tunekit.jobs.clock import Clock
from tunekit.jobs.record import JobRecord, JobRequest

ATTEMPTS = 8
"""Calls altogether, before a failure that might pass is given to the caller: about two minutes."""
GRACE_SECONDS = 180.0
"""How long a job whose submission was not answered may take to show up in a list before it counts as not started."""
_LOOK_AGAIN_SECONDS = 5.0

ResultT = TypeVar("ResultT")


def is_retryable(error: BaseException) -> bool:
    """Whether the same call may succeed later without any change."""
    return isinstance(error, TunekitError) and error.retryable


def persistently(call: Callable[[], ResultT], clock: Clock) -> ResultT:
    """Make a call that may be made twice, again and again while its failure may pass."""
    retrying = Retrying(
        retry=retry_if_exception(is_retryable),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(initial=1, max=60, jitter=1),
        sleep=clock.sleep,
        reraise=True,
    )
    return retrying(call)


def submit_once(backend: Backend, request: JobRequest, rows: Rows, clock: Clock) -> JobRecord:
    """Start the job of a request, once, whatever happens to the answers.

    A refused submission is tried again. After one whose answer was lost the job is looked for by its key, and only when
    it has not shown up for `GRACE_SECONDS` is it submitted again.

    Raises:
        SubmissionUnknown: The answers were lost again and again, and the job never showed up.
        TunekitError: The backend refuses the request for good.
    """

    def attempt() -> JobRecord:
        try:
            return backend.submit(request, rows)
        except SubmissionUnknown:
            found = _appeared(backend, request.key, clock)
            if found is not None:
                return found
            return backend.submit(request, rows)

    return persistently(attempt, clock)


def find(backend: Backend, key: str, clock: Clock) -> JobRecord | None:
    """The job of a key, or `None`."""
    if isinstance(backend, FindsByKey):
        finder = backend
        return persistently(lambda: finder.find(key), clock)
    records = persistently(lambda: list(backend.list_jobs()), clock)
    return next((record for record in records if record.request.key == key), None)


def _appeared(backend: Backend, key: str, clock: Clock) -> JobRecord | None:
    """The job of a key, once it is listed; `None` when the grace is over without it."""
    finder = backend if isinstance(backend, FindsByKey) else None
    deadline = clock.now() + (finder.grace_seconds if finder else GRACE_SECONDS)
    while True:
        last_look = clock.now() >= deadline
        found = find(backend, key, clock)
        if found is not None or last_look:
            return found
        clock.sleep(_LOOK_AGAIN_SECONDS)
