"""What a job's folder says, without any training."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

import tunekit as tk
from sample_rows import routing
from tunekit.backends.local.files import write_atomically
from tunekit.backends.local.folder import (
    SPAWN_SECONDS,
    JobFolder,
    Manifest,
    Process,
    Status,
)
from tunekit.jobs.record import Event
from tunekit.jobs.states import JobState

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    """A job that was written down and not started."""
    plan = tk.Client(tk.MemoryBackend()).plan(tk.SupervisedTuner(base_model="m"), routing(4))
    made = JobFolder(tmp_path / "jobs" / "one")
    made.path.mkdir(parents=True)
    made.write_manifest(Manifest(id=made.id, created_at=NOW, request=plan.job, versions={}))
    return made


def spawned(folder: JobFolder, *, seconds_ago: float = 0, attempt: int = 1) -> None:
    """Write down that a worker was spawned."""
    when = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    folder.write_process(Process(attempt=attempt, spawned_at=when))


def said(folder: JobFolder, state: JobState, *, attempt: int = 1) -> None:
    """Write down what the worker said."""
    folder.write_status(Status(attempt=attempt, state=state, started_at=NOW))


def test_a_job_that_was_just_spawned_is_queued(folder: JobFolder) -> None:
    spawned(folder)
    assert folder.record().state is JobState.QUEUED


def test_a_worker_that_never_came_is_an_interruption(folder: JobFolder) -> None:
    spawned(folder, seconds_ago=SPAWN_SECONDS + 1)
    record = folder.record()
    assert record.state is JobState.FAILED
    assert record.problem is not None
    assert record.problem.code == "interrupted"
    assert record.problem.resumable


def test_a_worker_that_holds_the_lock_is_at_work(folder: JobFolder) -> None:
    spawned(folder)
    said(folder, JobState.RUNNING)
    with FileLock(folder.path / "job.lock"):
        assert folder.record().state is JobState.RUNNING
        folder.ask_to_stop()
        assert folder.record().state is JobState.CANCELLING


def test_a_worker_that_lost_the_lock_without_a_word_is_dead(folder: JobFolder) -> None:
    spawned(folder)
    said(folder, JobState.RUNNING)
    assert folder.record().state is JobState.FAILED


def test_a_worker_that_said_how_it_ended_is_believed(folder: JobFolder) -> None:
    spawned(folder)
    said(folder, JobState.SUCCEEDED)
    with FileLock(folder.path / "job.lock"):  # it may take a second to go away
        assert folder.record().state is JobState.SUCCEEDED


def test_what_an_earlier_attempt_said_does_not_count(folder: JobFolder) -> None:
    said(folder, JobState.CANCELLED, attempt=1)
    spawned(folder, attempt=2)
    assert folder.record().state is JobState.QUEUED
    assert folder.record().attempt == 2


def test_events_are_read_whole_and_in_order(folder: JobFolder) -> None:
    for number in (1, 2, 3):
        folder.append_event(Event(number=number, time=NOW, kind="message", message=f"m{number}"))
    assert [event.message for event in folder.events(after=1)] == ["m2", "m3"]


def test_a_torn_event_is_passed_over(folder: JobFolder) -> None:
    folder.append_event(Event(number=1, time=NOW, kind="message", message="whole"))
    with (folder.path / "events.jsonl").open("ab") as file:
        file.write(b'{"number": 2, "time": "20')
    assert [event.number for event in folder.events()] == [1]
    folder.close_torn_event()
    folder.append_event(Event(number=2, time=NOW, kind="message", message="after"))
    assert [event.message for event in folder.events()] == ["whole", "after"]


def test_a_file_is_replaced_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_atomically(target, {"a": 1})
    write_atomically(target, {"a": 2})
    assert target.read_text() == '{"a": 2}'
    assert list(tmp_path.iterdir()) == [target]


def test_a_checkpoint_without_its_mark_is_not_there(folder: JobFolder) -> None:
    (folder.checkpoints.path / "checkpoint-9").mkdir(parents=True)
    (folder.checkpoints.path / "checkpoint-9" / "adapter_model.safetensors").write_bytes(b"half")
    assert folder.checkpoints.marks() == ()
