"""Jobs that run in the process of the test, jobs that are killed, and jobs on disk as a killed worker leaves them."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import tunekit as tk
from tunekit.backends.local.folder import JobFolder, Process
from tunekit.backends.local.worker import run_job


def folder_of(job: tk.Job[Any]) -> JobFolder:
    """The folder of a local job."""
    return JobFolder(Path(job.record.location or ""))


def weights(job: tk.Job[Any], part: str = "model") -> str:
    """Digest of the weights that a job gives, once it has succeeded.

    Args:
        job: The job.
        part: Folder of the model within the job's.
    """
    assert job.wait(timeout_seconds=300).state is tk.JobState.SUCCEEDED
    (file,) = (folder_of(job).path / part).glob("*.safetensors")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def work_here(folder: JobFolder) -> None:
    """Work on a job at once, instead of starting a process for it."""
    before = folder.process()
    attempt = before.attempt + 1 if before else 1
    folder.write_process(Process(attempt=attempt, spawned_at=folder.manifest().created_at))
    run_job(folder, attempt=attempt)


def kill(job: tk.Job[Any], *, after_step: int, stage: str = "train") -> int:
    """Kill the worker of a job with SIGKILL once it has done that step of that stage; gives the step it had reached."""
    folder = folder_of(job)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status = folder.status()
        progress = status.progress if status else None
        if status and progress and progress.stage == stage and progress.step >= after_step:
            assert status.pid is not None
            os.kill(status.pid, signal.SIGKILL)
            return progress.step
        time.sleep(0.002)
    raise AssertionError("the worker never came so far")


def break_off(job: tk.Job[Any], *, after_step: int) -> None:
    """Leave a finished job as if it had been killed after a step: later checkpoints torn, nothing said of an end.

    Args:
        job: A job that has finished.
        after_step: The last step whose checkpoint is whole; 0 for none.
    """
    folder = folder_of(job)
    for path, mark in folder.checkpoints.marks():
        if mark.step > after_step:
            (path / "checkpoint.json").unlink()
            (path / "optimizer.pt").write_bytes(b"torn")
    (folder.path / "status.json").unlink()
    long_ago = folder.manifest().created_at.replace(year=2020)
    folder.write_process(Process(attempt=1, spawned_at=long_ago))
