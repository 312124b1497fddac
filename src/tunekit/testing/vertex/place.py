"""What there is in the emulated project: jobs, models, endpoints, operations and stored objects.

Belongs here: the things, their names and numbers, and what a job leaves behind when it is over.
Does not belong here: what calls do to them (the files named for the resources), how time passes (`timing.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, Protocol, TypeAlias

from tunekit.testing.vertex.engines import Engine
from tunekit.testing.vertex.scripts import ENDED, Course, Moment, VertexScript
from tunekit.testing.vertex.storage.store import ObjectStore
from tunekit.testing.vertex.timing import EmulatedTime
from tunekit.testing.vertex.wire import Json, Refusal

ModelKind = Literal["text", "chat", "embedding"]
Key: TypeAlias = tuple[str, str]
"""Location and id."""

BASE_MODEL_LABEL = "google-vertex-llm-tuning-base-model-id"
"""Label of tuned models by which Google's clients find the base model: vertexai/_model_garden in
googleapis/python-aiplatform."""
_LABEL = re.compile(r"[\w\-]{0,64}")


class EmulatedJob(Protocol):
    """A job of either kind, as the place keeps it."""

    number: int
    location: str
    id: str
    created: float
    course: Course
    settled: bool

    def settle(self, place: Place, moment: Moment) -> None:
        """Leave behind what it leaves behind."""
        ...

    def view(self, place: Place) -> Json:
        """The job as the wire shows it."""
        ...


@dataclass(slots=True)
class ModelVersion:
    """A version of a model, and where it comes from."""

    body: Json
    kind: ModelKind = "text"
    job_id: str | None = None
    """The job that made it. `None` for one that was uploaded."""
    base_model: str = ""


@dataclass(slots=True)
class Model:
    """A model with its versions, oldest first."""

    number: int
    location: str
    id: str
    name: str
    versions: list[ModelVersion] = field(default_factory=list[ModelVersion])

    def version(self, wanted: str | None) -> ModelVersion | None:
        """The version of that number or alias. `None` is the newest."""
        if wanted in (None, "", "default"):
            return self.versions[-1] if self.versions else None
        return next(
            (
                version
                for version in self.versions
                if wanted == version.body["versionId"] or wanted in version.body["versionAliases"]
            ),
            None,
        )


@dataclass(slots=True)
class Endpoint:
    """An endpoint."""

    number: int
    location: str
    id: str
    body: Json


@dataclass(slots=True)
class Operation:
    """A long-running operation: its effect is there at once, and it says so at its time."""

    number: int
    body: Json
    done_at: float


@dataclass(frozen=True, slots=True)
class Rules:
    """What the servers refuse, as far as it changes over the years."""

    retired_models: tuple[str, ...]
    """Patterns of base models that are not supported any more."""
    allow_retired: bool
    """Whether they are tuned all the same."""
    list_lag_seconds: float
    """How long a new job is missing from lists."""
    operation_seconds: float
    """How long an operation takes to be done."""


@dataclass
class Place:
    """The emulated project."""

    project: str
    project_number: str
    location: str
    serving_location: str | None
    """Where tuned models are served. `None`: where they are tuned."""
    time: EmulatedTime
    engine: Engine
    rules: Rules
    script: VertexScript
    storage: ObjectStore
    next_scripts: list[VertexScript] = field(default_factory=list[VertexScript])
    tuning_jobs: dict[Key, EmulatedJob] = field(default_factory=dict[Key, EmulatedJob])
    pipeline_jobs: dict[Key, EmulatedJob] = field(default_factory=dict[Key, EmulatedJob])
    models: dict[Key, Model] = field(default_factory=dict[Key, Model])
    endpoints: dict[Key, Endpoint] = field(default_factory=dict[Key, Endpoint])
    operations: dict[Key, Operation] = field(default_factory=dict[Key, Operation])
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def number(self) -> int:
        """The next number, in the order of making."""
        return next(self._numbers)

    @staticmethod
    def id_of(number: int) -> str:
        """An id of as many digits as those of the servers, the same in every run."""
        return str(1_000_000_000_000_000_000 + number * 7_919_000_017)

    def parent(self, location: str) -> str:
        """Name of a location. Names in answers have the number of the project, whatever the call has."""
        return f"projects/{self.project_number}/locations/{location}"

    def name(self, location: str, kind: str, id: str) -> str:
        """Name of a resource."""
        return f"{self.parent(location)}/{kind}/{id}"

    def next_script(self) -> VertexScript:
        """The script of the next job."""
        return self.next_scripts.pop(0) if self.next_scripts else self.script

    def settle(self) -> None:
        """Let every job that is over leave behind what it leaves."""
        now = self.time.now()
        for job in [*self.tuning_jobs.values(), *self.pipeline_jobs.values()]:
            if job.settled:
                continue
            moment = job.course.at(now)
            if moment.state in ENDED or moment.has_model:
                job.settled = True
                job.settle(self, moment)

    def listed(self, jobs: Iterable[EmulatedJob], location: str) -> list[tuple[int, Json]]:
        """The jobs of a location that lists show by now."""
        return [
            (job.number, job.view(self))
            for job in jobs
            if job.location == location and self._is_listed(job)
        ]

    def _is_listed(self, job: EmulatedJob) -> bool:
        lag = self.rules.list_lag_seconds
        return not lag or self.time.now() >= job.created + lag

    # --- what jobs leave behind --------------------------------------------------------------------------------------

    def add_model(
        self,
        version: ModelVersion,
        *,
        location: str,
        id: str | None = None,
        parent: Model | None = None,
    ) -> Model:
        """Register a model, or a version of one."""
        number = self.number()
        made = id or self.id_of(number)
        model = parent or Model(number, location, made, self.name(location, "models", made))
        now = self.time.stamp(self.time.now())
        new = str(len(model.versions) + 1)
        for earlier in model.versions:
            earlier.body["versionAliases"] = [
                alias for alias in earlier.body["versionAliases"] if alias != "default"
            ]
        version.body = {
            "name": model.name,
            "versionId": new,
            "versionAliases": ["default"],
            "createTime": model.versions[0].body["createTime"] if model.versions else now,
            "updateTime": now,
            "versionCreateTime": now,
            "versionUpdateTime": now,
            **version.body,
        }
        model.versions.append(version)
        self.models[location, model.id] = model
        return model

    def add_endpoint(
        self, *, location: str, display_name: str, labels: Mapping[str, str], id: str | None = None
    ) -> Endpoint:
        """Make an endpoint without models."""
        number = self.number()
        made = id or self.id_of(number)
        now = self.time.stamp(self.time.now())
        body: Json = {
            "name": self.name(location, "endpoints", made),
            "displayName": display_name,
            "labels": dict(labels),
            "createTime": now,
            "updateTime": now,
        }
        endpoint = Endpoint(number, location, made, body)
        self.endpoints[location, made] = endpoint
        return endpoint

    def deploy(self, endpoint: Endpoint, deployed: Json) -> Json:
        """Put a model behind an endpoint; all its traffic goes there."""
        made: Json = {
            "id": self.id_of(self.number())[-10:],
            "createTime": self.time.stamp(self.time.now()),
            **deployed,
        }
        endpoint.body.setdefault("deployedModels", []).append(made)
        endpoint.body["trafficSplit"] = {made["id"]: 100}
        return made

    def deployments(self, model: Model) -> list[Json]:
        """Where a model is deployed."""
        return [
            {"endpoint": endpoint.body["name"], "deployedModelId": deployed["id"]}
            for endpoint in self.endpoints.values()
            for deployed in endpoint.body.get("deployedModels", [])
            if deployed["model"].partition("@")[0] == model.name
        ]

    def find_model(self, name: str) -> tuple[Model, ModelVersion]:
        """The model of a full name, with `@` and a version or alias behind it.

        Raises:
            Refusal: There is none.
        """
        bare, _, wanted = name.partition("@")
        parts = bare.split("/")
        model = self.models.get((parts[3], parts[5])) if len(parts) == 6 else None
        version = model.version(wanted) if model else None
        if model is None or version is None:
            raise Refusal(404, f"The Model {name!r} does not exist.")
        return model, version


def checked_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels as the servers take them.

    Raises:
        Refusal: A key or value is too long, or has other letters than small ones, digits, `_` and `-`.
    """
    for key, value in labels.items():
        if not key or not all(
            _LABEL.fullmatch(word) and word == word.lower() for word in (key, value)
        ):
            raise Refusal(
                400,
                f"Label {key!r} is invalid: keys and values have at most 64 characters, and only lowercase letters, "
                "digits, underscores and dashes.",
                fields=[("labels", "Invalid label.")],
            )
    return dict(labels)


def checked_name(name: str, field_name: str) -> str:
    """A display name as the servers take it: at most 128 characters."""
    if len(name) > 128:
        raise Refusal(
            400, f"{field_name} has more than 128 characters.", fields=[(field_name, "Too long.")]
        )
    return name
