"""Tuning jobs: created, shown, listed and cancelled; there is no way to delete one.

Belongs here: the calls to `tuningJobs`, the job as the wire shows it, and the model and endpoints it leaves behind.
Does not belong here: what the servers refuse (`tuning_requests.py`), what happens to a job (`scripts.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.engines import NewJob
from tunekit.testing.vertex.listing import page_of
from tunekit.testing.vertex.place import BASE_MODEL_LABEL, Endpoint, Model, ModelVersion, Place
from tunekit.testing.vertex.rewards import overall_reward
from tunekit.testing.vertex.scripts import Course, Moment
from tunekit.testing.vertex.tuning_requests import TuningRequest, checked_request
from tunekit.testing.vertex.tuning_rows import statistics_of
from tunekit.testing.vertex.wire import Json, not_found

_FIELDS = (
    "state",
    "tunedModelDisplayName",
    "baseModel",
    "createTime",
    "endTime",
    "updateTime",
    "name",
)
_METHOD_LABEL = "tune-type"
"""Label by which google-genai lists tuned models; it asks whether it is there, and its values are not public."""
_METHODS: Mapping[str, str] = {
    "supervisedTuningSpec": "sft",
    "preferenceOptimizationSpec": "preference",
    "reinforcementTuningSpec": "reinforcement",
    "distillationSpec": "distillation",
}
_EPOCHS, _BATCH, _MOST_CHECKPOINTS = 3, 16, 10


@dataclass
class TuningJob:
    """A tuning job of the place."""

    number: int
    location: str
    id: str
    name: str
    request: TuningRequest
    created: float
    course: Course
    num_checkpoints: int
    settled: bool = False
    tuned: Json = field(default_factory=dict[str, object])
    """`tunedModel`, once there is one."""

    @property
    def labels(self) -> Mapping[str, str]:
        return self.request.labels

    @property
    def epochs(self) -> int:
        """Passes over the rows."""
        return int(self.request.hyper_parameters.get("epochCount", _EPOCHS))

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        asked = self.request.hyper_parameters
        batch = int(asked.get("batchSize", _BATCH))
        if "stepCount" in asked:
            return int(asked["stepCount"])
        return max(1, math.ceil(len(self.request.rows) / batch)) * self.epochs

    def view(self, place: Place) -> Json:
        moment = self.course.at(place.time.now())
        stamp = place.time.stamp
        shown: Json = {
            **self.request.body,
            "name": self.name,
            "labels": dict(self.labels),
            "state": f"JOB_STATE_{moment.state}",
            "createTime": stamp(self.created),
            "updateTime": stamp(max(moment.updated, self.created)),
        }
        if self.request.parent is not None:
            shown["preTunedModel"] = {
                **self.request.body["preTunedModel"],
                "baseModel": self.request.base_model,
            }
        if moment.detail:
            shown["tuningJobState"] = moment.detail
        if moment.started is not None:
            shown["startTime"] = stamp(moment.started)
            shown["experiment"] = place.name(
                self.location, "metadataStores/default/contexts", f"tuning-experiment-{self.id}"
            )
            shown["tuningJobMetadata"] = {
                "completedEpochCount": str(int(moment.done * self.epochs)),
                "completedStepCount": str(int(moment.done * self.steps)),
            }
            shown |= self._statistics()
        if moment.ended is not None:
            shown["endTime"] = stamp(moment.ended)
        if moment.problem is not None:
            shown["error"] = moment.problem.model_dump()
        if self.tuned:
            shown["tunedModel"] = self.tuned
        return shown

    def settle(self, place: Place, moment: Moment) -> None:
        if not moment.has_model or self.request.is_open:
            return
        checkpoints = self._checkpoints(place, moment)
        model, version = self._register(place, checkpoints)
        name = f"{model.name}@{version.body['versionId']}"
        self.tuned = {"model": name}
        if not moment.has_endpoint:
            return
        shown: list[Json] = []
        served: list[Json | None] = [*checkpoints] or [None]
        for checkpoint in served:
            endpoint = self._serve(place, model, version, checkpoint)
            self.tuned["endpoint"] = endpoint.body["name"]
            if checkpoint is not None:
                shown.append({**checkpoint, "endpoint": endpoint.body["name"]})
        if shown:
            self.tuned["checkpoints"] = shown

    # --- steps -------------------------------------------------------------------------------------------------------

    def _statistics(self) -> Json:
        request = self.request
        if not request.rows:
            return {}
        found = statistics_of(request.kind, request.rows, num_steps=self.steps)
        return {"tuningDataStats": found} if found else {}

    def _checkpoints(self, place: Place, moment: Moment) -> list[Json]:
        count = self.num_checkpoints
        return [
            {
                "checkpointId": str(n),
                "epoch": str(max(1, round(self.epochs * n / count))),
                "step": str(max(1, round(self.steps * n / count))),
            }
            for n in range(1, count + 1)
        ]

    def _register(self, place: Place, checkpoints: list[Json]) -> tuple[Model, ModelVersion]:
        """The model, as a new version where one with the same display name was tuned further."""
        request = self.request
        display_name = request.body.get("tunedModelDisplayName")
        parent = request.parent
        same = parent is not None and display_name in (None, parent[1].body["displayName"])
        if display_name is None:
            display_name = parent[1].body["displayName"] if parent else f"tuned-{self.id}"
        body: Json = {
            "displayName": display_name,
            "labels": {
                **self.labels,
                BASE_MODEL_LABEL: _as_label(request.base_model),
                _METHOD_LABEL: _METHODS.get(request.kind, "other"),
            },
        }
        if request.body.get("description"):
            body["description"] = request.body["description"]
        if checkpoints:
            body["checkpoints"] = [dict(checkpoint) for checkpoint in checkpoints]
            body["defaultCheckpointId"] = checkpoints[-1]["checkpointId"]
        version = ModelVersion(body, job_id=self.id, base_model=request.base_model)
        model = place.add_model(
            version,
            location=place.serving_location or self.location,
            parent=parent[0] if parent and same else None,
        )
        return model, version

    def _serve(
        self, place: Place, model: Model, version: ModelVersion, checkpoint: Json | None
    ) -> Endpoint:
        endpoint = place.add_endpoint(
            location=model.location,
            display_name=version.body["displayName"],
            labels=version.body["labels"],
        )
        deployed = {
            "model": model.name,
            "modelVersionId": version.body["versionId"],
            "displayName": version.body["displayName"],
        }
        if checkpoint is not None:
            deployed["checkpointId"] = checkpoint["checkpointId"]
        place.deploy(endpoint, deployed)
        return endpoint


def create(place: Place, ask: Ask) -> Json:
    """`tuningJobs.create`: a new job with every call; there is no key that would make it once."""
    request = checked_request(place, ask)
    number, now = place.number(), place.time.now()
    made = place.id_of(number)
    script = place.next_script()
    new = NewJob(
        id=made,
        created=now,
        base_model=request.base_model,
        kind=request.kind,
        spec=request.spec,
        rows=request.rows,
        validation=request.validation,
        parent_job=request.parent[1].job_id if request.parent else None,
    )
    job = TuningJob(
        number=number,
        location=ask.location,
        id=made,
        name=place.name(ask.location, "tuningJobs", made),
        request=request,
        created=now,
        course=place.engine.begin(new, script),
        num_checkpoints=0,
    )
    given = script.num_checkpoints
    job.num_checkpoints = _num_checkpoints(job) if given is None else given
    place.tuning_jobs[ask.location, made] = job
    return job.view(place)


def get(place: Place, ask: Ask) -> Json:
    """`tuningJobs.get`."""
    return _asked(place, ask).view(place)


def list_(place: Place, ask: Ask) -> Json:
    """`tuningJobs.list`."""
    found = place.listed(place.tuning_jobs.values(), ask.location)
    return page_of(found, ask.query, key="tuningJobs", fields=_FIELDS)


def cancel(place: Place, ask: Ask) -> Json:
    """`tuningJobs.cancel`: without effect on a job that is over."""
    _asked(place, ask).course.cancel(place.time.now())
    return {}


def validate_reward(_: Place, ask: Ask) -> Json:
    """`tuningJobs.validateReinforcementTuningReward`: what a reward gives for a sample."""
    return overall_reward(ask.body)


def _asked(place: Place, ask: Ask) -> TuningJob:
    job = place.tuning_jobs.get((ask.location, ask.ids["tuningJobs"]))
    if not isinstance(job, TuningJob):
        raise not_found("TuningJob")
    return job


def _num_checkpoints(job: TuningJob) -> int:
    """About one per epoch, and at most ten: `tuning-checkpoints` of the product's documentation."""
    request = job.request
    if request.kind not in ("supervisedTuningSpec", "preferenceOptimizationSpec"):
        return 0
    if request.spec.get("exportLastCheckpointOnly"):
        return 1
    return min(job.epochs, _MOST_CHECKPOINTS)


def _as_label(base_model: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in base_model)[
        :63
    ]
