"""Exports a tuned image model as a whole pipeline of diffusers, kept only where it draws as before.

Belongs here: writing the pipeline with its adapter merged, drawing with what was written, and the comparison.
Does not belong here: text models (`exporting.py`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tunekit.backends.local.base_models import BaseModel, computes_in_bfloat16, find_base_model
from tunekit.backends.local.files import flush_to_disk, write_atomically
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.pipelines import Painters, draw, load_painter
from tunekit.data.store import read_copy
from tunekit.errors import ExportDrifted, FileKept, MethodUnsupported
from tunekit.evaluation.images import mean_distance
from tunekit.jobs.backend import Drawing
from tunekit.jobs.exporting import Exported, ExportFormat
from tunekit.jobs.record import ModelRecord

if TYPE_CHECKING:
    from PIL.Image import Image

_NUM_PROMPTS = 4
_BORNE, _BORNE_IN_16_BITS = 0.005, 0.05
"""Mean difference of pictures, as a share of the range of a pixel, that is borne."""


def export_pipeline(
    painters: Painters,
    record: ModelRecord,
    folder: Path,
    format: ExportFormat,
    *,
    max_drift: float | None,
    home: Path,
) -> Exported:
    """Write a pipeline, and keep it only where it draws like the tuned one.

    Args:
        painters: The models that are loaded already.
        record: Which model.
        folder: Where to; made at once when all is well.
        format: How; only `safetensors`.
        max_drift: Largest mean difference of pictures that is borne, from 0 to 1. `None` takes what is usual.
        home: Root folder of the backend.

    Raises:
        FileKept: The folder is there already.
        MethodUnsupported: The format holds no image models.
        ExportDrifted: What was written draws something else; nothing is left behind.
    """
    if format != "safetensors":
        raise MethodUnsupported(
            f"The format {format!r} holds no image models.",
            hint="Write 'safetensors': a pipeline of diffusers.",
            place="format",
        )
    if folder.exists():
        raise FileKept(f"{str(folder)!r} is there already.", hint="Choose another name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        whole = load_painter(find_base_model(record.id, home))
        whole.pipeline.save_pretrained(str(work), safe_serialization=True)
        prompts = _prompts(record, home)
        size = painters.get(record.id).size
        before = painters.draw(record.id, prompts, Drawing(seed=0), tuned=True)
        written = load_painter(BaseModel(str(work)), size=size)
        after = draw(written, prompts, Drawing(seed=0))
        drift, same = _difference(before, after)
        _refuse_drift(record, drift, max_drift)
        card = record.model_dump(
            mode="json", include={"id", "base_model", "method", "display_name"}
        )
        write_atomically(work / "tunekit.json", card)
        flush_to_disk(work)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Exported(
        folder=folder,
        compared="pictures",
        format=format,
        num_bytes=sum(path.stat().st_size for path in folder.rglob("*.safetensors")),
        drift=drift,
        num_prompts=len(prompts),
        num_same_answers=same,
    )


def _prompts(record: ModelRecord, home: Path) -> list[str]:
    """Prompts that the model was tuned on."""
    job = JobFolder(home / "jobs" / record.job_id.removeprefix("local:"))
    tuner = job.manifest().request.tuner
    rows = (item.row for item in islice(read_copy(job.data("train")), _NUM_PROMPTS))
    return list(dict.fromkeys(tuner.prompted(row.caption) for row in rows))


def _difference(
    before: Sequence[Sequence[Image]], after: Sequence[Sequence[Image]]
) -> tuple[float, int]:
    """The mean difference of pictures, and how many are equal as far as a step of a pixel goes."""
    apart = [mean_distance(one[0], other[0]) for one, other in zip(before, after, strict=True)]
    return sum(apart) / len(apart), sum(distance < 1 / 255 for distance in apart)


def _refuse_drift(record: ModelRecord, drift: float, max_drift: float | None) -> None:
    usual = _BORNE_IN_16_BITS if computes_in_bfloat16() else _BORNE
    borne = usual if max_drift is None else max_drift
    if not drift <= borne:
        raise ExportDrifted(
            f"The exported pipeline is not the tuned one: its pictures drift by {drift:.2%}, {borne:.2%} are borne.",
            hint="Nothing was kept. Pass a higher max_drift.",
            place=record.id,
        )
