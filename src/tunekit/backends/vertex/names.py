"""Names on Vertex AI: of jobs, hosts, pages of the console, and the labels by which tunekit finds its jobs again.

Belongs here: pure functions on names.
Does not belong here: looking anything up.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tunekit.backends.vertex.case import Resource
from tunekit.errors import JobNotFound, ModelNotFound
from tunekit.jobs.record import JobRequest

KEY_LABEL, FINGERPRINT_LABEL = "tunekit-key", "tunekit-fp"
PREFIX = "vertex:"
_RESOURCE = re.compile(
    r"projects/(?P<project>[a-z0-9.:-]+)/locations/(?P<location>[a-z0-9-]+)"
    r"/(?P<kind>tuningJobs|pipelineJobs)/(?P<id>[A-Za-z0-9_-]{1,128})"
)
_LOCATED = re.compile(r"projects/[^/]+/locations/([a-z0-9-]+)/")
_MULTI_REGIONS = ("eu", "us")
_CONSOLE = "https://console.cloud.google.com/vertex-ai"


@dataclass(frozen=True, slots=True)
class JobName:
    """The name of a job, taken apart."""

    project: str
    location: str
    resource: Resource
    id: str

    @property
    def full(self) -> str:
        """The name as Vertex AI writes it."""
        return f"projects/{self.project}/locations/{self.location}/{self.resource}/{self.id}"

    @property
    def console_url(self) -> str:
        """The page of the job."""
        if self.resource == "pipelineJobs":
            return f"{_CONSOLE}/locations/{self.location}/pipelines/runs/{self.id}?project={self.project}"
        page = f"{_CONSOLE}/generative/language/locations/{self.location}/tuning/tuningJob"
        return f"{page}/{self.id}?project={self.project}"


def job_name(job_id: str) -> JobName:
    """The name in an id of a job.

    Raises:
        JobNotFound: The id is none of this backend.
    """
    found = _RESOURCE.fullmatch(job_id.removeprefix(PREFIX))
    if found is None or not job_id.startswith(PREFIX):
        raise JobNotFound(
            f"There is no job {job_id!r}.",
            hint="Ids look like vertex:projects/<project>/locations/<region>/tuningJobs/<number>.",
        )
    resource: Resource = "pipelineJobs" if found["kind"] == "pipelineJobs" else "tuningJobs"
    return JobName(found["project"], found["location"], resource, found["id"])


def job_of_model(model_id: str) -> tuple[str, str]:
    """The id of the job that gave a model, and what of it is meant: `model`, or `checkpoint-<id>`.

    Raises:
        ModelNotFound: The id is none of this backend.
    """
    job_id, _, part = model_id.rpartition("/")
    try:
        job_name(job_id)
    except JobNotFound as error:
        raise ModelNotFound(
            f"There is no model {model_id!r}.", hint="`client.models()` lists them."
        ) from error
    if part != "model" and not re.fullmatch(r"checkpoint-[A-Za-z0-9_-]+", part):
        raise ModelNotFound(
            f"There is no model {model_id!r}.", hint="`client.models()` lists them."
        )
    return job_id, part


def key_of(request: JobRequest, project: str, location: str) -> str:
    """130 bits that stand for the key of a request in that place; a label, and part of the id of a pipeline job."""
    return key_of_text(request.key, project, location)


def key_of_text(key: str, project: str, location: str) -> str:
    """The same for a key by itself."""
    asked = f"{project}\n{location}\n{key}"
    return base64.b32encode(hashlib.sha256(asked.encode()).digest()).decode()[:26].lower()


def labels_of(request: JobRequest, project: str, location: str) -> Mapping[str, str]:
    """The labels by which a job is found again, and told from one that was asked for differently."""
    return {
        KEY_LABEL: key_of(request, project, location),
        FINGERPRINT_LABEL: request.fingerprint[:40],
    }


def pipeline_job_id(key: str) -> str:
    """The id that a pipeline job gets."""
    return f"tunekit-{key}"


def host_of(location: str) -> str:
    """The host that serves a location."""
    if location in _MULTI_REGIONS:
        return f"aiplatform.{location}.rep.googleapis.com"
    if location == "global":
        return "aiplatform.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def location_of(resource: str, otherwise: str) -> str:
    """The location in the name of a resource: a model can be served elsewhere than it was tuned."""
    found = _LOCATED.match(resource)
    return found[1] if found else otherwise
