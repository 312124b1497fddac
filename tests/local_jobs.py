"""Jobs that run in the process of the test, and jobs on disk as a worker would have left them that was killed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import tunekit as tk
from tunekit.backends.local.checkpoints import Checkpoints
from tunekit.backends.local.folder import JobFolder, Process
from tunekit.backends.local.worker import run_job


def folder_of(job: tk.Job[Any]) -> JobFolder:
    """The folder of a local job."""
    return JobFolder(Path(job.record.location or ""))


def work_here(folder: JobFolder) -> None:
    """Work on a job at once, instead of starting a process for it."""
    before = folder.process()
    attempt = before.attempt + 1 if before else 1
    folder.write_process(Process(attempt=attempt, spawned_at=folder.manifest().created_at))
    run_job(folder, attempt=attempt)


def break_off(job: tk.Job[Any], *, after_step: int, stage: Path | None = None) -> None:
    """Leave a finished job as if it had been killed after a step: later checkpoints torn, nothing said of an end.

    Args:
        job: A job that has finished.
        after_step: The last step whose checkpoint is whole; 0 for none.
        stage: Folder of the stage that was killed. `None` is the one that gives the model.
    """
    folder = folder_of(job)
    checkpoints = Checkpoints(stage / "checkpoints") if stage else folder.checkpoints
    for path, mark in checkpoints.marks():
        if mark.step > after_step:
            (path / "checkpoint.json").unlink()
            (path / "optimizer.pt").write_bytes(b"torn")
    if stage is not None:
        shutil.rmtree(folder.checkpoints.path, ignore_errors=True)
    (folder.path / "status.json").unlink()
    long_ago = folder.manifest().created_at.replace(year=2020)
    folder.write_process(Process(attempt=1, spawned_at=long_ago))
