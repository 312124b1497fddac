"""What was done so far to start the job of a key, on this machine, surviving whatever ends the process.

One file per key, only ever added to, one JSON object a line; every line is on the disk before the next step is taken.
It holds names, digests and times, and nothing of a row, a prompt or a credential.

Belongs here: the file.
Does not belong here: the steps (`submission.py`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from pydantic import JsonValue

from tunekit.errors import TransientFault


class Journal(Protocol):
    """The steps taken so far."""

    def steps(self) -> list[dict[str, Any]]:
        """All steps, the oldest first; each has its name under `step`."""
        ...

    def add(self, step: str, facts: Mapping[str, JsonValue]) -> None:
        """Write a step down; it stays, whatever happens then."""
        ...


class FileJournal:
    """A journal on the disk.

    Args:
        folder: Where journals lie.
        key: What the journal is of.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}.jsonl"

    def steps(self) -> list[dict[str, Any]]:
        """All steps. A last line that was left half written never happened."""
        raw = self.path.read_bytes() if self.path.exists() else b""
        found = [_step(line) for line in raw.split(b"\n")[:-1]]
        return [step for step in found if step is not None]

    def add(self, step: str, facts: Mapping[str, JsonValue]) -> None:
        """Write a step down, and wait until it is on the disk."""
        self._make()
        line = json.dumps({"step": step, **facts}, sort_keys=True).encode() + b"\n"
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _drop_torn_line(handle)
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep other processes of this machine out.

        Raises:
            TransientFault: Another one is starting the job of this key.
        """
        self._make()
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _locked(lock):
                raise TransientFault(
                    "Another process is starting the job of this key.",
                    hint="Nothing happened; try again.",
                    place=str(self.path),
                )
            yield
        finally:
            os.close(lock)

    def _make(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
            _sync_folder(folder)


def _step(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("step"), str) else None


def _drop_torn_line(handle: int) -> None:
    size = os.fstat(handle).st_size
    if size == 0 or os.pread(handle, 1, size - 1) == b"\n":
        return
    kept = os.pread(handle, size, 0).rfind(b"\n") + 1
    os.ftruncate(handle, kept)


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Take the lock, which ends with the process; without `fcntl` there is none, and the claims in the bucket hold."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
