"""What is known about a job, a model and what was asked for, as plain JSON values.

Belongs here: the values that go through the seam between client and backends.
Does not belong here: behaviour: the handles are in `handle.py` and `models.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeGuard, cast

from pydantic import Field, JsonValue, PlainSerializer, PlainValidator

from tunekit._value import Received
from tunekit.data.template import PromptTemplate
from tunekit.jobs.states import JobState
from tunekit.tuners.base import Tuner
from tunekit.tuners.registry import AnyTuner, tuner_from_json, tuner_to_json


def _tuner(value: object) -> AnyTuner:
    if _is_tuner(value):
        return value
    if isinstance(value, Mapping):
        return tuner_from_json(cast("Mapping[str, JsonValue]", value))
    raise ValueError(f"{type(value).__name__} is not a tuner.")


def _is_tuner(value: object) -> TypeGuard[AnyTuner]:
    return isinstance(value, Tuner)


TunerValue = Annotated[
    Any, PlainValidator(_tuner), PlainSerializer(tuner_to_json, return_type=dict[str, JsonValue])
]
"""A tuner that is written as JSON with the name of its way of tuning."""


MAIN_STAGE = "train"
"""The part of a job that gives the model; the only one where there are no parts."""


class DatasetRef(Received):
    """Rows that a job works on, by what they are rather than where they lie."""

    name: str
    """What they are for, such as `train` or `validation`."""
    digest: str
    """SHA-256 of the rows in order."""
    num_rows: int
    row_kind: str
    """The kind of row, such as `PromptCompletion`."""
    sources: tuple[str, ...]
    """The files they came from, as they were named; none for rows from memory."""


class JobRequest(Received):
    """Everything that a backend needs to know to run a job, apart from the rows themselves."""

    tuner: TunerValue
    """The tuner with every setting decided."""
    datasets: tuple[DatasetRef, ...]
    display_name: str
    key: str
    """Equal keys mean one and the same job."""
    fingerprint: str
    """Digest of what was asked for, by which a reused key is told from a repeated call."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    template: PromptTemplate | None = None
    """The shape that the training prompts share."""

    def dataset(self, name: str) -> DatasetRef | None:
        """The dataset of that name."""
        return next((ref for ref in self.datasets if ref.name == name), None)


class Progress(Received):
    """How far a job is."""

    step: int
    total_steps: int
    stage: str = MAIN_STAGE
    """Which part of the job: `train`, or an earlier one such as `reward-model`; steps count anew in each."""


class JobProblem(Received):
    """Why a job did not succeed, or not fully."""

    code: str
    """Kebab-case, such as `interrupted`, `loss-not-finite`, `out-of-memory`."""
    message: str
    """What happened."""
    hint: str
    """The way out."""
    resumable: bool = False
    """Whether `job.resume()` can go on from a checkpoint."""


class ModelRecord(Received):
    """A tuned model."""

    id: str
    """Plain string that `Client.model` takes, in any process."""
    kind: str
    """Kind of model, such as `text`."""
    job_id: str
    display_name: str
    base_model: str
    method: str
    """The way of tuning, such as `supervised`."""
    created_at: datetime
    template: PromptTemplate | None = None
    """The shape of the prompts it was tuned on; `predict` warns when a prompt departs from it."""
    metrics: Mapping[str, float] = Field(default_factory=dict)
    """Figures at the end of training, such as `loss`."""
    location: str | None = None
    """Where the weights lie: a folder or an address."""
    companions: Mapping[str, str] = Field(default_factory=dict)
    """Ids of further models that the job gave, by their kind, such as `reward_model`."""

    def companion(self, kind: str) -> ModelRecord:
        """A further model that the job gave."""
        return self.model_copy(
            update={"id": self.companions[kind], "kind": kind, "companions": {}, "location": None}
        )


class JobRecord(Received):
    """A job as its backend knows it."""

    id: str
    """Plain string with the backend in front; put it in a database."""
    state: JobState
    request: JobRequest
    created_at: datetime
    provider_state: str | None = None
    """The provider's own word where it has one, and always where `state` is `UNKNOWN`."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 1
    """1 for the first run, one more for each resume."""
    progress: Progress | None = None
    problem: JobProblem | None = None
    model: ModelRecord | None = None
    location: str | None = None
    """Where to look at it: a folder or an address."""


class Checkpoint(Received):
    """Weights saved on the way."""

    id: str
    """Plain string that `Client.model` takes."""
    step: int
    metrics: Mapping[str, float] = Field(default_factory=dict)
    """Figures known at that step, such as `validation_loss`."""


class Event(Received):
    """Something that happened in a job."""

    number: int
    """Counts up from 1 within a job."""
    time: datetime
    kind: Literal["checkpoint", "message", "metrics", "sample", "stage", "state"]
    message: str
    attempt: int = 1
    step: int | None = None
    stage: str = MAIN_STAGE
    """Which part of the job."""
    metrics: Mapping[str, float] = Field(default_factory=dict)
    state: JobState | None = None
    image: str | None = None
    """File with pictures that were drawn, of a `sample`."""


class Metrics(Received):
    """Figures at one step of training."""

    step: int
    stage: str = MAIN_STAGE
    """Which part of the job."""
    values: Mapping[str, float]
    """Such as `loss`, `learning_rate`, `validation_loss`."""


def fingerprint_of(tuner: AnyTuner, datasets: Mapping[str, str]) -> str:
    """Digest of a tuner as it was given and of the rows, by the digests of the datasets."""
    asked = {"tuner": tuner_to_json(tuner), "datasets": dict(datasets)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
