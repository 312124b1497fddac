"""Starts a job: rows to the bucket, what is asked for beside them, and the request exactly once.

Belongs here: putting the parts of a submission together.
Does not belong here: the order of the steps (`submission.py`), each part (`rows.py`, `storage.py`, `service.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from tunekit.backends.vertex.case import Case, Resource
from tunekit.backends.vertex.faults import Missing, row_in
from tunekit.backends.vertex.jobs import KnownJobs, claim_uri, name_of
from tunekit.backends.vertex.journal import FileJournal
from tunekit.backends.vertex.names import (
    FINGERPRINT_LABEL,
    KEY_LABEL,
    JobName,
    key_of_text,
    pipeline_job_id,
)
from tunekit.backends.vertex.planning import Draft, drafted
from tunekit.backends.vertex.rows import Written, write
from tunekit.backends.vertex.service import PipelineSubmission, TuningSubmission
from tunekit.backends.vertex.states import StoredRequest
from tunekit.backends.vertex.storage import Counted
from tunekit.backends.vertex.submission import (
    Found,
    Rules,
    submit_identified,
    submit_labelled,
)
from tunekit.errors import BackendFault, DatasetChanged, JobNotFound
from tunekit.jobs.backend import Rows
from tunekit.jobs.record import JobRecord


class Starting:
    """Starts jobs.

    Args:
        jobs: The jobs that there are.
        journals: Folder for journals.
        now: The time, comparable between processes.
        timeout_seconds: How long a request may take.
        grace_seconds: How long an accepted request may take to show in a list.
    """

    def __init__(
        self,
        jobs: KnownJobs,
        journals: Path,
        *,
        now: Callable[[], float],
        timeout_seconds: float,
        grace_seconds: float,
    ) -> None:
        self._jobs = jobs
        self._journals = journals
        self._now = now
        self._timeout, self._grace = timeout_seconds, grace_seconds

    def start(self, case: Case, rows: Rows, *, in_place: Mapping[str, str]) -> JobRecord:
        """Start the job of a case, or give the one that its key has."""
        key, fingerprint = case.labels[KEY_LABEL], case.labels[FINGERPRINT_LABEL]
        journal = FileJournal(self._journals, key)
        rules = Rules(
            fingerprint=fingerprint,
            now=self._now,
            timeout_seconds=self._timeout,
            grace_seconds=self._grace,
        )
        with journal.held():
            draft = drafted(case, rows, in_place=in_place)
            try:
                found = self._submitted(draft, rows, journal, rules)
            except Missing as error:
                raise BackendFault(error.fact, hint=error.hint) from error.__cause__
            except BackendFault as error:
                raise _placed(error, draft) from error.__cause__
        return self._jobs.record(_job_name(found))

    def find(self, key: str) -> JobRecord | None:
        """The job of a key, or `None`."""
        jobs = self._jobs
        label = key_of_text(key, jobs.project, jobs.location)
        for step in reversed(FileJournal(self._journals, label).steps()):
            if step["step"] == "submitted":
                return jobs.record(_name(str(step["name"])), fresh=True)
        tuning = TuningSubmission(jobs.service, jobs.storage, {}, label, "")
        found = tuning.find(complete=True)
        if found:
            oldest = min(found, key=lambda one: (one.created, one.name))
            return jobs.record(_job_name(oldest), fresh=True)
        try:
            return jobs.record(self._pipeline_name(label), fresh=True)
        except JobNotFound:
            return None

    # --- steps -------------------------------------------------------------------------------------------------------

    def _submitted(self, draft: Draft, rows: Rows, journal: FileJournal, rules: Rules) -> Found:
        key = draft.case.labels[KEY_LABEL]

        def prepare() -> None:
            journal.add("intent", {"key": key, "fingerprint": rules.fingerprint})
            self._upload(draft, rows, journal)
            stored = StoredRequest(request=draft.case.request, written=draft.written)
            self._jobs.keep(key, rules.fingerprint, stored)

        if draft.body.resource == "pipelineJobs":
            pipeline = PipelineSubmission(
                self._jobs.service, self._pipeline_name(key), draft.body.json
            )
            found = submit_identified(pipeline, journal, rules, prepare)
        else:
            tuning = TuningSubmission(
                self._jobs.service,
                self._jobs.storage,
                draft.body.json,
                key,
                claim_uri(self._jobs.staging, key),
            )
            found = submit_labelled(tuning, journal, rules, prepare)
        self._jobs.started(_job_name(found), None)
        return found

    def _upload(self, draft: Draft, rows: Rows, journal: FileJournal) -> None:
        for written in draft.written:
            uri = draft.case.uris[written.name]
            with tempfile.TemporaryFile() as raw:
                file = cast("BinaryIO", raw)
                counted = Counted(file)
                again = write(
                    rows[written.name],
                    written.name,
                    draft.spellings[written.name],
                    cast("BinaryIO", counted),
                    digest=_digest(draft, written),
                )
                if again.sha256 != written.sha256:
                    raise DatasetChanged(
                        "The rows are not the ones that were planned a moment ago.",
                        hint="Call again when nothing writes to their files.",
                        place=", ".join(rows[written.name].names) or None,
                    )
                there = self._jobs.storage.upload(
                    uri, file, size=counted.size, crc32c=counted.crc32c
                )
            journal.add(
                "uploaded",
                {
                    "uri": uri,
                    "generation": there.generation,
                    "crc32c": there.crc32c,
                    "size": there.size,
                },
            )

    def _pipeline_name(self, key: str) -> JobName:
        return JobName(
            self._jobs.project, self._jobs.location, "pipelineJobs", pipeline_job_id(key)
        )


def _digest(draft: Draft, written: Written) -> str | None:
    ref = draft.case.request.dataset(written.name)
    return ref.digest if ref else None


def _placed(error: BackendFault, draft: Draft) -> BackendFault:
    """The same fault with the user's own file and line, where the server names a row."""
    if type(error) is not BackendFault or row_in(error.fact) is None:
        return error
    stored = StoredRequest(request=draft.case.request, written=draft.written)
    return BackendFault(error.fact, hint=error.hint, place=stored.place(error.fact))


def _job_name(found: Found) -> JobName:
    return _name(found.name)


def _name(name: str) -> JobName:
    resource: Resource = "pipelineJobs" if "/pipelineJobs/" in name else "tuningJobs"
    return name_of({"name": name}, resource)
