"""What a scripted job does: the states it goes through, the figures that come in, and what goes wrong.

Belongs here: the script, the virtual clock, and what a job shows at a moment.
Does not belong here: the verbs of the backend (`backend.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Literal, TypeAlias

from pydantic import Field

from tunekit._value import Value
from tunekit.errors import SettingInvalid
from tunekit.jobs.record import Event, JobProblem, JobRecord, JobRequest, ModelRecord, Progress
from tunekit.jobs.states import JobState

_EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
"""When the clock of a new backend starts."""
CANCELLING_SECONDS = 10.0
"""How long a cancelled job takes to stop."""

Verb = Literal["submit", "fetch", "cancel", "list_jobs", "predict", "generate"]


class Step(Value):
    """A state of a scripted job, and how long it lasts."""

    state: str
    """A `JobState`, or any other word: that is seen as `UNKNOWN`, with the word as the provider's."""
    seconds: float = Field(default=10.0, ge=0)
    """How long it lasts on the virtual clock. The last state lasts for ever."""
    metrics: tuple[Mapping[str, float], ...] = ()
    """Figures that come in, evenly over the state, as steps 1, 2, 3, ..."""
    problem: JobProblem | None = None
    """Why, where the state is one without a model."""


class Fault(Value):
    """Something that goes wrong in calls to the backend."""

    verb: Verb
    kind: Literal["lost_reply", "quota", "transient"]
    """`lost_reply`: the call takes effect, and its answer does not arrive. `transient` and `quota`: nothing happens."""
    after: int = Field(default=0, ge=0)
    """Calls of this verb that go well before."""
    times: int = Field(default=1, ge=1)
    """How many calls it hits."""


ScriptLike: TypeAlias = Sequence[str | Step]


class VirtualClock:
    """Time that passes only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self._now += seconds

    async def sleep_in_loop(self, seconds: float) -> None:
        """Let time pass without waiting, and other tasks run."""
        self._now += seconds
        await asyncio.sleep(0)


def steps_of(script: ScriptLike) -> tuple[Step, ...]:
    """The script with every word as a step.

    Raises:
        SettingInvalid: It is empty.
    """
    steps = tuple(Step(state=step) if isinstance(step, str) else step for step in script)
    if not steps:
        raise SettingInvalid("A script needs at least one state.", hint="Write ['SUCCEEDED'].")
    return steps


@dataclass(slots=True)
class ScriptedJob:
    """A job that follows a script. What it shows depends on the moment it is asked."""

    number: int
    request: JobRequest
    script: tuple[Step, ...]
    created: float
    clock: VirtualClock
    started: float = field(init=False)
    attempt: int = 1
    cancelled: float | None = None
    has_model: bool = True
    past: list[Event] = field(default_factory=list[Event])
    """Events of earlier attempts."""

    def __post_init__(self) -> None:
        self.started = self.created

    @property
    def id(self) -> str:
        """Id of the job."""
        return f"memory:{self.number}"

    @property
    def state(self) -> JobState:
        """The state by now."""
        if self.cancelled is None:
            return JobState.of(self._step.state)
        over = self.clock.now() >= self.cancelled + CANCELLING_SECONDS
        return JobState.CANCELLED if over else JobState.CANCELLING

    def cancel(self) -> None:
        """Begin to stop, unless it is over."""
        if self.cancelled is None and not self.state.is_terminal:
            self.cancelled = self.clock.now()

    def resume(self) -> None:
        """Begin a new attempt, which succeeds."""
        self.past = self.events()
        self.attempt, self.started, self.cancelled = self.attempt + 1, self.clock.now(), None
        self.script = steps_of(("RUNNING", "SUCCEEDED"))

    def record(self) -> JobRecord:
        """The job by now."""
        state = self.state
        steps_done = max((event.step or 0 for event in self.events()), default=0)
        total = sum(len(step.metrics) for step in self.script)
        return JobRecord(
            id=self.id,
            state=state,
            provider_state=self._step.state if state is JobState.UNKNOWN else None,
            request=self.request,
            created_at=_time(self.created),
            started_at=_time(self.started),
            ended_at=_time(self._ended()) if state.is_terminal else None,
            attempt=self.attempt,
            progress=Progress(step=steps_done, total_steps=total) if total else None,
            problem=self._problem(),
            model=self._model() if state.has_model and self.has_model else None,
        )

    def events(self) -> list[Event]:
        """What has happened by now, earlier attempts included."""
        log = _Log(list(self.past), self.attempt)
        start, now = self.started, self.clock.now()
        for step in self.script[: self._index + 1]:
            log.entered(step.state, start)
            for place, metrics in enumerate(step.metrics):
                log.measured(metrics, start + step.seconds * place / len(step.metrics), until=now)
            start += step.seconds
        if self.cancelled is not None:
            log.entered(self.state, self.cancelled)
        return log.events

    @property
    def _ends(self) -> list[float]:
        """When each step but the last is over."""
        return [self.started + end for end in accumulate(step.seconds for step in self.script[:-1])]

    @property
    def _index(self) -> int:
        return sum(self.clock.now() >= end for end in self._ends)

    @property
    def _step(self) -> Step:
        return self.script[self._index]

    def _ended(self) -> float:
        if self.cancelled is not None:
            return self.cancelled + CANCELLING_SECONDS
        return self._ends[self._index - 1] if self._index else self.started

    def _problem(self) -> JobProblem | None:
        if self.cancelled is not None or self.state is JobState.SUCCEEDED:
            return None
        if self._step.problem is not None or not self.state.is_terminal:
            return self._step.problem
        return JobProblem(code="scripted", message="The script says so.", hint="Change the script.")

    def _model(self) -> ModelRecord:
        return ModelRecord(
            id=f"{self.id}/model",
            kind=self.request.tuner.model_kind,
            job_id=self.id,
            display_name=self.request.display_name,
            base_model=self.request.tuner.base_model,
            method=self.request.tuner.kind,
            created_at=_time(self._ended()),
            template=self.request.template,
            companions={name: f"{self.id}/{name}" for name in self.request.tuner.companions},
        )


class _Log:
    """Events that follow others."""

    def __init__(self, events: list[Event], attempt: int) -> None:
        self.events = events
        self._attempt = attempt
        self._step = 0

    def entered(self, word: str, moment: float) -> None:
        """The job has entered a state."""
        event = self._event(moment, "state", word)
        self.events.append(event.model_copy(update={"state": JobState.of(word)}))

    def measured(self, metrics: Mapping[str, float], moment: float, *, until: float) -> None:
        """Figures have come in, unless the moment is still to come."""
        self._step += 1
        if moment <= until:
            event = self._event(moment, "metrics", f"step {self._step}")
            figures = {"step": self._step, "metrics": dict(metrics)}
            self.events.append(event.model_copy(update=figures))

    def _event(self, moment: float, kind: Literal["metrics", "state"], message: str) -> Event:
        return Event(
            number=len(self.events) + 1,
            time=_time(moment),
            kind=kind,
            message=message,
            attempt=self._attempt,
        )


def _time(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
