"""Exports a tuned embedding model: written, loaded as it was written, and kept only where it gives the same vectors.

Belongs here: the steps, and what is refused.
Does not belong here: text models (`exporting.py`).
"""

from __future__ import annotations

import shutil
import uuid
from itertools import islice
from pathlib import Path

from tunekit.backends.local.base_models import BaseModel
from tunekit.backends.local.embedders import Embedder, Embedders, load_embedder, save_embedder
from tunekit.backends.local.files import flush_to_disk, write_atomically
from tunekit.backends.local.folder import JobFolder
from tunekit.data.store import read_copy
from tunekit.errors import ExportDrifted, FileKept, MethodUnsupported
from tunekit.jobs.exporting import Exported, ExportFormat
from tunekit.jobs.record import ModelRecord

_NUM_TEXTS = 8
_BORNE = 1e-5
"""Largest difference between two vectors of the same text, as one minus their cosine, that rounding may make."""
_FALLBACK = ("The quick brown fox jumps over the lazy dog.", "1 2 3")
"""What to compare on where the rows of the job are gone."""


def export_embedder(
    embedders: Embedders,
    record: ModelRecord,
    folder: Path,
    format: ExportFormat,
    *,
    max_drift: float | None,
    home: Path,
) -> Exported:
    """Write an embedding model, and keep what was written only where it gives the same vectors.

    Args:
        embedders: The models that are loaded already.
        record: Which model.
        folder: Where to; made at once when all is well.
        format: How.
        max_drift: Largest drift that is borne. `None` takes what rounding may make.
        home: Root folder of the backend.

    Raises:
        FileKept: The folder is there already.
        MethodUnsupported: It is another format than safetensors.
        ExportDrifted: What was written gives other vectors.
    """
    if format != "safetensors":
        raise MethodUnsupported(
            f"An embedding model cannot be exported to {format!r}.",
            hint="Write format='safetensors'.",
            place="format",
        )
    if folder.exists():
        raise FileKept(f"{str(folder)!r} is there already.", hint="Choose another name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    tuned, texts = embedders.get(record.id), _texts(record, home)
    try:
        save_embedder(tuned, fresh)
        distances = _distances(tuned, load_embedder(BaseModel(str(fresh))), texts)
        borne = _BORNE if max_drift is None else max_drift
        if not max(distances) <= borne:
            raise ExportDrifted(
                f"The exported model is not the tuned one: its vectors drift by {max(distances):.2%}, "
                f"{borne:.2%} are borne.",
                hint="Nothing was kept. Report it with the name of the base model.",
                place=record.id,
            )
        card = record.model_dump(
            mode="json", include={"id", "base_model", "method", "display_name"}
        )
        write_atomically(fresh / "tunekit.json", card)
        flush_to_disk(fresh)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Exported(
        folder=folder,
        compared="vectors",
        format=format,
        num_bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        drift=max(0.0, *distances),
        num_prompts=len(texts),
        num_same_answers=sum(distance <= _BORNE for distance in distances),
    )


def _texts(record: ModelRecord, home: Path) -> list[str]:
    data = JobFolder(home / "jobs" / record.job_id.removeprefix("local:")).data("corpus")
    if not data.exists():
        return list(_FALLBACK)
    return [item.row.content for item in islice(read_copy(data), _NUM_TEXTS)]


def _distances(one: Embedder, other: Embedder, texts: list[str]) -> list[float]:
    import numpy as np

    first, second = (side.vectors(texts, "RETRIEVAL_DOCUMENT", None) for side in (one, other))
    scale = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosines = np.sum(first * second, axis=1) / np.maximum(scale, 1e-12)
    return [max(0.0, 1.0 - float(cosine)) for cosine in cosines]
