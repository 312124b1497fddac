"""What the tests of the local backend share: jobs that run in the process of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunekit as tk
from local_jobs import work_here
from tunekit.backends.local import backend as local_backend


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch, home: Path) -> tk.Client:
    """A client whose jobs run at once and in this process, since starting one takes seconds."""
    monkeypatch.setattr(local_backend, "spawn_worker", work_here)
    return tk.Client(tk.LocalBackend(home), watch="silent")
