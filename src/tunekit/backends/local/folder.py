"""A job on disk: what lies where, and what it says about the job.

    manifest.json    what was asked for; written once
    process.json     which attempt it is and when it was spawned; by the process that spawns
    status.json      how far the attempt is and how it ended; by the worker
    events.jsonl     what happened, one line each, only ever appended to
    job.lock         held by the worker while it lives; the kernel frees it on any death
    cancel           there when somebody asked to stop
    data/            the rows, each with its place in the user's own files
    checkpoints/     checkpoint-40/..., complete once checkpoint.json is in it
    model/           the result: an adapter or a whole model, and model.json
    reward_model/    the reward model, where the way of tuning makes one
    stages/          what earlier stages of the run need to go on, in a folder each
    stdout.log, stderr.log

Every file that is replaced is replaced at once, so that any other process sees the old one or the new one.

Belongs here: paths, reading, and the state of a job as its folder tells it.
Does not belong here: writing files (`files.py`), starting processes (`process.py`), training (`worker.py`).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tunekit._value import Received
from tunekit.backends.local.checkpoints import Checkpoints
from tunekit.backends.local.files import read_value, write_atomically
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

SPAWN_SECONDS = 30.0
"""How long a spawned worker may take to show a sign of life before it counts as dead."""


class Manifest(Received):
    """What was asked for."""

    version: Literal[1] = 1
    id: str
    created_at: datetime
    request: JobRequest
    versions: Mapping[str, str]
    """Versions of Python and of every package that training rests on."""


class Process(Received):
    """The latest attempt."""

    attempt: int
    spawned_at: datetime


class Status(Received):
    """How far an attempt is."""

    attempt: int
    pid: int | None = None
    """Process of the worker, for people; whether it lives is told by the lock alone."""
    state: JobState
    started_at: datetime
    ended_at: datetime | None = None
    progress: Progress | None = None
    problem: JobProblem | None = None
    model: ModelRecord | None = None


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job on disk."""

    path: Path

    @property
    def id(self) -> str:
        """Id of the job."""
        return f"local:{self.path.name}"

    @property
    def model_id(self) -> str:
        """Id of the model that the job gives."""
        return f"{self.id}/model"

    @property
    def model(self) -> Path:
        """The result."""
        return self.path / "model"

    @property
    def reward_model(self) -> Path:
        """The reward model, where the way of tuning makes one."""
        return self.path / "reward_model"

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints that can be used as models."""
        return Checkpoints(self.path / "checkpoints")

    def stage(self, name: str) -> Path:
        """What a stage that does not give the model leaves behind, its checkpoints among it."""
        return self.path / "stages" / name

    def data(self, name: str) -> Path:
        """The rows of that name."""
        return self.path / "data" / f"{name}.jsonl"

    def log(self, name: Literal["stdout", "stderr"]) -> Path:
        """What the worker printed."""
        return self.path / f"{name}.log"

    # --- what was asked for ------------------------------------------------------------------------------------------

    def manifest(self) -> Manifest:
        """What was asked for."""
        return Manifest.model_validate_json(self._file("manifest").read_bytes())

    def write_manifest(self, manifest: Manifest) -> None:
        """Write what is asked for."""
        self._replace("manifest", manifest)

    def process(self) -> Process | None:
        """The latest attempt, or `None` where none was made."""
        return read_value(self._file("process"), Process)

    def write_process(self, process: Process) -> None:
        """Write which attempt is the latest."""
        self._replace("process", process)

    # --- how far it is -----------------------------------------------------------------------------------------------

    def status(self) -> Status | None:
        """What the worker said last, or `None`."""
        return read_value(self._file("status"), Status)

    def write_status(self, status: Status) -> None:
        """Say how far it is; only how it ended has to outlast a power cut."""
        self._replace("status", status, durable=status.state.is_terminal)

    def ask_to_stop(self) -> None:
        """Ask the worker to stop at its next step."""
        (self.path / "cancel").touch()

    def is_asked_to_stop(self) -> bool:
        """Whether somebody asked."""
        return (self.path / "cancel").exists()

    def forget_request_to_stop(self) -> None:
        """Take the request back, for a new attempt."""
        (self.path / "cancel").unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Generator[bool]:
        """Hold the lock of the job while inside; gives whether it was to be had."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / "job.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def is_worked_on(self) -> bool:
        """Whether a worker lives."""
        with self.locked() as free:
            return not free

    def record(self) -> JobRecord:
        """The job as its folder tells it."""
        manifest, process = self.manifest(), self.process()
        attempt = process.attempt if process else 1
        status, state, problem = self._situation(attempt, process or manifest)
        return JobRecord(
            id=self.id,
            state=state,
            request=manifest.request,
            created_at=manifest.created_at,
            started_at=status.started_at if status else None,
            ended_at=status.ended_at if status else None,
            attempt=attempt,
            progress=status.progress if status else None,
            problem=problem,
            model=status.model if status else None,
            location=str(self.path),
        )

    def _situation(
        self, attempt: int, since: Process | Manifest
    ) -> tuple[Status | None, JobState, JobProblem | None]:
        """What the worker said last, and the state that follows from it and from whether a worker lives."""
        worked_on = (
            self.is_worked_on()
        )  # first: a worker that ends in between has written its status by then
        status = self.status()
        if status is None or status.attempt != attempt:
            status = None
        elif status.state.is_terminal:
            return status, status.state, status.problem
        if worked_on:
            now = status.state if status else JobState.QUEUED
            return status, JobState.CANCELLING if self.is_asked_to_stop() else now, None
        began = since.spawned_at if isinstance(since, Process) else since.created_at
        if status is None and (datetime.now(UTC) - began).total_seconds() < SPAWN_SECONDS:
            return status, JobState.QUEUED, None
        return status, JobState.FAILED, _interrupted(self.id)

    # --- what happened -----------------------------------------------------------------------------------------------

    def append_event(self, event: Event) -> None:
        """Add an event with one write, so that events never mix."""
        line = event.model_dump_json(exclude_defaults=True).encode() + b"\n"
        handle = os.open(self._events, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    def close_torn_event(self) -> None:
        """End a line that a dying worker left half written; readers pass it over."""
        if self._events.exists() and not self._events.read_bytes().endswith(b"\n"):
            with self._events.open("ab") as file:
                file.write(b"\n")

    def events(self, after: int = 0) -> tuple[Event, ...]:
        """The events with numbers above `after`."""
        if not self._events.exists():
            return ()
        complete = self._events.read_bytes().rpartition(b"\n")[0]
        return tuple(
            event for event in map(_event, complete.split(b"\n")) if event and event.number > after
        )

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def checkpoint_records(self) -> tuple[Checkpoint, ...]:
        """The complete checkpoints as users see them."""
        return tuple(
            Checkpoint(id=f"{self.id}/{path.name}", step=mark.step, metrics=mark.metrics)
            for path, mark in self.checkpoints.marks()
        )

    @property
    def _events(self) -> Path:
        return self.path / "events.jsonl"

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.json"

    def _replace(self, name: str, value: Received, *, durable: bool = True) -> None:
        write_atomically(self._file(name), value.model_dump(mode="json"), durable=durable)


def _event(line: bytes) -> Event | None:
    """An event, or `None` for a line that a dying worker left half written."""
    try:
        return Event.model_validate_json(line)
    except ValueError:
        return None


def _interrupted(job_id: str) -> JobProblem:
    return JobProblem(
        code="interrupted",
        message="Its process died without a word: it was killed, or the machine went down.",
        hint=f"Go on from the last checkpoint with client.job({job_id!r}).resume().",
        resumable=True,
    )
