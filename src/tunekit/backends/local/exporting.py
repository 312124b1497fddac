"""Exports a tuned model: written in some format, run as it was written, and kept only where it answers as before.

Belongs here: the steps, the drift that is borne, and what is refused.
Does not belong here: writing and running (`safetensors_export.py`, `onnx_export.py`), the comparison (`drift.py`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from tunekit.backends.local.base_models import BaseModel, computes_in_bfloat16, find_base_model
from tunekit.backends.local.drift import Drift, Reading, Reference, drift_of, references_of
from tunekit.backends.local.files import flush_to_disk, write_atomically
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.inference import Models
from tunekit.backends.local.onnx_export import OnnxWriter
from tunekit.backends.local.safetensors_export import SafetensorsWriter
from tunekit.data.rows import asked_of
from tunekit.data.store import read_copy
from tunekit.errors import ExportDrifted, FileKept
from tunekit.jobs.backend import PromptLike
from tunekit.jobs.exporting import Exported, ExportFormat
from tunekit.jobs.record import ModelRecord

_NUM_PROMPTS = 8
_BORNE: Mapping[ExportFormat, float] = {
    "safetensors": 0.001,
    "onnx": 0.001,
    "onnx-int8": 0.03,
    "onnx-int4": 0.1,
}
"""Drift that is borne where weights are in 32 bits before they are exported."""
_BORNE_IN_16_BITS = 0.02
"""The least that is borne where a GPU computes in 16 bits: merging an adapter rounds each weight once more."""
_FALLBACK = ("The quick brown fox jumps over the lazy dog.", "1 2 3")
"""What to compare on where the rows of the job are gone."""


class Writer(Protocol):
    """Writes one format, and runs what it wrote."""

    @property
    def weights(self) -> str:
        """Pattern of the files that hold weights."""
        ...

    def write(self, base: BaseModel, folder: Path) -> None:
        """Write a model to a folder that is not there yet."""
        ...

    def readings(self, folder: Path, references: Sequence[Reference]) -> Iterable[Reading]:
        """What the written model makes of the same prompts, in order."""
        ...


def export_model(
    models: Models,
    record: ModelRecord,
    folder: Path,
    format: ExportFormat,
    *,
    max_drift: float | None,
    home: Path,
    writer: Writer | None = None,
) -> Exported:
    """Write a model, and keep what was written only where it answers like the tuned one.

    Args:
        models: The models that are loaded already.
        record: Which model.
        folder: Where to; made at once when all is well.
        format: How.
        max_drift: Largest drift that is borne. `None` takes what is usual for the format.
        home: Root folder of the backend.
        writer: Writes the format. `None` takes the one that belongs to it.

    Raises:
        FileKept: The folder is there already.
        MissingExtra: The format needs the extra `export`.
        MethodUnsupported: The format cannot hold a model of this architecture.
        ExportFailed: It could not be written, or not be run.
        ExportDrifted: What was written answers differently.
    """
    if folder.exists():
        raise FileKept(f"{str(folder)!r} is there already.", hint="Choose another name.")
    writer = writer or _writer(format)
    borne = _borne(format) if max_drift is None else max_drift
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    work.mkdir()
    try:
        fresh = work / "model"
        writer.write(find_base_model(record.id, home), fresh)
        references = references_of(models.loaded(record.id), _prompts(record, home))
        drift = drift_of(references, writer.readings(fresh, references))
        _refuse_drift(record, drift, borne)
        _write_card(record, fresh)
        flush_to_disk(fresh)
        fresh.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Exported(
        folder=folder,
        format=format,
        num_bytes=sum(path.stat().st_size for path in folder.glob(writer.weights)),
        drift=drift.share,
        num_prompts=len(references),
        num_same_answers=drift.num_same_answers,
    )


def _writer(format: ExportFormat) -> Writer:
    match format:
        case "safetensors":
            return SafetensorsWriter()
        case "onnx":
            return OnnxWriter("fp32")
        case "onnx-int8":
            return OnnxWriter("int8")
        case "onnx-int4":
            return OnnxWriter("int4")


def _borne(format: ExportFormat) -> float:
    usual = _BORNE[format]
    return max(usual, _BORNE_IN_16_BITS) if computes_in_bfloat16() else usual


def _prompts(record: ModelRecord, home: Path) -> list[PromptLike]:
    """Prompts that the model was tuned on."""
    data = JobFolder(home / "jobs" / record.job_id.removeprefix("local:")).data("train")
    if not data.exists():
        return list(_FALLBACK)
    return [asked_of(item.row) for item in islice(read_copy(data), _NUM_PROMPTS)]


def _write_card(record: ModelRecord, folder: Path) -> None:
    card = record.model_dump(mode="json", include={"id", "base_model", "method", "display_name"})
    write_atomically(folder / "tunekit.json", card)


def _refuse_drift(record: ModelRecord, drift: Drift, borne: float) -> None:
    if drift.misread is not None:
        raise ExportDrifted(
            f"The exported model is not the tuned one: it reads prompt {drift.misread} as other tokens.",
            hint="Nothing was kept. Its runtime has no such tokenizer or chat template; use format='safetensors'.",
            place=record.id,
        )
    if not drift.share <= borne:
        raise ExportDrifted(
            f"The exported model is not the tuned one: its next tokens drift by {drift.share:.2%}, "
            f"{borne:.2%} are borne.",
            hint="Nothing was kept. Take a format with more bits, or pass a higher max_drift.",
            place=record.id,
        )
