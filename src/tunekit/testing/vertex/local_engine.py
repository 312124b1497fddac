"""Real training behind the emulator: `LocalBackend` runs the jobs, and its models answer.

Belongs here: from a request of the wire to a tuner and rows, and from a local job back to the wire's states.
Does not belong here: training (`backends/local/`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import Any

from tunekit.backends.local.backend import LocalBackend
from tunekit.client import Client
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Message
from tunekit.errors import JobTimeout, TunekitError
from tunekit.jobs.backend import Sampling
from tunekit.jobs.handle import Job
from tunekit.jobs.states import JobState
from tunekit.testing.vertex.engines import Answer, NewJob, Question
from tunekit.testing.vertex.scripts import (
    Course,
    Moment,
    ScriptedCourse,
    VertexProblem,
    VertexScript,
)
from tunekit.testing.vertex.timing import EmulatedTime
from tunekit.testing.vertex.wire import Json, Refusal
from tunekit.tuners.preference import PreferenceTuner
from tunekit.tuners.registry import AnyTuner
from tunekit.tuners.supervised import SupervisedTuner

_NANO = "tunekit/nano"
_PATIENCE_SECONDS = 30.0
"""How long a cancelled job may take to stop at the end."""
_SIZES = {"ONE": 1, "TWO": 2, "FOUR": 4, "EIGHT": 8, "SIXTEEN": 16, "THIRTY_TWO": 32}
_WORDS = {JobState.QUEUED: "PENDING"}


class LocalEngine:
    """Trains on this machine.

    Args:
        time: The time of the emulator.
        models: Which model of this machine stands for a base model, by patterns. `None` takes `tunekit/nano` for all.
        home: Folder for jobs and models. `None` takes one that is removed at the end.
    """

    def __init__(
        self,
        time: EmulatedTime,
        models: Mapping[str, str] | None,
        home: str | PathLike[str] | None,
    ) -> None:
        self._time = time
        self._models = dict(models or {})
        self._temporary = tempfile.mkdtemp(prefix="tunekit-emulator-") if home is None else None
        self._backend = LocalBackend(self._temporary or home)
        self._client = Client(self._backend, watch="silent")
        self._jobs: dict[str, Job[Any]] = {}
        self._base: dict[str, str] = {}
        """The tuned model through which a base model is asked."""

    def begin(self, job: NewJob, script: VertexScript) -> Course:
        if script.problem is not None:
            return ScriptedCourse(
                script, job.created
            )  # its data is at fault: there is nothing to train on
        make = _TUNERS.get(job.kind)
        if make is None:
            raise Refusal(
                501,
                f"The emulator's engine 'local' cannot run {job.kind}; it runs {' and '.join(_TUNERS)}. "
                "Take engine='script' for the others.",
            )
        parent = self._jobs.get(job.parent_job or "")
        base = parent.result().id if parent else self._local_model(job.base_model)
        try:
            started = self._client.tune(
                make(base, job.spec.get("hyperParameters", {})),
                Dataset.read([dict(row) for row in job.rows]),
                validation=Dataset.read([dict(row) for row in job.validation])
                if job.validation
                else None,
                key=job.id,
            )
        except TunekitError as error:
            raise Refusal(400, f"The rows cannot be trained on: {error}") from error
        self._jobs[job.id] = started
        return _LocalCourse(started, self._time)

    def answer(self, question: Question) -> Answer:
        tuned = self._jobs.get(question.job_id or "")
        asked = tuned or next(
            (job for job in self._jobs.values() if job.refresh().state.has_model), None
        )
        if asked is None:
            raise Refusal(
                501, "The emulator's engine 'local' can answer once a job has been tuned."
            )
        messages = [
            Message(role="assistant" if role == "model" else role, content=text)  # type: ignore[arg-type]
            for role, text in question.turns
        ]
        sampling = Sampling(
            temperature=min(question.temperature, 2.0),
            max_output_tokens=question.max_output_tokens or 256,
            top_p=question.top_p,
            top_k=question.top_k,
            seed=question.seed,
        )
        model_id = asked.result().id
        found = self._backend.predict(model_id, [messages], sampling, tuned=tuned is not None)[0]
        return Answer(found.text, stopped=found.stopped, num_tokens=found.num_output_tokens or 0)

    def vectors(
        self, job_id: str | None, base_model: str, texts: Sequence[str], num_dimensions: int
    ) -> list[list[float]]:
        raise Refusal(501, "The emulator's engine 'local' has no embedding models.")

    def close(self) -> None:
        """Stop what is running, and remove the folder unless it was given."""
        for job in self._jobs.values():
            if not job.refresh().state.is_terminal:
                job.cancel()
                with suppress(JobTimeout):
                    job.wait(_PATIENCE_SECONDS)
        if self._temporary is not None:
            shutil.rmtree(Path(self._temporary), ignore_errors=True)

    def _local_model(self, base_model: str) -> str:
        found = (
            local for pattern, local in self._models.items() if fnmatchcase(base_model, pattern)
        )
        return next(found, _NANO)


class _LocalCourse:
    """A job that `LocalBackend` runs."""

    def __init__(self, job: Job[Any], time: EmulatedTime) -> None:
        self._job = job
        self._time = time
        self._last: Moment | None = None

    def cancel(self, now: float) -> None:
        self._job.cancel()

    def at(self, now: float) -> Moment:
        if self._last is not None:
            return self._last
        record = self._job.refresh()
        moments = [
            None if time is None else self._time.moment(time)
            for time in (record.started_at, record.ended_at, record.created_at)
        ]
        problem = None
        if record.state is JobState.CANCELLED:
            problem = VertexProblem(code=1, message="CANCELED")
        elif record.problem is not None:
            problem = VertexProblem(message=record.problem.message)
        progress = record.progress
        moment = Moment(
            state=_WORDS.get(record.state, record.state.value),
            started=moments[0],
            updated=moments[1] or moments[0] or moments[2] or 0.0,
            ended=moments[1],
            problem=problem,
            detail="TUNING_JOB_STATE_TUNING" if record.state is JobState.RUNNING else None,
            done=progress.step / progress.total_steps if progress and progress.total_steps else 0.0,
            has_model=record.model is not None,
            has_endpoint=record.model is not None,
        )
        if record.state.is_terminal:
            self._last = moment
        return moment


def _settings(parameters: Json) -> dict[str, Any]:
    """Hyperparameters that a request names, as settings of a tuner; those of the cloud's own models are left out."""
    found: dict[str, Any] = {}
    if "epochCount" in parameters:
        found["epochs"] = int(parameters["epochCount"])
    size = str(parameters.get("adapterSize", "")).removeprefix("ADAPTER_SIZE_")
    if size in _SIZES:
        found["adapter_size"] = _SIZES[size]
    if "batchSize" in parameters:
        found["batch_size"] = int(parameters["batchSize"])
    return found


def _supervised(base_model: str, parameters: Json) -> AnyTuner:
    return SupervisedTuner(base_model=base_model, **_settings(parameters))


def _preference(base_model: str, parameters: Json) -> AnyTuner:
    settings = _settings(parameters)
    if "beta" in parameters:
        settings["beta"] = float(parameters["beta"])
    return PreferenceTuner(base_model=base_model, **settings)


_TUNERS: Mapping[str, Callable[[str, Json], AnyTuner]] = {
    "supervisedTuningSpec": _supervised,
    "preferenceOptimizationSpec": _preference,
}
