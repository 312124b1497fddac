"""Jobs as this process knows them: what the service said last, and what was asked for.

Belongs here: keeping answers as long as they hold, and putting them beside the request.
Does not belong here: the calls (`service.py`), what an answer means (`states.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tunekit.backends.vertex.case import Json, Resource
from tunekit.backends.vertex.names import FINGERPRINT_LABEL, KEY_LABEL, JobName
from tunekit.backends.vertex.service import Jobs, labels_in
from tunekit.backends.vertex.states import StoredRequest, record_of, state_of, without_examples
from tunekit.backends.vertex.storage import Storage
from tunekit.backends.vertex.sweeping import Sweep
from tunekit.backends.vertex.transport import Transport
from tunekit.errors import BackendFault, JobNotFound, TransientFault
from tunekit.jobs.record import JobRecord

_RECENT_SECONDS = 3.0
_CONSISTENCY_SECONDS = 120.0
"""How long the service may not know a job that it has just started."""
_DATA = re.compile(r"(gs://[^/]+/.*?)/(?:data|outputs)/[^/]+$")
_RESOURCES: tuple[Resource, ...] = ("tuningJobs", "pipelineJobs")


class KnownJobs:
    """Jobs of a project in a location."""

    def __init__(
        self,
        transport: Transport,
        project: str,
        location: str,
        staging: str,
        now: Callable[[], float],
    ) -> None:
        self.project, self.location, self.staging = project, location, staging
        self.service = Jobs(transport, project, location)
        self.storage = Storage(transport)
        self._now = now
        self._sweep = Sweep(self._listed, now)
        self._stored: dict[tuple[str, str], StoredRequest] = {}
        self._last: dict[str, tuple[float, Json]] = {}
        self._failed: dict[str, tuple[float, BackendFault]] = {}
        self._fresh: dict[str, float] = {}
        self._files: dict[str, bytes] = {}

    def wire(self, name: JobName, *, recent: bool = False, fresh: bool = False) -> Json:
        """What the service says of a job, without the rows that it shows.

        Args:
            name: The job.
            recent: Whether what was said a moment ago will do.
            fresh: Whether the job itself has to be asked for.

        Raises:
            JobNotFound: There is none.
        """
        if recent and (said := self._recently(name)) is not None:
            return said
        if fresh:
            self._sweep.forget(name)
        try:
            told = None if fresh else self._sweep.look(name)
            wire = told or without_examples(self._asked(name))
        except BackendFault as error:
            self._failed[name.full] = (self._now(), error)
            raise
        self._failed.pop(name.full, None)
        self._last[name.full] = (self._now(), wire)
        if state_of(wire)[0].is_terminal:
            self._sweep.forget(name, over=True)
        return wire

    def record(self, name: JobName, *, fresh: bool = False) -> JobRecord:
        """The record of a job.

        Raises:
            JobNotFound: There is none, or tunekit did not start it.
        """
        wire = self.wire(name, fresh=fresh)
        return record_of(name, wire, self.stored(name, wire))

    def started(self, name: JobName, wire: Json | None) -> None:
        """Take in that a job was started just now; `wire` is what the service said to that."""
        self._fresh[name.full] = self._now()
        if wire is not None:
            self._last[name.full] = (self._now(), without_examples(wire))

    def all_records(self) -> list[JobRecord]:
        """The records of all jobs that tunekit started, the newest first."""
        found = [record for resource in _RESOURCES for record in self._records(resource)]
        return sorted(found, key=lambda record: (record.created_at, record.id), reverse=True)

    def stored(self, name: JobName, wire: Mapping[str, Any]) -> StoredRequest:
        """What was asked for.

        Raises:
            JobNotFound: tunekit did not start it, or what it wrote is gone.
        """
        labels = labels_in(wire)
        key, fingerprint = labels.get(KEY_LABEL, ""), labels.get(FINGERPRINT_LABEL, "")
        known = self._stored.get((key, fingerprint))
        if known is not None:
            return known
        for staging in self._stagings(wire) if key else ():
            kept = self.storage.get(request_uri(staging, key, fingerprint))
            if kept is not None:
                found = StoredRequest.model_validate(kept.value)
                self._stored[key, fingerprint] = found
                return found
        raise JobNotFound(
            f"Nothing tells what the job 'vertex:{name.full}' was asked for.",
            hint="tunekit did not start it, or what it wrote to the bucket is gone; look at its page in the console.",
            place=name.console_url,
        )

    def keep(self, key: str, fingerprint: str, stored: StoredRequest) -> None:
        """Write down what is asked for, before it is."""
        uri = request_uri(self.staging, key, fingerprint)
        self.storage.put(uri, stored.model_dump(mode="json"), generation=0)
        self._stored[key, fingerprint] = stored

    def file(self, uri: str) -> bytes:
        """A file of a job that is over; it is fetched once."""
        if uri not in self._files:
            self._files[uri] = self.storage.read(uri)
        return self._files[uri]

    # --- steps -------------------------------------------------------------------------------------------------------

    def _recently(self, name: JobName) -> Json | None:
        """What was said a moment ago; a failure of a moment ago is one still."""
        failed_at, failure = self._failed.get(name.full, (0.0, None))
        if failure is not None and self._now() - failed_at <= _RECENT_SECONDS:
            raise failure
        said_at, said = self._last.get(name.full, (0.0, None))
        return said if said is not None and self._now() - said_at <= _RECENT_SECONDS else None

    def _asked(self, name: JobName) -> Json:
        try:
            return self.service.get(name)
        except JobNotFound as error:
            started = self._fresh.get(name.full)
            if started is not None and self._now() - started <= _CONSISTENCY_SECONDS:
                raise TransientFault(
                    "The service does not show the job yet that it has just started.",
                    hint="Look again in a moment.",
                    place=f"vertex:{name.full}",
                ) from error
            raise

    def _listed(self, resource: Resource) -> Iterator[Json]:
        return (without_examples(job) for job in self.service.list(resource))

    def _records(self, resource: Resource) -> Iterator[JobRecord]:
        for wire in self._listed(resource):
            if KEY_LABEL in labels_in(wire):
                name = name_of(wire, resource)
                try:
                    yield record_of(name, wire, self.stored(name, wire))
                except JobNotFound:
                    continue

    def _stagings(self, wire: Mapping[str, Any]) -> list[str]:
        """Where what was asked for may lie: our own folder, and the one that the job names."""
        found = [self.staging]
        for uri in _uris(wire):
            match = _DATA.match(uri)
            if match and match[1] not in found:
                found.append(match[1])
        return found


def request_uri(staging: str, key: str, fingerprint: str) -> str:
    """Where it is written what was asked for."""
    return f"{staging}/requests/{key}-{fingerprint}.json"


def claim_uri(staging: str, key: str) -> str:
    """Where a claim on a key is written."""
    return f"{staging}/claims/{key}.json"


def name_of(wire: Mapping[str, Any], resource: Resource) -> JobName:
    """The name of a job."""
    parts = str(wire["name"]).split("/")
    return JobName(parts[1], parts[3], resource, parts[5])


def _uris(wire: Mapping[str, Any]) -> Iterator[str]:
    for spec in wire.values():
        if isinstance(spec, Mapping):
            for field in ("trainingDatasetUri", "promptDatasetUri", "gcsOutputDirectory"):
                if isinstance(spec.get(field), str):
                    yield str(spec[field])
