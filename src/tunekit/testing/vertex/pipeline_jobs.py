"""Pipeline jobs that tune: created under an id of the client's choice, shown, listed, cancelled and deleted.

Belongs here: the calls to `pipelineJobs`, the job as the wire shows it, and the model and endpoint it leaves behind.
Does not belong here: what a pipeline takes (`pipeline_templates.py`), what happens to a job (`scripts.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.engines import NewJob
from tunekit.testing.vertex.listing import page_of
from tunekit.testing.vertex.operations import EMPTY, begun
from tunekit.testing.vertex.pipeline_templates import (
    TEMPLATES,
    Template,
    parameter_fault,
    template_at,
)
from tunekit.testing.vertex.place import (
    BASE_MODEL_LABEL,
    ModelVersion,
    Place,
    checked_labels,
    checked_name,
)
from tunekit.testing.vertex.scripts import (
    ENDED,
    Course,
    Moment,
    VertexProblem,
    VertexScript,
    VertexStep,
)
from tunekit.testing.vertex.wire import Json, Refusal, not_found

_BILLING_LABEL = "vertex-ai-pipelines-run-billing-id"
_FIELDS = ("state", "displayName", "createTime", "endTime", "updateTime", "name", "templateUri")
_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_TASK_STATES = {"QUEUED": "PENDING", "PAUSED": "RUNNING", "CANCELLING": "CANCELLING"}


@dataclass
class PipelineJob:
    """A pipeline job of the place."""

    number: int
    location: str
    id: str
    name: str
    body: Json
    template: Template
    created: float
    course: Course
    settled: bool = False
    outputs: Json = field(default_factory=dict[str, object])
    """Names of the model and the endpoint, once there are."""

    @property
    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.body["labels"]
        return found

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the run."""
        found: Mapping[str, Any] = self.body["runtimeConfig"].get("parameterValues", {})
        return found

    def view(self, place: Place) -> Json:
        moment = self.course.at(place.time.now())
        stamp = place.time.stamp
        shown: Json = {
            **self.body,
            "name": self.name,
            "state": f"PIPELINE_STATE_{moment.state}",
            "createTime": stamp(self.created),
            "updateTime": stamp(max(moment.updated, self.created)),
        }
        if moment.started is not None:
            shown["startTime"] = stamp(moment.started)
            shown["jobDetail"] = self._detail(place, moment)
        if moment.ended is not None:
            shown["endTime"] = stamp(moment.ended)
        if moment.problem is not None:
            shown["error"] = moment.problem.model_dump()
        return shown

    def settle(self, place: Place, moment: Moment) -> None:
        if not moment.has_model:
            return
        template, given = self.template, self.parameters
        base_model = str(given.get(template.base_model) or _BASE_MODELS.get(template.name, ""))
        labels = {**self.labels, **template.labels, BASE_MODEL_LABEL: base_model.replace("@", "-")}
        version = ModelVersion(
            {
                "displayName": str(given.get("model_display_name") or template.display_name),
                "labels": labels,
            },
            kind=template.kind,
            job_id=self.id,
            base_model=base_model,
        )
        location = str(given.get("location") or self.location)
        model = place.add_model(version, location=location)
        self.outputs = {"output:model_resource_name": model.name}
        if not template.deploys:
            return
        self.outputs["output:endpoint_resource_name"] = ""
        if moment.has_endpoint and str(given.get("deploy_model", True)).lower() != "false":
            name = version.body["displayName"]
            endpoint = place.add_endpoint(location=location, display_name=name, labels=labels)
            place.deploy(
                endpoint, {"model": model.name, "modelVersionId": "1", "displayName": name}
            )
            self.outputs["output:endpoint_resource_name"] = endpoint.body["name"]

    def _detail(self, place: Place, moment: Moment) -> Json:
        """The root run, and the tasks that clients look for."""
        run = {"taskId": "1", "taskName": self.id, **self._task(place, moment, "system.Run")}
        tasks = [run]
        if self.outputs:
            uploader = self._task(place, moment, "system.ContainerExecution")
            tasks.append(
                {"taskId": "2", "taskName": self.template.uploader, "parentTaskId": "1", **uploader}
            )
        parent = place.parent(self.location)
        context = f"{parent}/metadataStores/default/contexts/{self.id}"
        return {"taskDetails": tasks, "pipelineRunContext": {"name": context}}

    def _task(self, place: Place, moment: Moment, schema: str) -> Json:
        parent = place.parent(self.location)
        inputs = {f"input:{name}": value for name, value in self.parameters.items()}
        execution: Json = {
            "name": f"{parent}/metadataStores/default/executions/{self.id}-{schema}",
            "schemaTitle": schema,
            "schemaVersion": "0.0.1",
            "metadata": {**inputs, **self.outputs},
        }
        task: Json = {
            "state": _TASK_STATES.get(
                moment.state, moment.state if moment.state in ENDED else "RUNNING"
            ),
            "execution": execution,
            "createTime": place.time.stamp(self.created),
        }
        if moment.started is not None:
            task["startTime"] = place.time.stamp(moment.started)
        if moment.ended is not None:
            task["endTime"] = place.time.stamp(moment.ended)
        if moment.problem is not None:
            task["error"] = moment.problem.model_dump()
        return task


_BASE_MODELS: Mapping[str, str] = {
    "tune-text-embedding-model": "text-embedding-004",
    "tune-large-model": "text-bison@001",
    "tune-large-chat-model": "chat-bison@001",
    "distillation": "text-bison@002",
}
"""What a template takes where no base model is named."""


def create(place: Place, ask: Ask) -> Json:
    """`pipelineJobs.create`: an id that is taken is refused, so that a client can make a job once."""
    body = ask.body
    template = _template(place, body)
    _refuse_settings(body, template)
    number, now = place.number(), place.time.now()
    made = ask.query.get("pipelineJobId") or f"{template.name}-{number:014d}"
    if not _ID.fullmatch(made):
        raise Refusal(
            400,
            f"The pipeline job id {made!r} is invalid: it must match [a-z][-a-z0-9]{{0,127}}.",
            fields=[("pipeline_job_id", "Invalid id.")],
        )
    if (ask.location, made) in place.pipeline_jobs:
        raise Refusal(
            409,
            f"The PipelineJob {place.name(ask.location, 'pipelineJobs', made)!r} already exists.",
        )
    labels = checked_labels(body.get("labels", {}))
    job = PipelineJob(
        number=number,
        location=ask.location,
        id=made,
        name=place.name(ask.location, "pipelineJobs", made),
        body={**body, "labels": {**labels, _BILLING_LABEL: place.id_of(number)}},
        template=template,
        created=now,
        course=_course(place, made, template, body, now),
    )
    place.pipeline_jobs[ask.location, made] = job
    return job.view(place)


def get(place: Place, ask: Ask) -> Json:
    """`pipelineJobs.get`."""
    return _asked(place, ask).view(place)


def list_(place: Place, ask: Ask) -> Json:
    """`pipelineJobs.list`."""
    found = place.listed(place.pipeline_jobs.values(), ask.location)
    return page_of(found, ask.query, key="pipelineJobs", fields=_FIELDS)


def cancel(place: Place, ask: Ask) -> Json:
    """`pipelineJobs.cancel`: without effect on a job that is over."""
    _asked(place, ask).course.cancel(place.time.now())
    return {}


def delete(place: Place, ask: Ask) -> Json:
    """`pipelineJobs.delete`: refused while the job runs."""
    job = _asked(place, ask)
    if job.course.at(place.time.now()).state not in ENDED:
        raise Refusal(400, f"The PipelineJob {job.name!r} is not over.", word="FAILED_PRECONDITION")
    del place.pipeline_jobs[job.location, job.id]
    return begun(place, ask, "DeleteOperationMetadata", {"@type": EMPTY})


def _asked(place: Place, ask: Ask) -> PipelineJob:
    job = place.pipeline_jobs.get((ask.location, ask.ids["pipelineJobs"]))
    if not isinstance(job, PipelineJob):
        raise not_found("PipelineJob")
    return job


def _template(place: Place, body: Json) -> Template:
    """The template by its address, or by the name inside a spec that was sent along."""
    uri = str(body.get("templateUri", ""))
    named = str(body.get("pipelineSpec", {}).get("pipelineInfo", {}).get("name", ""))
    found = template_at(uri) or next((known for known in TEMPLATES if known.name == named), None)
    if found is None:
        said = uri or named or "none"
        raise Refusal(
            400,
            f"The emulator runs pipelines that tune; it does not know the template {said!r}.",
            fields=[("pipeline_job.template_uri", "Unknown template.")],
        )
    if not found.is_live and not place.rules.allow_retired:
        raise Refusal(404, f"The base models of the pipeline {found.name!r} are retired.")
    return found


def _refuse_settings(body: Json, template: Template) -> None:
    checked_name(body.get("displayName", ""), "pipeline_job.display_name")
    config: Json = body.get("runtimeConfig", {})
    if not str(config.get("gcsOutputDirectory", "")).startswith("gs://"):
        raise Refusal(
            400,
            "runtime_config.gcs_output_directory must be a Cloud Storage directory.",
            fields=[("pipeline_job.runtime_config.gcs_output_directory", "Must be set.")],
        )
    text = parameter_fault(template, config.get("parameterValues", {}))
    if text is not None:
        raise Refusal(400, text, fields=[("pipeline_job.runtime_config.parameter_values", text)])


def _course(place: Place, id: str, template: Template, body: Json, now: float) -> Course:
    """What happens to the job: as scripted, unless a task finds something wrong with the data."""
    script = place.next_script()
    parameters: Mapping[str, Any] = body["runtimeConfig"].get("parameterValues", {})
    fault = template.fault(place.storage, parameters)
    if fault is not None:
        steps = (
            VertexStep(state="PENDING"),
            VertexStep(state="RUNNING"),
            VertexStep(state="FAILED"),
        )
        script = VertexScript(steps=steps, problem=VertexProblem(code=9, message=fault))
    new = NewJob(
        id=id,
        created=now,
        base_model=str(parameters.get(template.base_model, "")),
        kind=template.name,
        spec=dict(parameters),
    )
    return place.engine.begin(new, script)
