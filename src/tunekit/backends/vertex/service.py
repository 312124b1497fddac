"""The calls about jobs: create, look, list and cancel, for tuning jobs in plain JSON and for pipeline jobs as typed.

Belongs here: the calls, and answers as the JSON that the service describes.
Does not belong here: what an answer means (`states.py`), the order of steps of a submission (`submission.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from tunekit.backends.vertex.case import Json, Resource
from tunekit.backends.vertex.faults import Missing
from tunekit.backends.vertex.names import FINGERPRINT_LABEL, KEY_LABEL, JobName
from tunekit.backends.vertex.storage import Storage
from tunekit.backends.vertex.submission import Claim, Found
from tunekit.backends.vertex.transport import Transport
from tunekit.errors import BackendFault, JobNotFound

PAGE_SIZE = 100
"""Jobs in a page of a list, the most that the service gives."""


class Jobs:
    """The jobs of a project in a location."""

    def __init__(self, transport: Transport, project: str, location: str) -> None:
        self._transport = transport
        self.parent = f"projects/{project}/locations/{location}"

    def get(self, name: JobName) -> Json:
        """A job.

        Raises:
            JobNotFound: There is none of that name.
        """
        try:
            if name.resource == "tuningJobs":
                return self._transport.json(
                    "tuningJobs.get", "GET", name.full, location=name.location
                )
            return self._pipeline(name)
        except Missing as error:
            raise JobNotFound(
                f"There is no job 'vertex:{name.full}'.",
                hint="`client.jobs()` lists the jobs; another project or region has others.",
            ) from error.__cause__

    def cancel(self, name: JobName) -> None:
        """Ask a job to stop.

        Raises:
            JobNotFound: There is none of that name.
        """
        try:
            self._cancel(name)
        except Missing as error:
            raise JobNotFound(
                f"There is no job 'vertex:{name.full}'.", hint="`client.jobs()` lists the jobs."
            ) from error.__cause__

    def list(self, resource: Resource, filter: str | None = None) -> Iterator[Json]:
        """All jobs, page by page; a fault on the way is a fault of the whole."""
        if resource == "pipelineJobs":
            yield from self._pipelines(filter)
            return
        token = ""
        while True:
            query = {"pageSize": str(PAGE_SIZE)}
            if filter:
                query["filter"] = filter
            if token:
                query["pageToken"] = token
            page = self._transport.json(
                "tuningJobs.list", "GET", f"{self.parent}/tuningJobs", query=query
            )
            yield from cast("list[Json]", page.get("tuningJobs") or [])
            token = str(page.get("nextPageToken") or "")
            if not token:
                return

    def create_tuning(self, body: Mapping[str, Any]) -> Json:
        """Start a tuning job. Never made again by itself."""
        return self._transport.json(
            "tuningJobs.create", "POST", f"{self.parent}/tuningJobs", body=body
        )

    def create_pipeline(self, id: str, body: Mapping[str, Any]) -> Json:
        """Start a pipeline job under that id."""
        client = self._transport.call("pipelineJobs.create", self._client)
        message = parsed("PipelineJob", body)
        return plain(
            self._transport.call(
                "pipelineJobs.create",
                lambda: client.create_pipeline_job(
                    request={
                        "parent": self.parent,
                        "pipeline_job": message,
                        "pipeline_job_id": id,
                    },
                    retry=None,
                    timeout=self._timeout,
                ),
            )
        )

    def validate_reward(self, body: Mapping[str, Any]) -> Json:
        """Score a response with a reward; nothing is tuned."""
        path = f"{self.parent}/tuningJobs:validateReinforcementTuningReward"
        return self._transport.json("tuningJobs.validateReward", "POST", path, body=body)

    # --- steps -------------------------------------------------------------------------------------------------------

    def _cancel(self, name: JobName) -> None:
        if name.resource == "tuningJobs":
            path = f"{name.full}:cancel"
            self._transport.json("tuningJobs.cancel", "POST", path, body={}, location=name.location)
            return
        client = self._transport.call("pipelineJobs.cancel", lambda: self._client(name.location))
        self._transport.call(
            "pipelineJobs.cancel",
            lambda: client.cancel_pipeline_job(name=name.full, retry=None, timeout=self._timeout),
        )

    def _pipeline(self, name: JobName) -> Json:
        client = self._transport.call("pipelineJobs.get", lambda: self._client(name.location))
        found = plain(
            self._transport.call(
                "pipelineJobs.get",
                lambda: client.get_pipeline_job(name=name.full, retry=None, timeout=self._timeout),
            )
        )
        if _state_is_unspoken(found):
            # a state that the typed client has no word for is read again as it is written
            return self._transport.json(
                "pipelineJobs.get", "GET", name.full, location=name.location
            )
        return found

    def _pipelines(self, filter: str | None) -> Iterator[Json]:
        client = self._transport.call("pipelineJobs.list", self._client)
        token = ""
        while True:
            request = {
                "parent": self.parent,
                "page_size": PAGE_SIZE,
                "page_token": token,
                "filter": filter or "",
            }
            page = self._transport.call(
                "pipelineJobs.list",
                lambda: client.list_pipeline_jobs(
                    request=request,  # noqa: B023  # called at once
                    retry=None,
                    timeout=self._timeout,
                ),
            )
            yield from (plain(job) for job in page.pipeline_jobs)
            token = page.next_page_token
            if not token:
                return

    def _client(self, location: str | None = None) -> Any:
        return self._transport.client("PipelineService", location)

    @property
    def _timeout(self) -> float:
        return self._transport.connection.timeout_seconds


class TuningSubmission:
    """One tuning job to be started, as `submission.Labelled` sees the service."""

    def __init__(self, jobs: Jobs, storage: Storage, body: Json, key: str, claim_uri: str) -> None:
        self._jobs, self._storage = jobs, storage
        self._body, self._key, self._claim_uri = body, key, claim_uri

    def find(self, *, complete: bool) -> list[Found]:
        """The jobs that carry the key; what the server picks out is looked at again here."""
        wanted = None if complete else f'labels.{KEY_LABEL}="{self._key}"'
        try:
            listed = list(self._jobs.list("tuningJobs", wanted))
        except BackendFault as error:
            if complete or error.retryable:
                raise
            listed = list(self._jobs.list("tuningJobs"))  # the server takes no such filter
        return [found_of(job) for job in listed if labels_in(job).get(KEY_LABEL) == self._key]

    def create(self) -> Found:
        """Start it."""
        return found_of(self._jobs.create_tuning(self._body))

    def cancel(self, name: str) -> None:
        """Ask a job to stop."""
        parts = name.split("/")
        self._jobs.cancel(JobName(parts[1], parts[3], "tuningJobs", parts[5]))

    def claim(self) -> Claim | None:
        """The claim on the key."""
        kept = self._storage.get(self._claim_uri)
        if kept is None:
            return None
        return Claim(float(cast("float", kept.value.get("deadline", 0.0))), kept.generation)

    def take(self, deadline: float, generation: int) -> int | None:
        """Write a claim."""
        if not self._storage.put(self._claim_uri, {"deadline": deadline}, generation=generation):
            return None
        seen = self._storage.look(self._claim_uri)
        return seen.generation if seen else None


class PipelineSubmission:
    """One pipeline job to be started, as `submission.Identified` sees the service."""

    def __init__(self, jobs: Jobs, name: JobName, body: Json) -> None:
        self._jobs, self._name, self._body = jobs, name, body

    def get(self) -> Found | None:
        """The job of the id."""
        try:
            return found_of(self._jobs.get(self._name))
        except JobNotFound:
            return None

    def create(self) -> Found:
        """Start it."""
        return found_of(self._jobs.create_pipeline(self._name.id, self._body))


def labels_in(job: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of a job."""
    return cast("Mapping[str, str]", job.get("labels") or {})


def found_of(job: Mapping[str, Any]) -> Found:
    """What a submission has to know of a job."""
    return Found(
        name=str(job["name"]),
        fingerprint=labels_in(job).get(FINGERPRINT_LABEL, ""),
        created=str(job.get("createTime", "")),
    )


def parsed(kind: str, body: Mapping[str, Any]) -> Any:
    """A body as a message of Google's client; what it does not know is an error."""
    from google.cloud import aiplatform_v1
    from google.protobuf import json_format

    message = getattr(aiplatform_v1, kind)
    return message.wrap(json_format.ParseDict(dict(body), message.pb(message())))


def plain(message: Any) -> Json:
    """A message of Google's client as the JSON that it stands for."""
    from google.protobuf import json_format

    found: Json = json_format.MessageToDict(type(message).pb(message))
    return found


def _state_is_unspoken(job: Mapping[str, Any]) -> bool:
    state = job.get("state", "PIPELINE_STATE_UNSPECIFIED")
    return not isinstance(state, str) or state == "PIPELINE_STATE_UNSPECIFIED"
