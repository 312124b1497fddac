"""Small files that no reader ever sees half of.

Belongs here: writing a JSON file at once, and reading one back as a value.
Does not belong here: which files there are (`folder.py`, `checkpoints.py`).
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue

from tunekit._value import Received

ReceivedT = TypeVar("ReceivedT", bound=Received)


def write_atomically(path: Path, value: Mapping[str, JsonValue], *, durable: bool = True) -> None:
    """Replace a file so that no reader ever sees half of it, and where it is durable no power cut either."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)


def read_value(path: Path, kind: type[ReceivedT]) -> ReceivedT | None:
    """The value in a file, or `None` where there is no file."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def flush_to_disk(folder: Path) -> None:
    """Make sure that every file of a folder would survive a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
