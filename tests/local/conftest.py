"""What the tests of the local backend share: jobs that run in the process of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunekit as tk
from tunekit.backends.local import backend as local_backend
from tunekit.backends.local.folder import JobFolder, Process
from tunekit.backends.local.worker import run_job


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch, home: Path) -> tk.Client:
    """A client whose jobs run at once and in this process, since starting one takes seconds."""

    def work_here(folder: JobFolder) -> None:
        before = folder.process()
        attempt = before.attempt + 1 if before else 1
        manifest = folder.manifest()
        folder.write_process(Process(attempt=attempt, spawned_at=manifest.created_at))
        run_job(folder, attempt=attempt)

    monkeypatch.setattr(local_backend, "spawn_worker", work_here)
    return tk.Client(tk.LocalBackend(home), watch="silent")
