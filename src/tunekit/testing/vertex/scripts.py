"""What happens to an emulated job: the states it goes through, and what comes of it.

Belongs here: the script as data, and a job's course by it.
Does not belong here: the job as the wire shows it (`tuning_jobs.py`, `pipeline_jobs.py`), real training
(`local_engine.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeAlias

from pydantic import Field

from tunekit._value import Value
from tunekit.errors import SettingInvalid

CANCELLING_SECONDS = 10.0
"""How long a cancelled job takes to stop."""
WITH_MODEL = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED"})
ENDED = frozenset({*WITH_MODEL, "FAILED", "CANCELLED", "EXPIRED"})


class VertexStep(Value):
    """A state of an emulated job, and how long it lasts."""

    state: str
    """A word such as `RUNNING`, without `JOB_STATE_` or `PIPELINE_STATE_` in front. Any word will do."""
    seconds: float = Field(default=10.0, ge=0)
    """How long it lasts on the emulator's clock. The last state lasts for ever."""
    detail: str | None = None
    """The `tuningJobState` meanwhile, such as `TUNING_JOB_STATE_WAITING_FOR_QUOTA`. `None` says `..._TUNING` while
    running."""


class VertexProblem(Value):
    """Why an emulated job has failed."""

    code: int = Field(default=13, ge=1, le=16)
    """Canonical code: google/rpc/code.proto in googleapis/googleapis. 13 is an internal error."""
    message: str = "Internal error encountered."


class VertexScript(Value):
    """What happens to an emulated job."""

    steps: tuple[VertexStep, ...] = (
        VertexStep(state="PENDING"),
        VertexStep(state="RUNNING", seconds=30.0),
        VertexStep(state="SUCCEEDED"),
    )
    problem: VertexProblem | None = None
    """The job's error. `None` gives one where the last state is `FAILED`."""
    has_model: bool | None = None
    """Whether there is a tuned model in the end. `None`: where the last state is one of success."""
    has_endpoint: bool | None = None
    """Whether the model is deployed. `None`: where the last state is one of success."""
    num_checkpoints: int | None = Field(default=None, ge=0)
    """Checkpoints of a tuning job. `None`: as the request asks."""


ScriptLike: TypeAlias = VertexScript | Sequence[str | VertexStep]


def script_of(script: ScriptLike) -> VertexScript:
    """The script, with every word as a step.

    Raises:
        SettingInvalid: It is empty.
    """
    if not isinstance(script, VertexScript):
        steps = [
            step if isinstance(step, VertexStep) else VertexStep(state=step) for step in script
        ]
        script = VertexScript(steps=tuple(steps))
    if not script.steps:
        raise SettingInvalid("A script needs at least one state.", hint="Write ['SUCCEEDED'].")
    return script


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a job stands."""

    state: str
    """The bare word, such as `RUNNING`."""
    started: float | None = None
    """When it first ran."""
    updated: float = 0.0
    """When it entered this state."""
    ended: float | None = None
    problem: VertexProblem | None = None
    detail: str | None = None
    done: float = 0.0
    """Share of the training that is done, 0 to 1."""
    has_model: bool = False
    has_endpoint: bool = False


class Course(Protocol):
    """What happens to a job."""

    def at(self, now: float) -> Moment:
        """Where it stands."""
        ...

    def cancel(self, now: float) -> None:
        """Begin to stop, unless it is over."""
        ...


class ScriptedCourse:
    """A job that follows a script from the moment it was created."""

    def __init__(self, script: VertexScript, created: float) -> None:
        self._script = script
        self._starts = list(accumulate((step.seconds for step in script.steps), initial=created))
        self._cancelled: float | None = None

    def cancel(self, now: float) -> None:
        if self._cancelled is None and self._bare(self._index(now)) not in ENDED:
            self._cancelled = now

    def at(self, now: float) -> Moment:
        if self._cancelled is not None:
            return self._stopping(now, self._cancelled)
        index = self._index(now)
        state, since, last = self._bare(index), self._starts[index], index == self._last
        script, success = self._script, state in WITH_MODEL
        over = last and state in ENDED
        return Moment(
            state=state,
            started=self._started(now),
            updated=since,
            ended=since if over else None,
            problem=self._problem(state) if over else None,
            detail=self._detail(index),
            done=self._done(now),
            has_model=last and (success if script.has_model is None else script.has_model),
            has_endpoint=last and (success if script.has_endpoint is None else script.has_endpoint),
        )

    @property
    def _last(self) -> int:
        return len(self._script.steps) - 1

    def _index(self, now: float) -> int:
        return sum(now >= start for start in self._starts[1 : self._last + 1])

    def _bare(self, index: int) -> str:
        word = self._script.steps[index].state
        return word.removeprefix("JOB_STATE_").removeprefix("PIPELINE_STATE_")

    def _started(self, now: float) -> float | None:
        seen = range(self._index(now) + 1)
        return next((self._starts[n] for n in seen if self._bare(n) == "RUNNING"), None)

    def _detail(self, index: int) -> str | None:
        given = self._script.steps[index].detail
        running = self._bare(index) == "RUNNING"
        return given or ("TUNING_JOB_STATE_TUNING" if running else None)

    def _done(self, now: float) -> float:
        """Share of the seconds of all running states that are over."""
        steps = self._script.steps
        running = [n for n in range(len(steps)) if self._bare(n) == "RUNNING"]
        total = sum(steps[n].seconds for n in running)
        over = sum(min(max(now - self._starts[n], 0.0), steps[n].seconds) for n in running)
        return over / total if total else float(self._index(now) == self._last)

    def _problem(self, state: str) -> VertexProblem | None:
        if self._script.problem is not None or state != "FAILED":
            return self._script.problem
        if self._script.has_model:
            return VertexProblem(
                message="Failed to create endpoint. Tuned model is uploaded and can be accessed through Model Registry."
            )
        return VertexProblem()

    def _stopping(self, now: float, since: float) -> Moment:
        end = since + CANCELLING_SECONDS
        started, done = self._started(since), self._done(since)
        if now < end:
            return Moment("CANCELLING", started=started, updated=since, done=done)
        problem = VertexProblem(code=1, message="CANCELED")
        return Moment(
            "CANCELLED", started=started, updated=end, ended=end, problem=problem, done=done
        )
