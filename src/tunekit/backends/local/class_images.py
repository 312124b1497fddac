"""Pictures that a base model draws of what it knows, so that a tuned one keeps knowing it; drawn once and kept.

Belongs here: drawing them, and finding them again.
Does not belong here: learning from them (`image_training.py`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.backends.local.base_models import BaseModel, find_base_model
from tunekit.backends.local.files import flush_to_disk
from tunekit.backends.local.pipelines import Painter, draw_each
from tunekit.backends.local.run import Run
from tunekit.data.pictures import open_picture
from tunekit.jobs.backend import Drawing
from tunekit.tuners.images import ImageTuner

if TYPE_CHECKING:
    from PIL.Image import Image

_STEPS = 25
"""Steps from noise to picture."""


def class_pictures(
    painter: Painter, prompts: Sequence[str], run: Run
) -> tuple[list[Image], list[str]]:
    """Pictures of the prompts, in turn, and the prompt of each: drawn by the base model, or from an earlier job.

    Args:
        painter: The base model, without any adapter that is being trained.
        prompts: What to draw.
        run: The job that they are for.
    """
    tuner: ImageTuner[Any] = run.request.tuner
    count = tuner.num_prior_images or 1
    asked = list(islice(cycle(prompts), count))
    folder = run.home / "class_images" / _digest(painter, asked, run)
    if not folder.is_dir():
        run.recorder.message(f"drawing {count} pictures with the base model, to be kept")
        wanted = [(prompt, tuner.seed + place) for place, prompt in enumerate(asked)]
        _keep(folder, draw_each(painter, wanted, Drawing(num_inference_steps=_STEPS)))
    paths = [folder / f"{place}.png" for place in range(count)]
    return [open_picture(path, size=painter.size) for path in paths], asked


def _digest(painter: Painter, asked: Sequence[str], run: Run) -> str:
    tuner: ImageTuner[Any] = run.request.tuner
    base = find_base_model(tuner.base_model, run.home)
    told = [base.source, *_adapters(base), painter.size, tuner.seed, list(asked)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]


def _adapters(base: BaseModel) -> list[str]:
    return [str(adapter) for adapter in base.adapters]


def _keep(folder: Path, pictures: Sequence[Image]) -> None:
    """Write all of them, or none; whoever is second leaves it at that."""
    fresh = folder.with_name(f".{uuid.uuid4().hex}")
    fresh.mkdir(parents=True)
    try:
        for place, picture in enumerate(pictures):
            picture.save(fresh / f"{place}.png")
        flush_to_disk(fresh)
        if not folder.exists():
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
