"""`Job`: the handle to hold on to while a job runs, in this process or another.

Belongs here: looking, waiting, cancelling, following; the only loop in tunekit that sleeps.
Does not belong here: what a backend does (`backends/`), the model that comes out (`models.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tunekit._plugins import html_view, text_view
from tunekit._text import duration
from tunekit.errors import (
    JobCancelled,
    JobFailed,
    JobTimeout,
    MethodUnsupported,
    ModelNotFound,
    TunedButNotDeployed,
    TunekitError,
)
from tunekit.jobs.backend import Backend, Resumes, TellsEvents
from tunekit.jobs.clock import Clock
from tunekit.jobs.model_kinds import model_handle
from tunekit.jobs.record import Checkpoint, Event, JobRecord, Metrics
from tunekit.jobs.retries import is_retryable, persistently
from tunekit.jobs.states import JobState
from tunekit.jobs.watching import Watcher

ModelT_co = TypeVar("ModelT_co", covariant=True)
ItemT = TypeVar("ItemT")

UNKNOWN_SECONDS = 3_600.0
"""How long a wait bears a state that this version does not know before it gives up."""


class Job(Generic[ModelT_co]):
    """A tuning job, wherever it runs.

    The handle is cheap and holds nothing that matters: `client.job(job.id)` makes another one, in any process. `wait`
    returns when the job is over, `result` returns its model or raises, and `await job` is `result` for async code.
    """

    def __init__(
        self, backend: Backend, record: JobRecord, *, clock: Clock, watcher: Watcher
    ) -> None:
        self._backend = backend
        self._record = record
        self._clock = clock
        self._watcher = watcher

    @property
    def id(self) -> str:
        """Plain string that `Client.job` takes, in any process."""
        return self._record.id

    @property
    def record(self) -> JobRecord:
        """All that was known at the last look."""
        return self._record

    @property
    def state(self) -> JobState:
        """The state at the last look; `refresh` looks again."""
        return self._record.state

    def refresh(self) -> JobRecord:
        """Look at the job once.

        Raises:
            JobNotFound: It is gone.
            BackendFault: The backend does not answer.
        """
        self._record = persistently(lambda: self._backend.fetch(self.id), self._clock)
        return self._record

    def wait(self, timeout_seconds: float | None = None) -> JobRecord:
        """Wait until the job is over, however it ends. Ctrl-C stops the wait, not the job.

        Args:
            timeout_seconds: The longest time to wait. `None` waits as long as it takes.

        Raises:
            JobTimeout: The time is up, or the job was in a state nobody knows for too long. The job goes on.
        """
        with self._told_when_broken_off():
            for pause in self._looks(timeout_seconds):
                self._clock.sleep(pause)
        return self._record

    def result(self, timeout_seconds: float | None = None) -> ModelT_co:
        """Wait until the job is over, and give its model.

        Args:
            timeout_seconds: The longest time to wait. `None` waits as long as it takes.

        Raises:
            JobFailed: It ended without a model; as `JobCancelled` where somebody cancelled it, and as
                `TunedButNotDeployed` where there is a model and only its endpoint is missing.
            JobTimeout: The time is up. The job goes on.
        """
        self.wait(timeout_seconds)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, ModelT_co]:
        return self._awaited().__await__()

    def cancel(self) -> JobRecord:
        """Ask the job to stop. It may still succeed, when it was nearly done."""
        self._record = persistently(lambda: self._backend.cancel(self.id), self._clock)
        return self._record

    def resume(self) -> JobRecord:
        """Go on with a job that broke off or was cancelled, from its last checkpoint.

        Raises:
            MethodUnsupported: The backend cannot do that.
            SettingInvalid: The job has succeeded.
        """
        backend = self._backend
        if not isinstance(backend, Resumes):
            raise _unable(backend, "resume a job", "Start it anew with `client.tune`.")
        self._record = backend.resume(self.id)
        return self._record

    def events(self, *, follow: bool = False) -> Stream[Event]:
        """What has happened so far.

        Args:
            follow: Whether to go on, as it happens, until the job is over.
        """
        return Stream(lambda: self._events_so_far(follow=follow), self._clock)

    def metrics(self, *, follow: bool = False) -> Stream[Metrics]:
        """The figures of training so far, such as the loss by step.

        Args:
            follow: Whether to go on, as they come in, until the job is over.
        """
        return Stream(lambda: _only_metrics(self._events_so_far(follow=follow)), self._clock)

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """The weights saved on the way; `Client.model` takes their ids."""
        return tuple(persistently(lambda: self._log().checkpoints(self.id), self._clock))

    def __repr__(self) -> str:
        return f"<Job {self.id!r} {self.state}>"

    def __str__(self) -> str:
        return text_view(self._record)

    def _repr_html_(self) -> str:
        return html_view(self._record)

    async def _awaited(self) -> ModelT_co:
        looks = self._looks(None)
        with self._told_when_broken_off():
            while (pause := await asyncio.to_thread(next, looks, None)) is not None:
                await self._clock.sleep_in_loop(pause)
        return self._outcome()

    def _looks(self, timeout_seconds: float | None) -> Iterator[float]:
        """Look at the job until it is over, yielding how long to pause before the next look."""
        polling = self._backend.polling
        pause, told = polling.first_seconds, 0
        patience = _Patience(self._clock, timeout_seconds)
        while True:
            self._look()
            told = self._tell(told)
            if self.state.is_terminal:
                self._watcher.ended(self._record)
                return
            left = patience.left(self._record)
            if left <= 0:
                self._watcher.ended(self._record)
                raise patience.exhausted(self._record)
            yield min(pause, left)
            pause = min(pause * 1.5, polling.most_seconds)

    def _look(self) -> None:
        """Look once; a failure that may pass is left to the next look."""
        try:
            self._record = self._backend.fetch(self.id)
        except TunekitError as error:
            if not is_retryable(error):
                raise

    def _tell(self, told: int) -> int:
        """Tell the watcher what is new; gives the number of the last event it was told."""
        events: Sequence[Event] = ()
        if isinstance(self._backend, TellsEvents):
            try:
                events = self._backend.events(self.id, told)
            except TunekitError as error:
                if not is_retryable(error):
                    raise
        self._watcher.looked(self._record, events)
        return events[-1].number if events else told

    @contextmanager
    def _told_when_broken_off(self) -> Generator[None]:
        try:
            yield
        except (KeyboardInterrupt, asyncio.CancelledError) as interruption:
            self._watcher.detached(self._record)
            interruption.add_note(
                f"The job goes on. Pick it up with client.job({self.id!r}), or stop it with .cancel()."
            )
            raise

    def _outcome(self) -> ModelT_co:
        if self._record.model is not None and self.state.has_model:
            model: ModelT_co = model_handle(self._backend, self._record.model, self._clock)
            return model
        if self.state.has_model:
            raise ModelNotFound(
                f"The job is {self.state}, and its model is gone.",
                hint="It was deleted; tune again under another key.",
                place=self.id,
            )
        raise _failure(self._record)

    def _log(self) -> TellsEvents:
        if isinstance(self._backend, TellsEvents):
            return self._backend
        raise _unable(self._backend, "tell the events of a job", "Use `wait` and `record`.")

    def _events_so_far(self, *, follow: bool) -> Iterator[Event | _Pause]:
        """Events, and in between how long to pause before there may be more."""
        log, number = self._log(), 0
        while True:
            over = self.state.is_terminal
            events = persistently(lambda: log.events(self.id, number), self._clock)  # noqa: B023
            yield from events
            number = events[-1].number if events else number
            if not follow or over:
                return
            yield _Pause(self._backend.polling.first_seconds)
            self.refresh()


@dataclass(frozen=True, slots=True)
class _Pause:
    """In a stream: nothing new for now."""

    seconds: float


class Stream(Generic[ItemT]):
    """Something that comes in bit by bit, for a plain `for` and for `async for`."""

    def __init__(self, items: Callable[[], Iterator[ItemT | _Pause]], clock: Clock) -> None:
        self._items = items
        self._clock = clock

    def __iter__(self) -> Iterator[ItemT]:
        for item in self._items():
            if isinstance(item, _Pause):
                self._clock.sleep(item.seconds)
            else:
                yield item

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        items = self._items()
        while (item := await asyncio.to_thread(next, items, None)) is not None:
            if isinstance(item, _Pause):
                await self._clock.sleep_in_loop(item.seconds)
            else:
                yield item


class _Patience:
    """How long a wait goes on: the caller's time, and the time that an unknown state is borne."""

    def __init__(self, clock: Clock, timeout_seconds: float | None) -> None:
        self._clock = clock
        self._timeout = timeout_seconds
        self._started = clock.now()
        self._unknown_since: float | None = None

    def left(self, record: JobRecord) -> float:
        """Seconds that may still be waited."""
        now = self._clock.now()
        if record.state is not JobState.UNKNOWN:
            self._unknown_since = None
        elif self._unknown_since is None:
            self._unknown_since = now
        ends = [] if self._timeout is None else [self._started + self._timeout]
        if self._unknown_since is not None:
            ends.append(self._unknown_since + UNKNOWN_SECONDS)
        return min(ends) - now if ends else float("inf")

    def exhausted(self, record: JobRecord) -> JobTimeout:
        """The error for a wait that was too long."""
        waited = duration(self._clock.now() - self._started)
        if record.state is JobState.UNKNOWN:
            return JobTimeout(
                f"The backend says {record.provider_state!r}, a state that this version of tunekit does not know.",
                hint=f"Gave up after {waited}; the job may go on: look at {record.location or 'its console'}.",
                place=record.id,
            )
        return JobTimeout(
            f"The job is {record.state} after a wait of {waited}.",
            hint="It goes on: wait again, or pick it up later by its id.",
            place=record.id,
        )


def _failure(record: JobRecord) -> JobFailed:
    problem = record.problem
    fact = (
        f"The job is {record.state}: {problem.message}"
        if problem
        else f"The job is {record.state}."
    )
    hint = problem.hint if problem else "Look at its events: `job.events()`."
    kind: type[JobFailed] = JobCancelled if record.state is JobState.CANCELLED else JobFailed
    if record.state is JobState.FAILED and record.model is not None:
        kind = TunedButNotDeployed
    return kind(fact, hint=hint, record=record, place=record.id)


def _unable(backend: Backend, deed: str, way_out: str) -> MethodUnsupported:
    return MethodUnsupported(f"The backend {backend.name!r} cannot {deed}.", hint=way_out)


def _only_metrics(events: Iterator[Event | _Pause]) -> Iterator[Metrics | _Pause]:
    for event in events:
        if isinstance(event, _Pause):
            yield event
        elif event.metrics and event.step is not None:
            yield Metrics(step=event.step, stage=event.stage, values=event.metrics)
