"""Jobs on disk as a worker would have left them that was killed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import tunekit as tk
from tunekit.backends.local.checkpoints import Checkpoints
from tunekit.backends.local.folder import JobFolder, Process


def folder_of(job: tk.Job[Any]) -> JobFolder:
    """The folder of a local job."""
    return JobFolder(Path(job.record.location or ""))


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
