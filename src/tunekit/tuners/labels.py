"""The labels that teachers gave, as they are kept beside the jobs, and where the labels of a row come from.

Belongs here: the values, and the file they are kept in.
Does not belong here: asking a teacher (`labelling.py`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tunekit._value import Received
from tunekit.data.rows import Row

PROVENANCE = "provenance"
"""Field of a labelled row that says where its label comes from."""


class Label(Received):
    """An answer of a teacher, as it is kept."""

    key: str
    teacher: str
    answer: str
    stopped: bool = True
    num_prompt_tokens: int | None = None
    num_output_tokens: int | None = None
    asked_by: str
    """Key of the job it was asked for."""


class LabelFacts(Received):
    """Where one label of a row comes from."""

    teacher: str
    label: str
    """Key of the label in the store."""
    reused: bool
    """Whether an earlier job had asked for it."""
    num_prompt_tokens: int | None = None
    num_output_tokens: int | None = None


class Provenance(Received):
    """Where the labels of a row come from."""

    place: str
    """File and line of the prompt."""
    job_key: str
    """Key of the job for which the row was labelled."""
    answer: LabelFacts | None = None
    """`None` where the row had its answer already."""
    rationale: LabelFacts | None = None
    reason: str | None = None
    """What the teacher says why that is the answer."""

    @property
    def labels(self) -> tuple[LabelFacts, ...]:
        """The labels of the row."""
        return tuple(facts for facts in (self.answer, self.rationale) if facts is not None)

    @classmethod
    def of(cls, row: Row, job_key: str) -> Provenance | None:
        """That of a row which was labelled for the job of that key, or `None`."""
        written = row.extra.get(PROVENANCE)
        found = cls.model_validate(written) if isinstance(written, Mapping) else None
        return found if found is not None and found.job_key == job_key else None


class LabelStore:
    """The labels that a teacher has given so far, in a file that is only ever added to.

    A line that was left half written by a process that died is passed over. Of two labels for one question the first
    counts, so that whoever looks again finds the same.

    Args:
        folder: Where the files of all teachers are.
        teacher: Name of the teacher.
    """

    def __init__(self, folder: Path, teacher: str) -> None:
        digest = hashlib.sha256(teacher.encode()).hexdigest()
        self.path = folder / f"{digest[:16]}.jsonl"

    def get(self, key: str) -> Label | None:
        """The label of that key, or `None`."""
        return self._labels.get(key)

    def add(self, labels: Sequence[Label]) -> None:
        """Keep labels, with one write for all of them."""
        if not labels:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = "".join(label.model_dump_json(exclude_defaults=True) + "\n" for label in labels)
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            torn = "\n" if _is_torn(handle) else ""
            os.write(handle, (torn + lines).encode())
        finally:
            os.close(handle)
        for label in labels:
            self._labels.setdefault(label.key, label)

    @cached_property
    def _labels(self) -> dict[str, Label]:
        found: dict[str, Label] = {}
        raw = self.path.read_bytes() if self.path.exists() else b""
        for line in raw.split(b"\n"):
            label = _label(line)
            if label is not None:
                found.setdefault(label.key, label)
        return found


def _is_torn(handle: int) -> bool:
    """Whether the last line of a file has no end."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


def _label(line: bytes) -> Label | None:
    try:
        return Label.model_validate_json(line)
    except ValueError:
        return None
