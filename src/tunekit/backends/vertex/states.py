"""What an answer about a job means, in tunekit's words.

Sources: https://docs.cloud.google.com/gemini-enterprise-agent-platform/reference/rest/v1beta1/projects.locations.tuningJobs
and the enums `JobState` and `PipelineState` of https://github.com/googleapis/python-aiplatform.

Belongs here: states, progress, problems, models, checkpoints and events out of the JSON of a job. Fields and words that
are not known are kept or passed over, never fatal. Examples that the server shows of the training rows are taken out.
Does not belong here: asking for the JSON (`service.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import Field

from tunekit._value import Received
from tunekit.backends.vertex.faults import row_in, without_rows
from tunekit.backends.vertex.names import JobName
from tunekit.backends.vertex.rows import Written
from tunekit.jobs.record import (
    Checkpoint,
    Event,
    JobProblem,
    JobRecord,
    JobRequest,
    ModelRecord,
    Progress,
)
from tunekit.jobs.states import JobState

Wire = Mapping[str, Any]
TUNED_BUT_NOT_DEPLOYED = "tuned-but-not-deployed"
_WORDS = {
    "": JobState.QUEUED,
    "UNSPECIFIED": JobState.QUEUED,
    "QUEUED": JobState.QUEUED,
    "PENDING": JobState.QUEUED,
    "UPDATING": JobState.RUNNING,
}
_MODEL_TASKS = (
    "text-embedding-model-uploader",
    "upload-llm-model",
    "upload-model",
    "refined-upload-llm-model",
)
_EVALUATOR = "text-embedding-evaluator"
_EXAMPLES = ("userDatasetExamples", "reinforcementTuningUserDatasetExamples")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StoredRequest(Received):
    """What was asked for, as it is kept in the bucket beside the rows."""

    request: JobRequest
    written: tuple[Written, ...] = ()
    """How the rows were spelt, and where each comes from."""

    def place(self, message: str) -> str | None:
        """The user's own file and line that a message of the server is about."""
        number = row_in(message)
        if number is None:
            return None
        name = "validation" if "validation" in message.lower() else "train"
        written = next((one for one in self.written if one.name == name), None)
        place = written.place(number) if written else None
        return str(place) if place else None


class DataStatistics(Received):
    """What the server counted in the training rows. Examples that it shows of them are left out."""

    rows: int | None = None
    steps: int | None = None
    """Optimiser steps that it makes of them."""
    billable_tokens: int | None = None
    """Of the rows once; a bill has them times the epochs."""
    truncated_rows: int | None = None
    dropped_reasons: tuple[str, ...] = ()
    """Why rows were left out."""
    figures: Mapping[str, float] = Field(default_factory=dict)
    """Further counts and means by the server's own names."""


def without_examples(wire: Wire) -> dict[str, Any]:
    """A job without the rows that the server shows of its data."""
    return {
        name: without_examples(cast("Wire", value)) if isinstance(value, Mapping) else value
        for name, value in wire.items()
        if name not in _EXAMPLES
    }


def state_of(wire: Wire) -> tuple[JobState, str]:
    """The state, and the provider's own word for it."""
    word = str(wire.get("state", ""))
    bare = word.removeprefix("JOB_STATE_").removeprefix("PIPELINE_STATE_")
    state = _WORDS.get(bare) or JobState.of(bare)
    detail = str(wire.get("tuningJobState", ""))
    if state is JobState.RUNNING and detail and not detail.endswith("UNSPECIFIED"):
        return state, detail
    return state, word or "JOB_STATE_UNSPECIFIED"


def record_of(name: JobName, wire: Wire, stored: StoredRequest) -> JobRecord:
    """The record of a job."""
    state, word = state_of(wire)
    model = _model(name, wire, stored, state)
    return JobRecord(
        id=f"vertex:{name.full}",
        state=state,
        request=stored.request,
        created_at=time_of(wire.get("createTime")) or _EPOCH,
        provider_state=word,
        started_at=time_of(wire.get("startTime")),
        ended_at=time_of(wire.get("endTime")),
        progress=_progress(wire, state),
        problem=_problem(wire, stored, state, model),
        model=model,
        location=name.console_url,
    )


def model_name(wire: Wire) -> str | None:
    """The resource name of the tuned model, or where its weights lie."""
    tuned = wire.get("tunedModel") or {}
    if tuned.get("model"):
        return str(tuned["model"])
    named = _output(wire, "output:model_resource_name")
    return named.strip() if named else None


def endpoint_name(wire: Wire, checkpoint_id: str | None = None) -> str | None:
    """The endpoint that serves the model, or one of its checkpoints."""
    tuned = wire.get("tunedModel") or {}
    if checkpoint_id is not None:
        found = (
            c for c in tuned.get("checkpoints") or () if str(c.get("checkpointId")) == checkpoint_id
        )
        return next((str(c["endpoint"]) for c in found if c.get("endpoint")), None)
    if tuned.get("endpoint"):
        return str(tuned["endpoint"])
    named = _output(wire, "output:endpoint_resource_name")
    return named.strip() or None if named else None


def checkpoints_of(name: JobName, wire: Wire) -> Iterator[Checkpoint]:
    """The checkpoints that were exported."""
    for one in (wire.get("tunedModel") or {}).get("checkpoints") or ():
        yield Checkpoint(
            id=f"vertex:{name.full}/checkpoint-{one.get('checkpointId')}",
            step=whole(one.get("step")) or 0,
        )


def statistics_of(wire: Wire) -> DataStatistics | None:
    """What the server counted in the rows, or `None` where it has not yet."""
    stats = _stats(wire)
    if stats is None:
        return None
    figures = {
        f"{name}.{figure}": float(value)
        for name, distribution in stats.items()
        if isinstance(distribution, Mapping)
        for figure, value in cast("Wire", distribution).items()
        if figure in ("max", "mean", "median", "min", "p5", "p95", "sum") and _is_number(value)
    }
    return DataStatistics(
        rows=whole(stats.get("tuningDatasetExampleCount")),
        steps=whole(stats.get("tuningStepCount")),
        billable_tokens=whole(stats.get("totalBillableTokenCount")),
        truncated_rows=whole(stats.get("totalTruncatedExampleCount")),
        dropped_reasons=tuple(
            without_rows(str(r)) for r in stats.get("droppedExampleReasons") or ()
        ),
        figures=figures,
    )


def events_of(name: JobName, wire: Wire, figures: Sequence[Event]) -> list[Event]:
    """What has happened, in order: numbers never change, since nothing is put in between later but before the end."""
    record_state, word = state_of(wire)
    created = time_of(wire.get("createTime")) or _EPOCH
    told: list[Event] = [_state_event(created, JobState.QUEUED, "accepted")]
    started = time_of(wire.get("startTime"))
    if started is not None:
        told.append(_state_event(started, JobState.RUNNING, "at work"))
    at = started or created
    told.extend(_task_events(wire))
    told.extend(figures)
    told.extend(
        Event(
            number=1,
            time=at,
            kind="checkpoint",
            message=f"checkpoint at step {one.step}",
            step=one.step,
        )
        for one in checkpoints_of(name, wire)
    )
    if record_state.is_terminal:
        ended = time_of(wire.get("endTime")) or at
        told.append(_state_event(ended, record_state, word))
    return [event.model_copy(update={"number": n}) for n, event in enumerate(told, start=1)]


def time_of(text: object) -> datetime | None:
    """A time as the server writes it."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def whole(value: object) -> int | None:
    """A whole number, also one that is written as a text."""
    try:
        return int(cast("Any", value))
    except (TypeError, ValueError):
        return None


def _model(name: JobName, wire: Wire, stored: StoredRequest, state: JobState) -> ModelRecord | None:
    where = model_name(wire)
    if where is None and state.has_model:
        where = str(wire.get("outputUri") or "") or None
    if where is None and not state.has_model:
        return None
    tuner = stored.request.tuner
    return ModelRecord(
        id=f"vertex:{name.full}/model",
        kind=tuner.model_kind,
        job_id=f"vertex:{name.full}",
        display_name=stored.request.display_name,
        base_model=tuner.base_model,
        method=tuner.kind,
        created_at=time_of(wire.get("endTime")) or time_of(wire.get("createTime")) or _EPOCH,
        template=stored.request.template,
        metrics=_evaluation_metrics(wire),
        location=where,
    )


def _problem(
    wire: Wire, stored: StoredRequest, state: JobState, model: ModelRecord | None
) -> JobProblem | None:
    status = wire.get("error") or {}
    said = str(status.get("message", ""))
    place = stored.place(said)
    message = f"{place}: {without_rows(said)}" if place else without_rows(said)
    if state is JobState.FAILED and model is not None:
        return JobProblem(
            code=TUNED_BUT_NOT_DEPLOYED,
            message=message or "The model was tuned, and its endpoint could not be made.",
            hint=f"Deploy it: client.model({model.id!r}).deploy(). There is no need to tune again.",
        )
    hints = {
        JobState.FAILED: ("failed", "Correct what it says and tune again under another key."),
        JobState.CANCELLED: ("cancelled", "Tune again under another key."),
        JobState.EXPIRED: ("expired", "Vertex AI gave up on it; tune again under another key."),
        JobState.PARTIALLY_SUCCEEDED: ("partially-succeeded", "Look at the page of the job."),
    }
    if state not in hints:
        return None
    code, hint = hints[state]
    return JobProblem(code=code, message=message or f"The job is {state}.", hint=hint)


def _progress(wire: Wire, state: JobState) -> Progress | None:
    steps = whole((wire.get("tuningJobMetadata") or {}).get("completedStepCount"))
    total = whole((_stats(wire) or {}).get("tuningStepCount"))
    if steps is None or not total:
        return None
    return Progress(step=total if state.has_model else min(steps, total), total_steps=total)


def _stats(wire: Wire) -> Wire | None:
    stats = wire.get("tuningDataStats") or {}
    return next((cast("Wire", one) for one in stats.values() if isinstance(one, Mapping)), None)


def _tasks(wire: Wire) -> list[Wire]:
    return list((wire.get("jobDetail") or {}).get("taskDetails") or ())


def _output(wire: Wire, field: str) -> str | None:
    """What a pipeline says it has made: by the task that uploads, else by the run as a whole."""
    tasks = _tasks(wire)
    uploading = [task for task in tasks if task.get("taskName") in _MODEL_TASKS]
    runs = [
        task for task in tasks if (task.get("execution") or {}).get("schemaTitle") == "system.Run"
    ]
    for group in (uploading, runs):
        values = [((one.get("execution") or {}).get("metadata") or {}).get(field) for one in group]
        named = [str(value) for value in values if value]
        if len(named) == 1:
            return named[0]
    return None


def _evaluation_metrics(wire: Wire) -> dict[str, float]:
    """The figures that the pipeline of embeddings ends with."""
    figures: dict[str, float] = {}
    for task in _tasks(wire):
        if task.get("taskName") == _EVALUATOR:
            outputs = cast("Wire", task.get("outputs") or {})
            for artifact in (outputs.get("metrics") or {}).get("artifacts") or ():
                found = cast("Wire", artifact.get("metadata") or {})
                figures |= {name: float(v) for name, v in found.items() if _is_number(v)}
    return figures


def _task_events(wire: Wire) -> Iterator[Event]:
    for task in sorted(_tasks(wire), key=lambda one: str(one.get("startTime"))):
        at = time_of(task.get("startTime"))
        if at is not None:
            name = str(task.get("taskName", "task"))
            yield Event(number=1, time=at, kind="stage", message=name, stage=name)


def _state_event(time: datetime, state: JobState, word: str) -> Event:
    return Event(number=1, time=time, kind="state", message=word, state=state)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
